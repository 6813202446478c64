"""`python -m …mlflow_paths.child SOCKET DATABASE`: the MLflow server as a process that ends with its sandbox.

It leads a process group of its own, and ends the whole group when its standard input ends: that happens when the
sandbox closes it, and also when the sandbox is killed.
"""

import os
import shlex
import signal
import subprocess
import sys
import threading

ARTIFACT_ROOT = "dbfs:/Volumes/main/default/mlflow"
"""Clients reach it by the Files API, with their own tokens; the server never touches an artifact."""


def _end_with_input() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Run until the server ends."""
    socket, database = sys.argv[1:3]
    threading.Thread(target=_end_with_input, daemon=True).start()
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--no-serve-artifacts"]
    command += ["--backend-store-uri", f"sqlite:///{database}", "--default-artifact-root", ARTIFACT_ROOT]
    # a socket in a private directory: no port stands open without authentication
    command += ["--uvicorn-opts", f"--uds {shlex.quote(socket)} --log-level warning --no-access-log"]
    environment = {
        # nothing of who started the sandbox: no credentials, no tracking server of theirs
        **{name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DATABRICKS_"))},
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    sys.exit(subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
