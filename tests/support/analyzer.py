"""The policy pack as the engine uses it: its own process, asked over gRPC on loopback."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from google.protobuf import empty_pb2, json_format  # type: ignore[import-untyped]
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

PACK = Path(__file__).parents[2] / "policies"
LEVELS = {
    "advisory": analyzer_pb2.ADVISORY,
    "mandatory": analyzer_pb2.MANDATORY,
    "disabled": analyzer_pb2.DISABLED,
    "remediate": analyzer_pb2.REMEDIATE,
}
FINDING = re.compile(r"[^\n]+\n([a-z-]+) \((low|medium|high|critical)\): (?:([\w.\[\]-]+): )?(.+); see (\S+)")


class Found(NamedTuple):
    """A finding, as the engine gets it."""

    policy: str
    check: str
    place: str
    level: str
    message: str
    urn: str


class Resource(NamedTuple):
    """A resource as a program registers it, in the engine's form: unknowns and secrets marked."""

    type: str
    properties: Mapping[str, Any]
    name: str = "one"
    delete_before_replace: bool = False
    additional_secret_outputs: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    refers: Mapping[str, list[str]] = {}
    known_urn: str = ""

    @property
    def urn(self) -> str:
        return self.known_urn or urn(self.type, self.name)


def urn(resource_type: str, name: str) -> str:
    return f"urn:pulumi:test::corpus::{resource_type}::{name}"


class Analyzer:
    """A pack that is being served."""

    def __init__(self, port: int) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._stub = analyzer_pb2_grpc.AnalyzerStub(self._channel)

    def info(self) -> Any:
        return self._stub.GetAnalyzerInfo(empty_pb2.Empty())

    def configure(self, config: Mapping[str, Any]) -> None:
        """Set levels and settings, as the engine does from a file: `{policy: level}` or `{policy: {…}}`."""
        request = analyzer_pb2.ConfigureAnalyzerRequest()
        levels = {policy.name: policy.enforcementLevel for policy in self.info().policies}
        for name, level in levels.items():
            said = config.get(name, config.get("all", {}))
            said = {"enforcementLevel": said} if isinstance(said, str) else dict(said)
            chosen = said.pop("enforcementLevel", None)
            request.policyConfig[name].enforcementLevel = level if chosen is None else LEVELS[chosen]
            request.policyConfig[name].properties.update(said)
        self._stub.Configure(request)

    def analyze(self, resource: Resource) -> list[Found]:
        return _found(self._stub.Analyze(_request(analyzer_pb2.AnalyzeRequest, resource)))

    def analyze_stack(self, resources: Iterable[Resource]) -> list[Found]:
        request = analyzer_pb2.AnalyzeStackRequest()
        for resource in resources:
            row = _request(analyzer_pb2.AnalyzerResource, resource)
            row.dependencies.extend(resource.depends)
            for key, urns in resource.refers.items():
                row.propertyDependencies[key].urns.extend(urns)
            request.resources.append(row)
        return _found(self._stub.AnalyzeStack(request))

    def remediate(self, resource: Resource) -> list[dict[str, Any]]:
        """The properties after each remediation."""
        answer = self._stub.Remediate(_request(analyzer_pb2.AnalyzeRequest, resource))
        return [json_format.MessageToDict(one.properties) for one in answer.remediations]

    def close(self) -> None:
        self._channel.close()


def _request(kind: Any, resource: Resource) -> Any:
    request = kind(type=resource.type, urn=resource.urn, name=resource.name)
    request.properties.update(resource.properties)
    if hasattr(request, "options"):
        request.options.deleteBeforeReplace = resource.delete_before_replace
        request.options.deleteBeforeReplaceDefined = resource.delete_before_replace
        request.options.additionalSecretOutputs.extend(resource.additional_secret_outputs)
    return request


def _found(response: Any) -> list[Found]:
    found = []
    for one in response.diagnostics:
        parts = FINDING.fullmatch(one.message)
        assert parts is not None, one.message
        level = analyzer_pb2.EnforcementLevel.Name(one.enforcementLevel).lower()
        found.append(Found(one.policyName, parts[1], parts[3] or "", level, one.message, one.urn))
    return found


@contextmanager
def served(pack: Path = PACK) -> Iterator[Analyzer]:
    """Start the pack as the language host does, and end it."""
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(pack)]
    environment = {**os.environ, "PULUMI_CONFIG": "{}"}
    with subprocess.Popen(command, cwd=pack, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            analyzer = Analyzer(int(process.stdout.readline()))
            yield analyzer
            analyzer.close()
        finally:
            process.terminate()
