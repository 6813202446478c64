"""The stand-ins land in a private PULUMI_HOME at the SDKs' versions, twice is once, and the launcher is a plugin."""

import subprocess
from pathlib import Path

from lakelatch_sandbox.plugins import install


def launchers(home: Path) -> dict[str, Path]:
    return {path.parent.name: path for path in home.glob("plugins/*/pulumi-resource-*")}


def test_installs_at_the_sdks_versions(tmp_path: Path) -> None:
    versions = install(tmp_path)
    assert set(launchers(tmp_path)) == {f"resource-{name}-v{version}" for name, version in versions.items()}
    assert all(path.stat().st_mode & 0o111 for path in launchers(tmp_path).values())


def test_twice_is_once(tmp_path: Path) -> None:
    install(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in launchers(tmp_path).values()}
    install(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in launchers(tmp_path).values()} == before


def test_replaces_other_versions_and_leaves_other_plugins(tmp_path: Path) -> None:
    for name in ("resource-databricks-v1.0.0", "resource-random-v4.0.0"):
        (tmp_path / "plugins" / name).mkdir(parents=True)
    install(tmp_path)
    assert not (tmp_path / "plugins" / "resource-databricks-v1.0.0").exists()
    assert (tmp_path / "plugins" / "resource-random-v4.0.0").exists()


def test_a_launcher_says_its_port(tmp_path: Path) -> None:
    install(tmp_path)
    launcher = next(path for path in launchers(tmp_path).values() if "azuread" in path.name)
    with subprocess.Popen([launcher, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True) as plugin:
        try:
            assert plugin.stdout is not None
            assert int(plugin.stdout.readline()) > 0
        finally:
            plugin.terminate()
