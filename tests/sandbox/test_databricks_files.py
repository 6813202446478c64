"""Files of volumes are streamed in and out, in ranges too, survive a restart, and no path leads out of the folder."""

import io
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import AlreadyExists, NotFound
from databricks.sdk.errors.base import DatabricksError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.workspace import administrator

pytestmark = pytest.mark.usefixtures("environment")

VOLUME = "/Volumes/main/sales/files"


@pytest.fixture
def workspace(sandbox: Any) -> WorkspaceClient:
    return administrator(sandbox)


def read(workspace: WorkspaceClient, path: str) -> bytes:
    contents = workspace.files.download(path).contents
    assert contents is not None
    with contents:
        return bytes(contents.read())


def test_files(workspace: WorkspaceClient) -> None:
    """Upload, download, metadata and deletion as the vendor's client does them."""
    path = f"{VOLUME}/reports/2026/täglich 1%.csv"
    workspace.files.upload(path, io.BytesIO(b"a,b\n1,2\n"), overwrite=False)
    assert read(workspace, path) == b"a,b\n1,2\n"
    metadata = workspace.files.get_metadata(path)
    assert metadata.content_length == 8
    assert metadata.last_modified
    with pytest.raises(AlreadyExists, match="already exists"):
        workspace.files.upload(path, io.BytesIO(b"new"), overwrite=False)
    workspace.files.upload(path, io.BytesIO(b"new"))
    assert read(workspace, path) == b"new"
    workspace.files.delete(path)
    for call in (workspace.files.delete, workspace.files.get_metadata, workspace.files.download):
        with pytest.raises(NotFound):
            call(path)


def test_directories(workspace: WorkspaceClient) -> None:
    """Made with their parents, listed in pages, deleted when they are empty."""
    base = f"{VOLUME}/tree"
    workspace.files.create_directory(f"{base}/deep/er")
    workspace.files.get_directory_metadata(f"{base}/deep")
    for number in range(5):
        workspace.files.upload(f"{base}/{number}.txt", io.BytesIO(b"x" * number), overwrite=True)
    found = list(workspace.files.list_directory_contents(base, page_size=2))
    assert [(one.name, one.is_directory, one.file_size) for one in found] == [
        *((f"{number}.txt", False, number) for number in range(5)),
        ("deep", True, None),
    ]
    assert found[0].path == f"{base}/0.txt"
    with pytest.raises(DatabricksError, match="not empty"):
        workspace.files.delete_directory(f"{base}/deep")
    workspace.files.delete_directory(f"{base}/deep/er")
    with pytest.raises(NotFound):
        workspace.files.get_directory_metadata(f"{base}/deep/er")
    with pytest.raises(AlreadyExists):
        workspace.files.upload(f"{base}/0.txt/below", io.BytesIO(b""), overwrite=True)


@pytest.mark.parametrize(
    ("headers", "status", "expected"),
    [
        pytest.param({"Range": "bytes=2-4"}, 206, b"234", id="middle"),
        pytest.param({"Range": "bytes=-3"}, 206, b"789", id="end"),
        pytest.param({"Range": "bytes=7-"}, 206, b"789", id="from"),
        pytest.param({"Range": "bytes=50-60"}, 416, None, id="beyond"),
        pytest.param({"If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 412, None, id="changed since"),
        pytest.param(
            {"If-Unmodified-Since": "Sun, 06 Nov 2094 08:49:37 GMT"}, 200, b"0123456789", id="unchanged since"
        ),
    ],
)
def test_ranges(
    workspace: WorkspaceClient, sandbox: Any, headers: dict[str, str], status: int, expected: bytes | None
) -> None:
    """Parts of a file, as RFC 9110 has them."""
    workspace.files.upload(f"{VOLUME}/digits", io.BytesIO(b"0123456789"), overwrite=True)
    url = f"{sandbox.endpoints.workspace_host}/api/2.0/fs/files{VOLUME}/digits"
    answer = sandbox.http.get(url, headers={**workspace.config.authenticate(), **headers})
    assert answer.status_code == status
    if expected is not None:
        assert answer.content == expected


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/Volumes/main/sales",
        "/Volumes/a/b/c/../../../../../escaped",
        "/Volumes/a/b/c/%2e%2e/%2e%2e/%2e%2e/%2e%2e/escaped",
        "/Volumes/a/b/c/..%2f..%2f..%2f..%2fescaped",
        "/Volumes/a/b/c/nul%00l",
        "/Volumes/a/b/c/" + "x" * 256,
    ],
)
def test_paths_that_are_refused(workspace: WorkspaceClient, sandbox: Any, path: str) -> None:
    """Whatever leads out of the volumes, or is no name of a file, is refused and writes nothing."""
    import http.client
    import ssl

    # a client that sends paths as they are
    host, _, port = sandbox.endpoints.workspace_host.removeprefix("https://").partition(":")
    connection = http.client.HTTPSConnection(
        host, int(port), context=ssl.create_default_context(cafile=sandbox.endpoints.ca_file)
    )
    connection.request("PUT", f"/api/2.0/fs/files{path}", b"x", workspace.config.authenticate())
    status = connection.getresponse().status
    connection.close()
    assert status == 400
    assert not list(sandbox.state.rglob("escaped"))


def test_files_outlive_a_restart_and_broken_uploads_leave_nothing(
    new_sandbox: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was put is there again; an upload that was cut off is not."""
    sandbox = new_sandbox()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", sandbox.endpoints.ca_bundle_file)
    administrator(sandbox).files.upload(f"{VOLUME}/kept", io.BytesIO(b"kept"), overwrite=True)
    sandbox.restart()
    workspace = administrator(sandbox)
    assert read(workspace, f"{VOLUME}/kept") == b"kept"
    import socket
    import ssl

    host, _, port = sandbox.endpoints.workspace_host.removeprefix("https://").partition(":")
    token = workspace.config.authenticate()["Authorization"]
    head = f"PUT /api/2.0/fs/files{VOLUME}/cut HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n"
    context = ssl.create_default_context(cafile=sandbox.endpoints.ca_file)
    with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as connection:
        connection.sendall(f"{head}Content-Length: 100000\r\n\r\nonly a part".encode())
    sandbox.restart()
    assert [one.name for one in administrator(sandbox).files.list_directory_contents(VOLUME)] == ["kept"]
    assert not list(sandbox.state.rglob(".upload-*"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None)
@given(name=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20))
def test_any_name_comes_back_as_it_was(workspace: WorkspaceClient, name: str) -> None:
    """A file is found under the name it was given, whatever letters it has."""
    if "/" in name or name in (".", ".."):
        return
    path = f"{VOLUME}/names/{name}"
    workspace.files.upload(path, io.BytesIO(name.encode()), overwrite=True)
    assert read(workspace, path) == name.encode()
    assert name in [one.name for one in workspace.files.list_directory_contents(f"{VOLUME}/names")]
    workspace.files.delete(path)
