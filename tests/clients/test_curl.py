"""`curl`, for scripts: answers, refusals with their reasons, large bodies with and without a length, HEAD."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def curl(world: Any, tmp_path: Path) -> Any:
    """Runs `curl` as a workload; answers status, headers and body."""

    def run(workload: str | None, path: str, *options: str) -> tuple[int, str, bytes]:
        heads, body = tmp_path / "heads", tmp_path / "body"
        body.unlink(missing_ok=True)
        command = ["curl", "--silent", "--show-error", "--cacert", world.ca_file, "--max-time", "60", *options]
        command += ["--dump-header", str(heads), "--output", str(body), "--write-out", "%{http_code}"]
        if workload is not None:
            secret = tmp_path / "authorization"
            secret.write_text(f"Authorization: Bearer {world.token(workload)}")
            command += ["--header", f"@{secret}"]
        ran = subprocess.run([*command, world.gateway.url + path], capture_output=True, text=True, check=True)
        return int(ran.stdout), heads.read_text().lower(), body.read_bytes() if body.exists() else b""

    return run


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_who_it_is(world: Any, curl: Any, version: str) -> None:
    """A request with the workload's own token is the service principal's at Databricks."""
    status, _, body = curl("sdk", "/api/2.0/preview/scim/v2/Me", version)
    assert status == 200
    assert json.loads(body)["userName"] == world.applications["sdk"]


@pytest.mark.parametrize(
    ("workload", "status", "reason"),
    [
        pytest.param("nothing", 403, "current_user.me", id="no role"),
        pytest.param(None, 401, "", id="no token"),
    ],
)
def test_refusals(curl: Any, workload: str | None, status: int, reason: str) -> None:
    """A refusal is told in Databricks' shape, with the action that the caller lacks."""
    answered, heads, body = curl(workload, "/api/2.0/preview/scim/v2/Me")
    assert answered == status
    assert "content-type: application/json" in heads
    assert json.loads(body)["error_code"]
    assert reason in json.loads(body)["message"]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--http1.1", "--header", "Expect: 100-continue"), id="expects 100"),
        pytest.param(("--http2", "--header", "Expect: 100-continue"), id="expects 100, HTTP/2"),
        pytest.param(
            ("--http1.1", "--header", "Expect: 100-continue", "--header", "Transfer-Encoding: chunked"), id="chunked"
        ),
        pytest.param(("--http2", "--header", "Expect:"), id="HTTP/2"),
    ],
)
def test_files(curl: Any, tmp_path: Path, options: tuple[str, ...]) -> None:
    """A file goes up, is looked at with HEAD, and comes down whole and in part; who waits for `100` gets it."""
    content = bytes(range(256)) * 20_000
    (tmp_path / "content").write_bytes(content)
    path = "/api/2.0/fs/files/Volumes/main/sales/files/curl.bin"
    status, heads, _ = curl("files", f"{path}?overwrite=true", "--upload-file", str(tmp_path / "content"), *options)
    assert status == 204
    assert (" 100 " in heads) is ("Expect: 100-continue" in options)
    status, heads, _ = curl("files", path, "--head")
    assert status == 200
    assert f"content-length: {len(content)}" in heads
    assert curl("files", path)[2] == content
    status, _, part = curl("files", path, "--range", "1000-1999")
    assert (status, part) == (206, content[1000:2000])
