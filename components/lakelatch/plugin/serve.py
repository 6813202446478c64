"""Serves a provider to the engine, with errors in the words that a person can act on.

`pulumi.provider.experimental.server.main` does the same, but ends each error with a Python traceback. Here a
`LakelatchError` reaches the engine as its message and hint; anything else is a defect and keeps its traceback.
"""

import argparse
import asyncio
import os
import select
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import grpc.aio
from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from lakelatch.errors import LakelatchError

_OPTIONS: Final = [("grpc.max_receive_message_length", 400 * 1024 * 1024)]
"""The engine sends whole resources in one message; this is the limit it uses itself."""
WATCH_SECONDS: Final = 1.0
"""Between two looks whether the engine is still there."""


def text_of(error: LakelatchError) -> str:
    """An error as the engine shows it: what was wrong, then what would be right."""
    return f"{error.message}\nhint: {error.hint}" if error.hint else error.message


class _ErrorsForPeople(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    async def intercept_service(self, continuation: Callable[..., Awaitable[Any]], details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        answer = handler.unary_unary

        async def told(request: Any, context: Any) -> Any:
            try:
                return await answer(request, context)
            except Exception as error:
                # ProviderServicer wraps what the provider raised; the original is its context.
                for cause in (error, error.__context__):
                    if isinstance(cause, LakelatchError):
                        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, text_of(cause))
                raise

        return grpc.unary_unary_rpc_method_handler(
            told, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


async def _serve(provider: Provider, version: str, arguments: list[str], engine: str) -> None:
    parent = os.getppid()  # before the handshake: whoever has read the port may be killed at once
    server = grpc.aio.server(interceptors=[_ErrorsForPeople()], options=_OPTIONS)
    servicer = ProviderServicer(arguments, version, provider, engine_address=engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)  # the handshake: the engine reads the port from the first line
    await _engine_gone(parent)
    await server.stop(None)


async def _engine_gone(parent: int) -> None:
    """Return when an engine that was killed can end this process no more: it would wait for ever otherwise.

    The engine holds the other end of standard input, so its end shows there, also when it came before this process was
    ready. A plugin that a language host started has no such pipe; its parent is that host.
    """
    stdin = select.poll()
    stdin.register(0, 0)  # no event is asked for: only a hang-up is told
    while os.getppid() == parent and not any(event & select.POLLHUP for _, event in stdin.poll(0)):
        await asyncio.sleep(WATCH_SECONDS)


def serve(provider: Provider, version: str, arguments: list[str] | None = None) -> None:
    """Serve until the engine ends this process, or is gone itself.

    `arguments` are the plugin's own, the engine's address first.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(description="Pulumi resource plugin; the engine starts it")
    parser.add_argument("engine", help="address of the engine")
    engine = parser.parse_known_args(arguments)[0].engine
    try:
        asyncio.run(_serve(provider, version, arguments, engine))
    except KeyboardInterrupt:
        return
