"""Proves what the language host would run, with which Python and environment, before anything is started."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_engine.host import dependencies, installed
from lakelatch_engine.host.errors import HostError
from lakelatch_engine.host.invocation import START, Program, outcome, package_name, plugin, program
from lakelatch_engine.host.options import Options, Python, ambient


def interpreter(folder: Path, name: str = "python") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "default", "expected"),
        [
            pytest.param({"virtualenv": "venv"}, None, "/project/venv", id="relative to the project"),
            pytest.param({"virtualenv": "/shared/venv"}, None, "/shared/venv", id="absolute"),
            pytest.param({"toolchain": "pip", "virtualenv": "../venv"}, None, "/project/../venv", id="outside"),
            pytest.param({}, None, None, id="program without the option: Python on PATH"),
            pytest.param({}, "venv", "/project/venv", id="plugin without the option"),
            pytest.param({"virtualenv": "own"}, "venv", "/project/own", id="plugin with the option"),
        ],
    )
    def test_the_virtual_environment(self, options: dict[str, Any], default: str | None, expected: str | None) -> None:
        assert Options.of(Path("/project"), options, default=default).virtualenv == (
            None if expected is None else Path(expected)
        )

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            pytest.param({"toolchain": "poetry"}, "`toolchain: poetry` is not supported", id="poetry"),
            pytest.param({"toolchain": "uv"}, "`toolchain: uv` is not supported", id="uv"),
            pytest.param({"virtualenv": 3.0}, "is not a text", id="number"),
        ],
    )
    def test_what_cannot_work_is_refused(self, options: dict[str, Any], words: str) -> None:
        with pytest.raises(HostError, match=words):
            Options.of(Path("/project"), options)

    def test_a_missing_environment_tells_the_way_out(self, tmp_path: Path) -> None:
        with pytest.raises(HostError, match=r"does not exist; run `pulumi install`"):
            Options(tmp_path / "venv").python({})
        (tmp_path / "venv").mkdir()
        with pytest.raises(HostError, match=r"is not a virtual environment; run `pulumi install`"):
            Options(tmp_path / "venv").python({})

    def test_an_environment_is_activated(self, tmp_path: Path) -> None:
        python = interpreter(tmp_path / "venv" / "bin")
        found = Options(tmp_path / "venv").python({})
        assert found == Python(str(python), tmp_path / "venv")
        environ = found.environment({"PATH": "/usr/bin", "PYTHONHOME": "/old", "VIRTUAL_ENV": "/old", "A": "b"})
        assert environ == {"PATH": f"{python.parent}:/usr/bin", "VIRTUAL_ENV": str(tmp_path / "venv"), "A": "b"}

    def test_the_python_on_path(self, tmp_path: Path) -> None:
        plain, three = interpreter(tmp_path, "python"), interpreter(tmp_path / "three", "python3")
        own = interpreter(tmp_path, "mine")
        assert ambient({"PATH": str(tmp_path)}) == str(plain)
        assert ambient({"PATH": f"{tmp_path}:{three.parent}"}) == str(three)
        assert ambient({"PATH": str(tmp_path), "PULUMI_PYTHON_CMD": "mine"}) == str(own)
        with pytest.raises(HostError, match=r"`other` .PULUMI_PYTHON_CMD. on PATH"):
            ambient({"PATH": str(tmp_path), "PULUMI_PYTHON_CMD": "other"})


ASKED = Program(
    monitor="127.0.0.1:1",
    engine="127.0.0.1:2",
    project="p",
    root="/project",
    stack="dev",
    folder="/project",
    entry_point=".",
    dry_run=True,
    parallel=8,
    organization="organization",
    arguments=[],
    config={"p:password": "hunter2"},
    secret_keys=["p:password"],
)


class TestInvocation:
    def test_a_program_goes_through_the_sdks_script(self) -> None:
        asked = program(ASKED, "/bin/exec", Python("/python", None), {"PATH": "/bin"})
        assert list(asked.command) == [
            *["/python", "-u", str(START), "/bin/exec", "--monitor", "127.0.0.1:1", "--engine", "127.0.0.1:2"],
            *["--project", "p"],
            *["--root_directory", "/project", "--stack", "dev", "--pwd", "/project", "--dry_run", "true"],
            *["--parallel", "8", "--organization", "organization", "."],
        ]

    def test_configuration_is_never_on_the_command_line(self) -> None:
        asked = program(ASKED, "/bin/exec", Python("/python", None), {})
        assert "hunter2" not in " ".join(asked.command)
        assert json.loads(asked.environ["PULUMI_CONFIG"]) == {"p:password": "hunter2"}
        assert json.loads(asked.environ["PULUMI_CONFIG_SECRET_KEYS"]) == ["p:password"]

    def test_a_policy_pack_runs_in_its_own_folder(self, tmp_path: Path) -> None:
        asked = plugin("analyzer", tmp_path, ["127.0.0.1:2"], Python("/python", None), {}, "/stack")
        assert asked.command == ["/python", "-u", "-m", "pulumi.policy", "127.0.0.1:2", str(tmp_path)]
        assert asked.folder == str(tmp_path)

    def test_a_plugin_runs_its_main_file(self, tmp_path: Path) -> None:
        (tmp_path / "__main__.py").touch()
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[build-system]\nbuild-backend = "b"\n')
        asked = plugin("resource", tmp_path, ["127.0.0.1:2"], Python("/python", None), {}, "/stack")
        assert asked.command == ["/python", "-u", str(tmp_path), "127.0.0.1:2"]
        assert asked.folder == "/stack"

    def test_a_package_without_main_file_runs_by_its_name(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "my-lake"\n[build-system]\nbuild-backend = "b"\n')
        asked = plugin("resource", tmp_path, ["127.0.0.1:2"], Python("/python", None), {}, "/stack")
        assert asked.command == ["/python", "-u", "-m", "pulumi.run.plugin", "my-lake", "127.0.0.1:2"]

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(None, id="no pyproject.toml"),
            pytest.param('[project]\nname = "x"\n', id="cannot be built"),
            pytest.param('[build-system]\nbuild-backend = "b"\n', id="no name"),
        ],
    )
    def test_a_folder_that_cannot_run_is_refused(self, tmp_path: Path, text: str | None) -> None:
        if text is not None:
            (tmp_path / "pyproject.toml").write_text(text)
        with pytest.raises(HostError, match=r"neither a `__main__.py` nor a `pyproject.toml`"):
            plugin("resource", tmp_path, [], Python("/python", None), {}, "/stack")

    def test_broken_toml_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text("[project\n")
        with pytest.raises(HostError, match="cannot be read"):
            package_name(tmp_path)

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            pytest.param(0, ("", False), id="done"),
            pytest.param(32, ("", True), id="bail: the user has been told"),
            pytest.param(1, ("the program exited with code 1", False), id="failed"),
            pytest.param(-9, ("the program was ended by signal 9", False), id="killed"),
        ],
    )
    def test_the_outcome(self, code: int, expected: tuple[str, bool]) -> None:
        assert outcome(code) == expected


class TestDependencies:
    def test_the_environment_is_made_before_its_pip_is_used(self, tmp_path: Path) -> None:
        (tmp_path / "requirements.txt").touch()
        interpreter(tmp_path / "bin", "python3")
        options, environ = Options(tmp_path / "venv"), {"PATH": str(tmp_path / "bin")}
        steps = dependencies.steps(options, tmp_path, environ, plugin=False)
        first = next(steps)
        assert list(first.asked.command) == [str(tmp_path / "bin" / "python3"), "-m", "venv", str(tmp_path / "venv")]
        python = interpreter(tmp_path / "venv" / "bin")
        second = next(steps)
        assert list(second.asked.command)[:4] == [str(python), "-m", "pip", "install"]
        assert list(second.asked.command)[-2:] == ["-r", "requirements.txt"]
        assert second.asked.environ["VIRTUAL_ENV"] == str(tmp_path / "venv")
        assert list(steps) == []

    @pytest.mark.parametrize(
        ("files", "plugin", "wanted"),
        [
            pytest.param([], False, None, id="nothing to install"),
            pytest.param(["requirements.txt"], False, ["-r", "requirements.txt"], id="requirements"),
            pytest.param(["pyproject.toml"], False, None, id="a program is not a package"),
            pytest.param(["pyproject.toml"], True, ["-e", "."], id="a plugin that is a package"),
            pytest.param(["pyproject.toml", "requirements.txt"], True, ["-r", "requirements.txt"], id="both"),
        ],
    )
    def test_what_is_installed(self, tmp_path: Path, files: list[str], plugin: bool, wanted: list[str] | None) -> None:
        for name in files:
            (tmp_path / name).write_text('[project]\nname = "x"\n[build-system]\nbuild-backend = "b"\n')
        interpreter(tmp_path / "venv" / "bin")
        steps = list(dependencies.steps(Options(tmp_path / "venv"), tmp_path, {}, plugin=plugin))
        assert [list(step.asked.command)[-2:] for step in steps] == ([] if wanted is None else [wanted])

    def test_a_folder_that_is_something_else_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "venv").mkdir()
        (tmp_path / "venv" / "thesis.txt").touch()
        with pytest.raises(HostError, match="exists and is not a virtual environment"):
            list(dependencies.steps(Options(tmp_path / "venv"), tmp_path, {}, plugin=False))


class TestInstalled:
    @pytest.mark.parametrize(
        ("version", "expected"),
        [
            pytest.param("1.2.3", "1.2.3", id="plain"),
            pytest.param("1.2", "1.2.0", id="padded"),
            pytest.param("7", "7.0.0", id="major alone"),
            pytest.param("1.2.3a4", "1.2.3-alpha.4", id="alpha"),
            pytest.param("1.2.3b4", "1.2.3-beta.4", id="beta"),
            pytest.param("1.2.3rc4", "1.2.3-rc.4", id="candidate"),
            pytest.param("1.2.3.post4", "1.2.3+post4", id="post"),
            pytest.param("1.2.3.post4.dev5", "1.2.3+post4dev5", id="post and dev"),
            pytest.param("1!1.2.3", None, id="epoch"),
            pytest.param("", None, id="empty"),
            pytest.param("one", None, id="words"),
        ],
    )
    def test_versions_translate_as_with_the_vendor(self, version: str, expected: str | None) -> None:
        assert installed.semantic(version) == expected

    @given(st.text(alphabet="0123456789.abrcpostdev!", max_size=20))
    def test_translation_never_raises_and_yields_three_numbers(self, version: str) -> None:
        translated = installed.semantic(version)
        assert translated is None or len(translated.split("-")[0].split("+")[0].split(".")) == 3

    def test_plugins_of_sdks(self) -> None:
        found = [
            {"module": "pulumi_azuread", "plugin": {"resource": True, "name": "azuread", "version": "6.11.1"}},
            {"module": "pulumi_x_y", "plugin": {"resource": True}, "installed": "2.0"},
            {"module": "pulumi_odd", "plugin": {"resource": True, "server": "https://s"}, "installed": "odd"},
            {"module": "pulumi_policy", "plugin": {"resource": False, "name": "policy"}},
            {"module": "pulumi_azuread", "plugin": {"resource": True, "name": "azuread", "version": "v6.11.1"}},
        ]
        assert installed.plugins(found) == [
            installed.Plugin("azuread", "v6.11.1", "", None),
            installed.Plugin("x-y", "v2.0.0", "", None),
            installed.Plugin("odd", "", "https://s", None),
        ]

    def test_packages_that_nothing_requires(self) -> None:
        found = [
            {"name": "top", "version": "1", "requires": ["Under_Lying>=2; python_version > '3'"]},
            {"name": "under-lying", "version": "2", "requires": []},
        ]
        assert installed.dependencies(found, transitive=False) == [("top", "1")]
        assert installed.dependencies(found, transitive=True) == [("top", "1"), ("under-lying", "2")]

    def test_the_probe_sees_this_interpreter(self) -> None:
        here = Python(sys.executable, None)
        names = {entry["name"]: entry["version"] for entry in installed.ask(here, "packages", {})["answer"]}
        assert "pulumi" in names
        found = installed.plugins(installed.ask(here, "plugins", {})["answer"])
        assert {"azuread", "databricks"} <= {plugin.name for plugin in found}

    def test_a_probe_that_fails_is_told(self, tmp_path: Path) -> None:
        broken = interpreter(tmp_path, "broken")
        broken.write_text("#!/bin/sh\necho no such luck >&2; exit 4\n")
        with pytest.raises(HostError, match="no such luck"):
            installed.ask(Python(str(broken), None), "about", {})
