"""`mlflow`: experiments, runs, metrics, search and artifacts with the gateway as the tracking server."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(600)

# in a process of its own: the client keeps what it once found out about hosts and credentials
CLIENT = """
import pathlib, tempfile
import mlflow

mlflow.set_experiment("/Users/etl/through")
with mlflow.start_run() as run:
    mlflow.log_params({"depth": 3, "kind": "tree"})
    for step in range(3):
        mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
    mlflow.set_tag("team", "x")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.bin"
        path.write_bytes(b"weights" * 1_000_000)
        mlflow.log_artifact(str(path), "models")
client = mlflow.MlflowClient()
assert [one.path for one in client.list_artifacts(run.info.run_id, "models")] == ["models/model.bin"]
with tempfile.TemporaryDirectory() as folder:
    found = client.download_artifacts(run.info.run_id, "models/model.bin", folder)
    assert pathlib.Path(found).read_bytes() == b"weights" * 1_000_000
(found,) = client.search_runs([run.info.experiment_id], "params.depth = '3' and metrics.loss < 0.5")
assert found.info.status == "FINISHED" and found.data.tags["team"] == "x"
assert [one.value for one in client.get_metric_history(run.info.run_id, "loss")] == [1.0, 0.5, 1.0 / 3]
"""


def test_a_run(world: Any, tmp_path: Path) -> None:
    """A run with everything that it logs; the client holds nothing but its own token."""
    environment = world.environment(
        tmp_path,
        DATABRICKS_HOST=world.gateway.url,
        DATABRICKS_AUTH_TYPE="env-oidc",
        DATABRICKS_CLIENT_ID=world.applications["mlflow"],
        DATABRICKS_OIDC_TOKEN=world.token("mlflow"),
        MLFLOW_TRACKING_URI="databricks",
        MLFLOW_DISABLE_TELEMETRY="true",
        MLFLOW_HTTP_REQUEST_TIMEOUT="180",
    )
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CLIENT],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
