"""Proves the language host over a real gRPC connection, and as the process that the engine starts and stops."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import grpc
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import language_pb2 as rpc
from pulumi.runtime.proto.language_pb2_grpc import LanguageRuntimeStub

from lakelatch_engine.host.children import Children
from lakelatch_engine.host.errors import HostError
from lakelatch_engine.host.invocation import Invocation
from lakelatch_engine.host.service import METHODS, NO_DOWNLOADS, Host, handlers
from lakelatch_engine.host.start import COLLECT

PYTHON = {"virtualenv": sys.prefix}


@pytest.fixture
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.end_all()


class Serving:
    """A host on a free loopback port, and a client for it."""

    def __init__(self, executor: Path, children: Children, environ: Mapping[str, str]) -> None:
        self.server = grpc.server(ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers((handlers(Host(str(executor), "127.0.0.1:2", children, environ)),))
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.client: Any = LanguageRuntimeStub(self.channel)

    def close(self) -> None:
        self.channel.close()
        self.server.stop(None).wait()


@pytest.fixture
def executor(tmp_path: Path) -> Path:
    """Stands in for `pulumi-language-python-exec`: runs `program.py` of the project with the same arguments."""
    path = tmp_path / "exec"
    path.write_text("import os, runpy, sys\nrunpy.run_path(sys.argv[sys.argv.index('--pwd') + 1] + '/program.py')\n")
    return path


@pytest.fixture
def serving(executor: Path, children: Children) -> Iterator[Serving]:
    served = Serving(executor, children, {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    yield served
    served.close()


def info(folder: Path, options: Mapping[str, Any] = PYTHON) -> rpc.ProgramInfo:
    struct = json_format.ParseDict(dict(options), struct_pb2.Struct())
    return rpc.ProgramInfo(root_directory=str(folder), program_directory=str(folder), entry_point=".", options=struct)


def running(folder: Path, code: str, **fields: Any) -> rpc.RunRequest:
    (folder / "program.py").write_text(textwrap.dedent(code))
    (folder / "__main__.py").touch()
    return rpc.RunRequest(info=info(folder), pwd=str(folder), project="p", stack="dev", parallel=1, **fields)


def staying_alive(pipe: Path) -> str:
    """A program that writes one letter into a named pipe and keeps it open until it is ended."""
    return f"import time\nwith open({str(pipe)!r}, 'w') as f:\n    f.write('x'); f.flush(); time.sleep(600)\n"


class TestRun:
    @pytest.mark.parametrize(
        ("code", "error", "bail"),
        [
            pytest.param("pass", "", False, id="done"),
            pytest.param("import sys; sys.exit(32)", "", True, id="bail"),
            pytest.param("import sys; sys.exit(7)", "the program exited with code 7", False, id="failed"),
            pytest.param(
                "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
                "the program was ended by signal 9",
                False,
                id="killed",
            ),
        ],
    )
    def test_the_end_of_a_program(self, serving: Serving, tmp_path: Path, code: str, error: str, bail: bool) -> None:
        response = serving.client.Run(running(tmp_path, code))
        assert (response.error, response.bail) == (error, bail)

    def test_configuration_and_environment_reach_it(self, serving: Serving, tmp_path: Path) -> None:
        code = """
            import json, os, pathlib, sys
            seen = {name: os.environ[name] for name in ("PULUMI_CONFIG", "PULUMI_CONFIG_SECRET_KEYS", "VIRTUAL_ENV")}
            here = pathlib.Path(sys.argv[sys.argv.index("--pwd") + 1])
            (here / "seen.json").write_text(json.dumps([seen, sys.argv]))
        """
        request = running(tmp_path, code, config={"p:a": "b"}, configSecretKeys=["p:a"], dryRun=True)
        assert serving.client.Run(request).error == ""
        seen = (tmp_path / "seen.json").read_text()
        assert r"{\"p:a\": \"b\"}" in seen
        assert '"--dry_run", "true"' in seen
        assert '"--engine", "127.0.0.1:2"' in seen
        assert f'"VIRTUAL_ENV": "{sys.prefix}"' in seen

    def test_it_runs_as_if_python_had_been_started_with_the_script(self, serving: Serving, tmp_path: Path) -> None:
        """Arguments and import path are its own; the collector alone is another, which does not look all the time."""
        code = """
            import gc, json, pathlib, sys
            here = pathlib.Path(sys.argv[sys.argv.index("--pwd") + 1])
            seen = [sys.argv[1], sys.path[0], gc.isenabled(), gc.get_threshold()[0]]
            (here / "seen.json").write_text(json.dumps(seen))
        """
        assert serving.client.Run(running(tmp_path, code)).error == ""
        seen = json.loads((tmp_path / "seen.json").read_text())
        assert seen == ["--engine", str(tmp_path), True, COLLECT[0]]

    def test_a_cancelled_call_ends_the_program(self, serving: Serving, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "alive")
        code = staying_alive(tmp_path / "alive")
        call = serving.client.Run.future(running(tmp_path, code))
        with open(tmp_path / "alive") as alive:
            assert alive.read(1) == "x"
            call.cancel()
            assert alive.read() == ""  # its end of the pipe closes when the process is gone

    def test_a_folder_without_a_program_is_told(self, serving: Serving, tmp_path: Path) -> None:
        """Or Python would run another `__main__` from its import path."""
        with pytest.raises(grpc.RpcError, match=r"has no `__main__.py`; add it"):
            serving.client.Run(rpc.RunRequest(info=info(tmp_path), pwd=str(tmp_path)))

    def test_a_missing_environment_is_told(self, serving: Serving, tmp_path: Path) -> None:
        request = rpc.RunRequest(info=info(tmp_path, {"virtualenv": "venv"}), pwd=str(tmp_path))
        with pytest.raises(grpc.RpcError, match="does not exist; run `pulumi install`") as raised:
            serving.client.Run(request)
        assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION


class TestRunPlugin:
    def test_what_it_prints_comes_through_and_then_its_exit_code(self, serving: Serving, tmp_path: Path) -> None:
        (tmp_path / "__main__.py").write_text(
            "import os, sys\nprint(1234)\nprint('oops', file=sys.stderr)\n"
            "print(sys.argv[1:], os.environ['A'])\nsys.exit(3)\n"
        )
        request = rpc.RunPluginRequest(
            info=info(tmp_path), pwd=str(tmp_path), args=["127.0.0.1:2"], env=["A=b=c"], kind="resource"
        )
        responses = list(serving.client.RunPlugin(request))
        assert b"".join(response.stdout for response in responses) == b"1234\n['127.0.0.1:2'] b=c\n"
        assert b"".join(response.stderr for response in responses) == b"oops\n"
        assert [response.exitcode for response in responses if response.HasField("exitcode")] == [3]
        assert responses[-1].HasField("exitcode")

    def test_a_cancelled_call_ends_it(self, serving: Serving, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "alive")
        (tmp_path / "__main__.py").write_text(
            f"import os, time\nwith open({str(tmp_path / 'alive')!r}, 'w'):\n    os.write(1, b'x'); time.sleep(600)"
        )
        call = serving.client.RunPlugin(rpc.RunPluginRequest(info=info(tmp_path), pwd=str(tmp_path), env=[]))
        with open(tmp_path / "alive") as alive:
            assert next(call).stdout == b"x"
            call.cancel()
            assert alive.read() == ""

    @pytest.mark.parametrize("kind", ["resource", "analyzer"])
    def test_plugins_have_an_environment_of_their_own(self, serving: Serving, tmp_path: Path, kind: str) -> None:
        """A plugin without the option wants `venv`; a policy pack runs in the Python on PATH, as with the vendor."""
        (tmp_path / "__main__.py").touch()
        request = rpc.RunPluginRequest(info=info(tmp_path, {}), pwd=str(tmp_path), kind=kind, env=["PATH=/nowhere"])
        words = "`venv`|/venv`" if kind == "resource" else "no `python3` or `python` on PATH"
        with pytest.raises(grpc.RpcError, match=words):
            list(serving.client.RunPlugin(request))


class TestQuestions:
    def test_about(self, serving: Serving, tmp_path: Path) -> None:
        about = serving.client.About(rpc.AboutRequest(info=info(tmp_path)))
        assert about.version == ".".join(map(str, sys.version_info[:3]))
        assert about.executable == sys.executable

    def test_required_packages(self, serving: Serving, tmp_path: Path) -> None:
        packages = serving.client.GetRequiredPackages(rpc.GetRequiredPackagesRequest(info=info(tmp_path))).packages
        assert {"azuread", "databricks"} <= {package.name for package in packages}
        plugins = serving.client.GetRequiredPlugins(rpc.GetRequiredPluginsRequest(info=info(tmp_path))).plugins
        assert [(p.name, p.version, p.kind) for p in plugins] == [(p.name, p.version, p.kind) for p in packages]

    def test_nothing_is_required_where_nothing_may_be_downloaded(
        self, executor: Path, children: Children, tmp_path: Path
    ) -> None:
        served = Serving(executor, children, {**os.environ, NO_DOWNLOADS: "true"})
        try:
            request = rpc.GetRequiredPackagesRequest(info=info(tmp_path))
            assert list(served.client.GetRequiredPackages(request).packages) == []
        finally:
            served.close()

    def test_dependencies(self, serving: Serving, tmp_path: Path) -> None:
        request = rpc.GetProgramDependenciesRequest(info=info(tmp_path), transitiveDependencies=True)
        assert "pulumi" in {entry.name for entry in serving.client.GetProgramDependencies(request).dependencies}

    def test_version(self, serving: Serving) -> None:
        assert serving.client.GetPluginInfo(empty_pb2.Empty()).version == "0.1.0"

    def test_the_rest_is_unimplemented_without_noise(self, serving: Serving, capfd: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(grpc.RpcError) as raised:
            serving.client.GenerateProject(rpc.GenerateProjectRequest())
        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert capfd.readouterr().err == ""

    def test_every_method_is_one_of_the_protocol(self) -> None:
        protocol = rpc.DESCRIPTOR.services_by_name["LanguageRuntime"].methods_by_name
        for name, (_, request, stream) in METHODS.items():
            assert protocol[name].input_type.full_name == request.DESCRIPTOR.full_name
            assert protocol[name].server_streaming == stream


class TestInstall:
    def test_an_environment_is_made_and_a_package_put_in_it(self, serving: Serving, tmp_path: Path) -> None:
        (tmp_path / "requirements.txt").write_text("")
        request = rpc.InstallDependenciesRequest(info=info(tmp_path, {"virtualenv": "venv"}))
        said = b"".join(response.stdout for response in serving.client.InstallDependencies(request)).decode()
        assert said.startswith(f"creating the virtual environment `{tmp_path / 'venv'}`\n")
        assert said.endswith("dependencies are installed\n")
        assert (tmp_path / "venv" / "bin" / "python").is_file()

    def test_what_pip_says_comes_before_the_error(self, serving: Serving, tmp_path: Path) -> None:
        (tmp_path / "requirements.txt").write_text("-r missing.txt\n")
        (tmp_path / "venv" / "bin").mkdir(parents=True)
        (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
        request = rpc.InstallDependenciesRequest(info=info(tmp_path, {"virtualenv": "venv"}))
        responses: list[rpc.InstallDependenciesResponse] = []
        with pytest.raises(grpc.RpcError, match="failed with exit code 1; what pip said stands above"):
            responses.extend(serving.client.InstallDependencies(request))
        assert b"missing.txt" in b"".join(response.stderr for response in responses)


class TestChildren:
    def test_stubborn_ones_are_killed(self, children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("lakelatch_engine.host.children.GRACE", 0.1)
        code = (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
        )
        process = children.start(Invocation([sys.executable, "-c", code], os.environ, None), piped=True)
        assert process.stdout is not None
        assert process.stderr is not None
        with process.stdout, process.stderr:
            assert process.stdout.readline() == b"1\n"
            children.end_all()
        assert process.returncode == -signal.SIGKILL

    def test_none_is_started_after_the_end(self, children: Children) -> None:
        children.end_all()
        with pytest.raises(HostError, match="is stopping"):
            children.start(Invocation([sys.executable, "-c", ""], os.environ, None))


@pytest.fixture
def process(executor: Path) -> Iterator[subprocess.Popen[str]]:
    """The host as the engine starts it: first in a process group of its own, its port on the first line."""
    command = [sys.executable, "-P", "-m", "lakelatch_engine.host", "--use-executor", str(executor), "127.0.0.1:2"]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    yield started
    if started.poll() is None:
        started.kill()
    for pipe in (started.stdout, started.stderr):
        if pipe is not None:
            pipe.close()
    started.wait()


def line(pipe: IO[str] | None) -> str:
    assert pipe is not None
    return pipe.readline()


class TestProcess:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: signal.Signals(number).name)
    def test_stops_cleanly_and_takes_its_program_along(
        self, process: subprocess.Popen[str], tmp_path: Path, number: int
    ) -> None:
        os.mkfifo(tmp_path / "alive")
        code = staying_alive(tmp_path / "alive")
        with grpc.insecure_channel(f"127.0.0.1:{int(line(process.stdout))}") as channel:
            client: Any = LanguageRuntimeStub(channel)
            call = client.Run.future(running(tmp_path, code))  # kept: a call that is not referenced is cancelled
            with open(tmp_path / "alive") as alive:
                assert alive.read(1) == "x"
                assert call.running()
                os.killpg(process.pid, number)  # as the engine does: to the whole group
                assert alive.read() == ""
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in out + err
        assert "KeyboardInterrupt" not in out + err

    def test_stops_when_the_engine_is_gone(self, executor: Path) -> None:
        """A shell stands in for an engine that is killed: the host notices that its parent has changed."""
        host = [sys.executable, "-P", "-m", "lakelatch_engine.host", "--use-executor", str(executor)]
        script = '"$@" & echo $!; wait'
        engine = subprocess.Popen(["/bin/sh", "-c", script, "sh", *host], stdout=subprocess.PIPE, text=True)
        assert engine.stdout is not None
        with engine.stdout:
            numbers = [int(line(engine.stdout)), int(line(engine.stdout))]
            engine.kill()
            engine.wait()
            assert engine.stdout.read() == ""  # the host held the other end of the pipe
        assert len(numbers) == 2

    def test_does_not_load_the_whole_sdk(self) -> None:
        code = (
            "import sys; from lakelatch_engine.host import lean; lean.install(); import lakelatch_engine.host.service;"
            "print([m for m in ('pulumi.resource', 'pulumi.output', 'opentelemetry') if m in sys.modules])"
        )
        finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert finished.stdout == "[]\n"

    def test_without_its_executor_says_what_to_do(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "lakelatch_engine.host", "--use-executor", str(tmp_path / "none")]
        finished = subprocess.run(command, capture_output=True, text=True)
        assert finished.returncode == 1
        assert "run `lakelatch engine install`" in finished.stderr
