"""The executable `pulumi-language-python`: serves the engine that started it until that stops it or is gone."""

import argparse
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lakelatch_engine.host import lean

EXECUTOR = "pulumi-language-python-exec"
THREADS = 128
"""Each running program or plugin occupies one; threads are made when needed."""
WATCH = 1.0
"""Seconds between two looks whether the engine is still there."""
MESSAGE = 400 * 1024 * 1024
"""Bytes of the largest gRPC message: what the engine itself allows."""


def arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pulumi-language-python", description="Pulumi's language host for Python.")
    parser.add_argument("engine", nargs="?", default="", help="address of the engine")
    parser.add_argument("--use-executor", help=f"path of {EXECUTOR}")
    known, _ = parser.parse_known_args(argv)  # the engine may pass logging flags that do not concern us
    return known


def main(argv: list[str] | None = None) -> int:
    asked = arguments(sys.argv[1:] if argv is None else argv)
    if not asked.use_executor or not Path(asked.use_executor).is_file():
        print(f"pulumi-language-python: there is no `{EXECUTOR}`; run `lakelatch engine install`", file=sys.stderr)
        return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()
    lean.install()
    import grpc

    from lakelatch_engine.host.children import Children
    from lakelatch_engine.host.service import Host, handlers

    children = Children()
    limits = [("grpc.max_receive_message_length", MESSAGE), ("grpc.max_send_message_length", MESSAGE)]
    server = grpc.server(ThreadPoolExecutor(THREADS), options=[*limits, ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((handlers(Host(asked.use_executor, asked.engine, children)),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    while not stop.wait(WATCH) and os.getppid() == parent:
        pass
    children.end_all()
    server.stop(grace=None).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
