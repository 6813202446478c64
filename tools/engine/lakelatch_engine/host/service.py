"""The gRPC service `pulumirpc.LanguageRuntime` for Python: what the engine asks, answered with this package's modules.

What is not in `METHODS` (code generation, packing, project templates) gRPC itself answers as unimplemented, which the
engine takes for "this host cannot do that".
"""

import os
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2, json_format  # type: ignore[import-untyped]
from pulumi.runtime.proto import language_pb2 as rpc
from pulumi.runtime.proto import plugin_pb2

from lakelatch_engine.host import dependencies, installed, invocation
from lakelatch_engine.host.children import Children
from lakelatch_engine.host.errors import HostError
from lakelatch_engine.host.options import PLUGIN_VIRTUALENV, Options
from lakelatch_engine.host.streams import follow

SERVICE = "pulumirpc.LanguageRuntime"


NO_DOWNLOADS = "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"
"""The engine's own switch. `pulumi package get-schema` and `pulumi install` do not heed it themselves (3.259)."""


class Host:
    """Answers the engine. One method per RPC, named as there."""

    def __init__(self, executor: str, engine: str, children: Children, environ: Mapping[str, str] = os.environ) -> None:
        self._executor = executor
        self._engine = engine
        self._children = children
        self._environ = environ

    def handshake(
        self, request: rpc.LanguageHandshakeRequest, _: grpc.ServicerContext
    ) -> rpc.LanguageHandshakeResponse:
        """An engine that attached to a running host says where it is."""
        self._engine = request.engine_address
        return rpc.LanguageHandshakeResponse()

    def get_plugin_info(self, _: empty_pb2.Empty, __: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """The version of this host."""
        return plugin_pb2.PluginInfo(version=metadata.version("lakelatch-engine"))

    def get_required_packages(
        self, request: rpc.GetRequiredPackagesRequest, _: grpc.ServicerContext
    ) -> rpc.GetRequiredPackagesResponse:
        """The provider plugins of all SDKs in the project's environment."""
        packages = [
            plugin_pb2.PackageDependency(
                name=plugin.name,
                kind="resource",
                version=plugin.version,
                server=plugin.server,
                parameterization=_parameterization(plugin.parameterization),
            )
            for plugin in self._plugins(request.info)
        ]
        return rpc.GetRequiredPackagesResponse(packages=packages)

    def get_required_plugins(
        self, request: rpc.GetRequiredPluginsRequest, _: grpc.ServicerContext
    ) -> rpc.GetRequiredPluginsResponse:
        """The same for engines older than parameterized packages."""
        plugins = [
            plugin_pb2.PluginDependency(name=plugin.name, kind="resource", version=plugin.version, server=plugin.server)
            for plugin in self._plugins(request.info)
        ]
        return rpc.GetRequiredPluginsResponse(plugins=plugins)

    def run(self, request: rpc.RunRequest, context: grpc.ServicerContext) -> rpc.RunResponse:
        """Run a program to its end."""
        python = _options(request.info).python(self._environ)
        invocation.check_program(Path(request.pwd), request.info.entry_point)
        asked = invocation.Program(
            monitor=request.monitor_address,
            engine=self._engine,
            project=request.project,
            root=request.info.root_directory,
            stack=request.stack,
            folder=request.pwd,
            entry_point=request.info.entry_point,
            dry_run=request.dryRun,
            parallel=request.parallel,
            organization=request.organization,
            arguments=list(request.args),
            config=dict(request.config),
            secret_keys=list(request.configSecretKeys),
        )
        process = self._children.start(invocation.program(asked, self._executor, python, self._environ))
        context.add_callback(lambda: self._children.end(process))
        error, bail = invocation.outcome(self._children.wait(process))
        return rpc.RunResponse(error=error, bail=bail)

    def run_plugin(
        self, request: rpc.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[rpc.RunPluginResponse]:
        """Run a provider, a component package or a policy pack from its source; hands on what it prints."""
        environ = dict(self._environ) | dict(entry.split("=", 1) for entry in request.env if "=" in entry)
        default = None if request.kind == "analyzer" else PLUGIN_VIRTUALENV
        python = _options(request.info, default=default).python(environ)
        folder = Path(request.info.program_directory)
        asked = invocation.plugin(request.kind, folder, list(request.args), python, environ, request.pwd)
        process = self._children.start(asked, piped=True)
        context.add_callback(lambda: self._children.end(process))
        for source, data in follow(process):
            yield rpc.RunPluginResponse(stdout=data) if source == "stdout" else rpc.RunPluginResponse(stderr=data)
        yield rpc.RunPluginResponse(exitcode=self._children.wait(process))

    def install_dependencies(
        self, request: rpc.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[rpc.InstallDependenciesResponse]:
        """Make the virtual environment and install into it; hands on what pip prints."""
        options = _options(request.info, default=PLUGIN_VIRTUALENV if request.is_plugin else None)
        folder = Path(request.info.program_directory)
        for step in dependencies.steps(options, folder, self._environ, plugin=request.is_plugin):
            yield rpc.InstallDependenciesResponse(stdout=f"{step.says}\n".encode())
            process = self._children.start(step.asked, piped=True)
            context.add_callback(lambda process=process: self._children.end(process))
            for source, data in follow(process):
                out = source == "stdout"
                yield rpc.InstallDependenciesResponse(stdout=data if out else b"", stderr=b"" if out else data)
            code = self._children.wait(process)
            if code != 0:
                raise HostError(f"{step.says} failed with exit code {code}", hint="what pip said stands above")
        yield rpc.InstallDependenciesResponse(stdout=b"dependencies are installed\n")

    def about(self, request: rpc.AboutRequest, _: grpc.ServicerContext) -> rpc.AboutResponse:
        """Which Python runs the project."""
        answer = self._ask(request.info, "about")
        return rpc.AboutResponse(executable=answer["executable"], version=answer["version"])

    def get_program_dependencies(
        self, request: rpc.GetProgramDependenciesRequest, _: grpc.ServicerContext
    ) -> rpc.GetProgramDependenciesResponse:
        """What is installed for the project."""
        found = self._ask(request.info, "packages")["answer"]
        listed = installed.dependencies(found, transitive=request.transitiveDependencies)
        return rpc.GetProgramDependenciesResponse(
            dependencies=[rpc.DependencyInfo(name=name, version=version) for name, version in listed]
        )

    def cancel(self, _: empty_pb2.Empty, __: grpc.ServicerContext) -> empty_pb2.Empty:
        """End everything that runs."""
        self._children.end_all()
        return empty_pb2.Empty()

    def _ask(self, info: rpc.ProgramInfo, question: str) -> dict[str, Any]:
        return installed.ask(_options(info).python(self._environ), question, self._environ)

    def _plugins(self, info: rpc.ProgramInfo) -> list[installed.Plugin]:
        """Nothing where plugins must not be downloaded: some commands would insist on each plugin that is named."""
        if self._environ.get(NO_DOWNLOADS, "").lower() in {"1", "true"}:
            _options(info).python(self._environ)  # an environment that is missing is told all the same
            return []
        return installed.plugins(self._ask(info, "plugins")["answer"])


def _options(info: rpc.ProgramInfo, *, default: str | None = None) -> Options:
    return Options.of(Path(info.root_directory), json_format.MessageToDict(info.options), default=default)


def _parameterization(found: Mapping[str, str] | None) -> plugin_pb2.PackageParameterization | None:
    return json_format.ParseDict(dict(found), plugin_pb2.PackageParameterization()) if found else None


METHODS: Mapping[str, tuple[str, type[Any], bool]] = {
    "Handshake": ("handshake", rpc.LanguageHandshakeRequest, False),
    "GetPluginInfo": ("get_plugin_info", empty_pb2.Empty, False),
    "GetRequiredPackages": ("get_required_packages", rpc.GetRequiredPackagesRequest, False),
    "GetRequiredPlugins": ("get_required_plugins", rpc.GetRequiredPluginsRequest, False),
    "Run": ("run", rpc.RunRequest, False),
    "RunPlugin": ("run_plugin", rpc.RunPluginRequest, True),
    "InstallDependencies": ("install_dependencies", rpc.InstallDependenciesRequest, True),
    "About": ("about", rpc.AboutRequest, False),
    "GetProgramDependencies": ("get_program_dependencies", rpc.GetProgramDependenciesRequest, False),
    "Cancel": ("cancel", empty_pb2.Empty, False),
}
"""RPC → method of `Host`, request message, whether the answer is a stream."""


def handlers(host: Host) -> grpc.GenericRpcHandler:
    """The service as gRPC wants it. A HostError becomes a status whose text the engine prints."""
    table = {
        name: _handler(getattr(host, method), request, stream) for name, (method, request, stream) in METHODS.items()
    }
    return grpc.method_handlers_generic_handler(SERVICE, table)


def _handler(method: Callable[..., Any], request: type[Any], stream: bool) -> grpc.RpcMethodHandler:
    def answer(message: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(message, context)
        except HostError as error:
            _refuse(context, error)

    def answers(message: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from method(message, context)
        except HostError as error:
            _refuse(context, error)

    make = grpc.unary_stream_rpc_method_handler if stream else grpc.unary_unary_rpc_method_handler
    return make(answers if stream else answer, request.FromString, lambda response: response.SerializeToString())


def _refuse(context: grpc.ServicerContext, error: HostError) -> NoReturn:
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    raise AssertionError("abort raises")
