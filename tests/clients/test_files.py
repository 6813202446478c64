"""Files of any size: streamed both ways, while the gateway's memory stays as it is."""

import hashlib
import io
from typing import Any

import psutil
import pytest
from databricks.sdk import WorkspaceClient

pytestmark = pytest.mark.usefixtures("environment")

MIB = 1 << 20
SIZE = 320 * MIB
PIECE = hashlib.sha512(b"piece").digest() * (MIB // 64)
MOST_GROWTH = 24 * MIB
"""Far below the file, and well above what Envoy's buffers (32 KiB a connection) and first use of a path take."""


class Endless(io.RawIOBase):
    """A file of `SIZE` bytes that is nowhere; it looks at the gateway's memory while it is read."""

    def __init__(self, memory: "Memory") -> None:
        self.memory, self.position = memory, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = offset + (0, self.position, SIZE)[whence]
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: Any) -> int:
        start = self.position % MIB
        taken = PIECE[start : start + min(len(buffer), SIZE - self.position)]
        buffer[: len(taken)] = taken
        self.position += len(taken)
        self.memory.look()
        return len(taken)


class Memory:
    """Resident bytes of the gateway: its own process and Envoy."""

    def __init__(self, pid: int) -> None:
        own = psutil.Process(pid)
        self._processes = [own, *own.children(recursive=True)]
        assert any("envoy" in process.name() for process in self._processes)
        self.start = self.most = self.looks = 0
        self.start = self.look()

    def look(self) -> int:
        self.looks += 1
        now = sum(process.memory_info().rss for process in self._processes)
        self.most = max(self.most, now)
        return now

    @property
    def growth(self) -> int:
        return self.most - self.start


@pytest.fixture
def client(world: Any, monkeypatch: pytest.MonkeyPatch) -> WorkspaceClient:
    monkeypatch.setenv("DATABRICKS_OIDC_TOKEN", world.token("files"))
    return WorkspaceClient(host=world.gateway.url, auth_type="env-oidc", client_id=world.applications["files"])


def test_large_files(world: Any, client: WorkspaceClient) -> None:
    """320 MiB go up and come down whole, and the gateway holds only a small part of them at any time."""
    path = "/Volumes/main/sales/files/large.bin"
    client.files.upload(path, io.BytesIO(b"small"))
    up = Memory(world.gateway.pid)
    client.files.upload(path, io.BufferedReader(Endless(up), MIB), overwrite=True)
    assert client.files.get_metadata(path).content_length == SIZE
    down = Memory(world.gateway.pid)
    contents = client.files.download(path).contents
    assert contents is not None
    size, expected = 0, PIECE * 2
    with contents:
        while piece := contents.read(MIB):
            assert piece == expected[size % MIB : size % MIB + len(piece)]
            size += len(piece)
            down.look()
    assert size == SIZE
    told = f"{up.growth / MIB:.1f} up, {down.growth / MIB:.1f} down"
    print(f"growth in MiB: {told}; of {down.start / MIB:.0f}, {up.looks} looks")
    assert max(up.growth, down.growth) < MOST_GROWTH


def test_directories(client: WorkspaceClient) -> None:
    """Made, listed and removed."""
    base = "/Volumes/main/sales/files/tree"
    client.files.create_directory(base)
    client.files.upload(f"{base}/täglich 1%.csv", io.BytesIO(b"a,b\n"))
    assert [one.name for one in client.files.list_directory_contents(base)] == ["täglich 1%.csv"]
    client.files.delete(f"{base}/täglich 1%.csv")
    client.files.delete_directory(base)
