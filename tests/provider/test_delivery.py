"""The config folder is always whole: what `current` names was parsed from disk before it was named, files of others
stay, and modes keep the configuration from other users."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lakelatch.envoy.config import GatewayConfig
from lakelatch_provider import delivery
from lakelatch_provider.errors import DeliveryError

Make = Callable[..., dict[str, Any]]


def config(make: Make, **changes: Any) -> GatewayConfig:
    return GatewayConfig.parse(make(**changes))


def hosts(make: Make, count: int) -> list[GatewayConfig]:
    return [config(make, host=f"https://gateway{number}.example.com") for number in range(count)]


def versions(directory: Path) -> set[str]:
    return {path.name for path in (directory / "versions").iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_delivers_what_the_gateway_reads(tmp_path: Path, config_data: Make) -> None:
    wanted = config(config_data)
    version = delivery.deliver(tmp_path / "a" / "gateway", wanted)

    current = tmp_path / "a" / "gateway" / "current"
    assert current.readlink() == Path("versions") / version
    assert GatewayConfig.parse(json.loads((current / "gateway.json").read_text())) == wanted
    observed = delivery.observe(tmp_path / "a" / "gateway")
    assert observed is not None
    assert observed.version == version


def test_only_the_owner_may_read(tmp_path: Path, config_data: Make) -> None:
    directory = tmp_path / "gateway"
    version = delivery.deliver(directory, config(config_data))
    folder = directory / "versions" / version
    assert [mode(path) for path in (directory, directory / "versions", folder)] == [0o700] * 3
    assert mode(folder / "gateway.json") == 0o600


def test_twice_is_once(tmp_path: Path, config_data: Make) -> None:
    first = delivery.deliver(tmp_path, config(config_data))
    assert delivery.deliver(tmp_path, config(config_data)) == first
    assert versions(tmp_path) == {first}


def test_keeps_the_version_before_and_no_older(tmp_path: Path, config_data: Make) -> None:
    delivered = [delivery.deliver(tmp_path, each) for each in hosts(config_data, 4)]
    assert versions(tmp_path) == set(delivered[-2:])
    observed = delivery.observe(tmp_path)
    assert observed is not None
    assert observed.version == delivered[-1]


def test_repairs_a_version_edited_by_hand(tmp_path: Path, config_data: Make) -> None:
    version = delivery.deliver(tmp_path, config(config_data))
    file = tmp_path / "current" / "gateway.json"
    file.write_text("{}")
    assert delivery.deliver(tmp_path, config(config_data)) == version
    assert json.loads(file.read_text())["host"] == "https://gateway.example.com"


def test_a_write_that_fails_leaves_the_good_one(
    tmp_path: Path, config_data: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = hosts(config_data, 2)
    version = delivery.deliver(tmp_path, old)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DeliveryError, match="No space left"):
        delivery.deliver(tmp_path, new)
    observed = delivery.observe(tmp_path)
    assert observed is not None
    assert observed.version == version
    assert not list(tmp_path.rglob("*.new"))


def test_what_the_disk_gives_back_is_judged(tmp_path: Path, config_data: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = hosts(config_data, 2)
    version = delivery.deliver(tmp_path, old)
    monkeypatch.setattr(GatewayConfig, "file", lambda self: '{"version": 1}')
    with pytest.raises(DeliveryError, match="does not hold"):
        delivery.deliver(tmp_path, new)
    assert (tmp_path / "current").readlink().name == version


def test_refuses_a_current_that_is_not_its_own(tmp_path: Path, config_data: Make) -> None:
    (tmp_path / "current").mkdir()
    with pytest.raises(DeliveryError, match="not a symbolic link"):
        delivery.deliver(tmp_path, config(config_data))


def test_removes_what_it_made(tmp_path: Path, config_data: Make) -> None:
    directory = tmp_path / "gateway"
    for each in hosts(config_data, 2):
        delivery.deliver(directory, each)
    delivery.remove(directory)
    assert not directory.exists()
    delivery.remove(directory)  # again, as after an interrupted destroy


@pytest.mark.parametrize("place", ["notes.txt", "versions/notes.txt", "current.backup"])
def test_leaves_files_of_others(tmp_path: Path, config_data: Make, place: str) -> None:
    version = delivery.deliver(tmp_path, config(config_data))
    (tmp_path / place).write_text("mine")
    (tmp_path / "versions" / version / "mine.txt").write_text("mine")
    delivery.remove(tmp_path)
    assert (tmp_path / place).read_text() == "mine"
    assert (tmp_path / "versions" / version / "mine.txt").exists()
    assert not (tmp_path / "versions" / version / "gateway.json").exists()
    assert not (tmp_path / "current").is_symlink()


def test_leaves_a_link_of_others(tmp_path: Path, config_data: Make) -> None:
    delivery.deliver(tmp_path, config(config_data))
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("elsewhere")
    delivery.remove(tmp_path)
    assert (tmp_path / "current").is_symlink()


def test_observes_nothing_and_nonsense(tmp_path: Path, config_data: Make) -> None:
    assert delivery.observe(tmp_path) is None
    version = delivery.deliver(tmp_path, config(config_data))
    (tmp_path / "current" / "gateway.json").write_text("not json")
    observed = delivery.observe(tmp_path)
    assert observed is not None
    assert observed.data is None
    assert observed.version != version
