"""MLflow's own client works with the workspace as its tracking server; the server below is real, private and ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.usefixtures("environment"), pytest.mark.timeout(600)]

# in a process of its own: the client keeps what it once found out about hosts and credentials, and warns a lot
CLIENT = """
import os, pathlib, tempfile
import mlflow
from mlflow.exceptions import RestException
from mlflow.tracking import MlflowClient

client = MlflowClient()
experiment = client.create_experiment("/Users/etl/nightly")
try:
    client.create_experiment("/Users/etl/nightly")
except RestException as error:
    assert error.error_code == "RESOURCE_ALREADY_EXISTS", error.error_code
else:
    raise SystemExit("a second experiment of the same name was made")
run = client.create_run(experiment)
client.log_param(run.info.run_id, "depth", 3)
for step in range(3):
    client.log_metric(run.info.run_id, "loss", 1.0 / (step + 1), step=step)
client.log_batch(run.info.run_id, tags=[mlflow.entities.RunTag("team", "x")])
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "model.txt"
    path.write_text("weights")
    client.log_artifact(run.info.run_id, str(path), "models")
    assert [one.path for one in client.list_artifacts(run.info.run_id, "models")] == ["models/model.txt"]
    found = client.download_artifacts(run.info.run_id, "models/model.txt", folder)
    assert pathlib.Path(found).read_text() == "weights"
client.set_terminated(run.info.run_id)
(found,) = client.search_runs([experiment], "params.depth = '3' and metrics.loss < 0.5")
assert found.info.run_id == run.info.run_id and found.info.status == "FINISHED"
assert found.data.tags["team"] == "x"
assert [one.value for one in client.get_metric_history(run.info.run_id, "loss")] == [1.0, 0.5, 1.0 / 3]
print("RUN", run.info.run_id)
"""


def client_environment(sandbox: Any, tmp_path: Path) -> dict[str, str]:
    endpoints = sandbox.endpoints
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DATABRICKS_HOST": endpoints.workspace_host,
        "DATABRICKS_CLIENT_ID": endpoints.admin_client_id,
        "DATABRICKS_CLIENT_SECRET": endpoints.admin_client_secret,
        "DATABRICKS_CONFIG_FILE": os.devnull,
        "REQUESTS_CA_BUNDLE": endpoints.ca_bundle_file,
        "MLFLOW_TRACKING_URI": "databricks",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "180",
    }


def servers(state: Path) -> list[psutil.Process]:
    """The processes that serve the MLflow database of this state, with those below them."""
    database = str(state / "mlflow" / "mlflow.sqlite")
    found = []
    for process in psutil.process_iter():
        try:
            if any(database in part for part in process.cmdline()):
                found += [process, *process.children(recursive=True)]
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return list(dict.fromkeys(found))


def token(sandbox: Any) -> str:
    endpoints = sandbox.endpoints
    secret = (endpoints.admin_client_id, endpoints.admin_client_secret)
    form = {"grant_type": "client_credentials", "scope": "all-apis"}
    answer = sandbox.http.post(f"{endpoints.workspace_host}/oidc/v1/token", data=form, auth=secret)
    return str(answer.json()["access_token"])


def search(sandbox: Any, bearer: str | None) -> Any:
    headers = {"Cookie": "a=b", "X-Forwarded-User": "someone"}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    url = f"{sandbox.endpoints.workspace_host}/api/2.0/mlflow/experiments/search"
    return sandbox.http.post(url, json={"max_results": 10}, headers=headers, timeout=200)


def test_the_published_client(new_sandbox: Any, tmp_path: Path) -> None:
    """Experiments, params, metrics, tags, search, artifacts; all of it there after a restart; no process stays."""
    sandbox = new_sandbox()
    # who has no token starts nothing
    assert search(sandbox, None).status_code == 401
    assert not servers(sandbox.state)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CLIENT],
        env=client_environment(sandbox, tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    run_id = ran.stdout.split("RUN ")[1].strip()
    sandbox.http.timeout = 200
    headers = {"Authorization": f"Bearer {token(sandbox)}"}
    url = f"{sandbox.endpoints.workspace_host}/api/2.0/mlflow"
    missing = sandbox.http.get(f"{url}/nothing/here", headers=headers)
    assert (missing.status_code, missing.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    before = servers(sandbox.state)
    assert before
    sandbox.restart()
    psutil.wait_procs(before, timeout=30)
    assert not servers(sandbox.state)
    sandbox.http.timeout = 200
    found = sandbox.http.get(f"{url}/runs/get?run_id={run_id}", headers=headers)
    assert found.json()["run"]["data"]["params"] == [{"key": "depth", "value": "3"}]
    assert "set-cookie" not in found.headers
    assert found.headers["x-databricks-org-id"] == sandbox.endpoints.workspace_id


def test_server_ends_with_a_killed_sandbox(tmp_path: Path) -> None:
    """A sandbox that is killed leaves no MLflow server behind: the server's input has ended."""
    database = tmp_path / "mlflow" / "mlflow.sqlite"
    database.parent.mkdir()
    module = "lakelatch_sandbox.databricks.mlflow_paths.child"
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            f"subprocess.Popen([sys.executable, '-m', {module!r}, {str(tmp_path / 's')!r}, {str(database)!r}],"
            " stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)\n"
            "print('started', flush=True)\n"
            "time.sleep(600)\n",
        ],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"started\n"
    deadline = time.monotonic() + 60
    # the server below the child is there
    while len(servers(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    found = [one for one in servers(tmp_path) if one.pid != parent.pid]
    assert len(found) >= 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    _, left = psutil.wait_procs(found, timeout=30)
    assert left == []
