"""The stand-ins land in a private PULUMI_HOME at the SDKs' versions, twice is once, and the launcher is a plugin.

A plugin of ours is also shown to end when the engine is gone that started it.
"""

import subprocess
from pathlib import Path

import psutil

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


def test_a_plugin_ends_with_the_engine_that_was_killed(tmp_path: Path) -> None:
    """An engine holds the other end of its plugins' standard input; SIGKILL leaves it no time for anything else."""
    install(tmp_path)
    launcher = next(path for path in launchers(tmp_path).values() if "azuread" in path.name)
    pipe = subprocess.PIPE
    with subprocess.Popen([launcher, "127.0.0.1:1"], stdin=pipe, stdout=pipe, text=True) as plugin:
        try:
            assert plugin.stdin is not None
            assert plugin.stdout is not None
            assert int(plugin.stdout.readline()) > 0
            assert plugin.poll() is None
            plugin.stdin.close()
            assert plugin.wait(timeout=60) == 0
        finally:
            plugin.kill()


def test_a_plugin_ends_with_the_language_host_that_started_it(tmp_path: Path) -> None:
    """It has no such pipe: its parent is somebody else all of a sudden."""
    install(tmp_path)
    launcher = next(path for path in launchers(tmp_path).values() if "azuread" in path.name)
    host = f'"{launcher}" 127.0.0.1:1 </dev/null & echo $!; wait'
    with subprocess.Popen(["/bin/sh", "-c", host], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        plugin = psutil.Process(int(parent.stdout.readline()))
        try:
            assert int(parent.stdout.readline()) > 0
            assert plugin.is_running()
            parent.kill()
            parent.wait()
            assert psutil.wait_procs([plugin], timeout=60)[1] == []
        finally:
            parent.kill()
            if plugin.is_running():
                plugin.kill()
