"""The policy pack against as many policies that do nothing: what 5,000 resources cost a preview.

Both packs are served as the engine has them served, each in a process of its own, and asked in turns for every resource
and then for the whole stack. What counts is the processor time of the pack's process.

    python -m bench.policies [--resources 5000] [--rounds 3]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi_policy import ResourceValidationPolicy

from bench.machine import processor_seconds

PACK = Path(__file__).resolve().parents[1] / "policies"
IDLE = """
from pulumi_policy import PolicyPack, ResourceValidationPolicy, StackValidationPolicy

nothing = lambda args, report: None
PolicyPack("idle", policies=[
    *(ResourceValidationPolicy(f"resource-{{n}}", "does nothing", nothing) for n in range({resource})),
    *(StackValidationPolicy(f"stack-{{n}}", "does nothing", nothing) for n in range({stack})),
])
"""
ISSUER = {
    "issuer": "https://token.actions.githubusercontent.com",
    "audiences": ["0d26daa6-5e44-4c97-a497-ef015f91254a"],
}
KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("databricks:index/servicePrincipal:ServicePrincipal", {"displayName": "etl", "disableAsUserDeletion": False}),
    (
        "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy",
        {
            "policyId": "etl",
            "oidcPolicy": {**ISSUER, "subject": "repo:example/etl:environment:production", "subjectClaim": "sub"},
        },
    ),
    (
        "databricks:index/mwsPermissionAssignment:MwsPermissionAssignment",
        {"workspaceId": "4029384756102938", "principalId": "5581763342009999", "permissions": ["USER"]},
    ),
    ("databricks:index/grant:Grant", {"catalog": "main", "principal": "readers", "privileges": ["USE_CATALOG"]}),
    ("databricks:index/groupMember:GroupMember", {"groupId": "77", "memberId": "5581763342009999"}),
    (
        "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential",
        {
            "applicationId": "/applications/1",
            "displayName": "etl",
            "issuer": "https://oidc.example.com/cluster/",
            "subject": "system:serviceaccount:etl:etl",
            "audiences": ["api://AzureADTokenExchange"],
        },
    ),
    ("azuread:index/servicePrincipal:ServicePrincipal", {"clientId": "c", "appRoleAssignmentRequired": True}),
    (
        "databricks:index/cluster:Cluster",
        {"sparkVersion": "15.4.x-scala2.12", "numWorkers": 4, "sparkConf": {"spark.speculation": "true"}},
    ),
    ("aws:s3/bucket:Bucket", {"bucket": "logs", "tags": {"team": "data", "environment": "production"}}),
    ("random:index/randomId:RandomId", {"byteLength": 8}),
)
"""A stack as it is: each service's own resources, and others that no check looks at."""


def resources(count: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Type, name and properties; every tenth of one kind, each trust of a principal of its own."""
    for number in range(count):
        token, properties = KINDS[number % len(KINDS)]
        if token.endswith(":ServicePrincipalFederationPolicy"):
            properties = {**properties, "servicePrincipalId": 5_581_763_342_000_000 + number}
        if "applicationId" in properties:
            properties = {**properties, "applicationId": f"/applications/{number}"}
        yield token, f"r{number}", properties


@contextmanager
def served(pack: Path) -> Iterator[tuple[int, Any]]:
    """A pack's process, and how to ask it."""
    command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(pack)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}", options=options) as channel:
                yield process.pid, analyzer_pb2_grpc.AnalyzerStub(channel)
        finally:
            process.terminate()


def request(kind: Any, token: str, name: str, properties: dict[str, Any]) -> Any:
    """What the engine sends about a resource."""
    made = kind(type=token, name=name, urn=f"urn:pulumi:bench::bench::{token}::{name}")
    made.properties.update(properties)
    made.options.deleteBeforeReplace = made.options.deleteBeforeReplaceDefined = True
    return made


def cost(pid: int, analyzer: Any, rows: list[tuple[str, str, dict[str, Any]]]) -> tuple[float, float]:
    """Processor seconds of a pack for every resource, and for the stack that they make."""
    asked = [request(analyzer_pb2.AnalyzeRequest, *row) for row in rows]
    stack = analyzer_pb2.AnalyzeStackRequest(resources=[request(analyzer_pb2.AnalyzerResource, *row) for row in rows])
    began = processor_seconds(pid)
    for one in asked:
        quiet(analyzer.Analyze(one))
    between = processor_seconds(pid)
    quiet(analyzer.AnalyzeStack(stack))
    return between - began, processor_seconds(pid) - between


def quiet(answer: Any) -> None:
    """Nothing is wrong with these resources: otherwise something else would be measured."""
    if answer.diagnostics:
        raise SystemExit(f"the pack said: {answer.diagnostics[0].message}")


def start(rounds: int = 15) -> tuple[float, float]:
    """Milliseconds that the pack's import adds to the SDK's own: the least, to which other processes add nothing, and
    the median."""
    script = (
        "import time, pulumi_policy; began = time.process_time(); import lakelatch_policies.pack;"
        " print(time.process_time() - began)"
    )
    times = []
    with tempfile.TemporaryDirectory(prefix="ll-bench-") as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(rounds + 1):
            command = [sys.executable, "-c", script]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            times.append(float(done.stdout))
    counted = [seconds * 1000 for seconds in times[1:]]  # the first one compiles
    return min(counted), statistics.median(counted)


def compare(count: int = 5000, rounds: int = 3) -> str:
    """Both packs in turns, as Markdown."""
    from lakelatch_policies.pack import GROUPS, POLICIES, RELATIONS

    rows = list(resources(count))
    judging = sum(isinstance(policy, ResourceValidationPolicy) for policy in POLICIES)
    measured: dict[str, list[tuple[float, float]]] = {"do nothing": [], "the pack": []}
    with ExitStack() as stack:
        idle = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ll-bench-")))
        (idle / "__main__.py").write_text(IDLE.format(resource=judging, stack=len(POLICIES) - judging))
        packs = {name: stack.enter_context(served(path)) for name, path in (("do nothing", idle), ("the pack", PACK))}
        for _ in range(rounds):
            for name, (pid, analyzer) in packs.items():
                measured[name].append(cost(pid, analyzer, rows))
    lines = ["| | each resource | the whole stack | together, a resource | ratio |", "|---|---|---|---|---|"]
    totals = {name: [sum(one) for one in runs] for name, runs in measured.items()}
    for name, runs in measured.items():
        each, whole = (statistics.median(column) / count * 1000 for column in zip(*runs, strict=True))
        ratios = [one / other for one, other in zip(totals[name], totals["do nothing"], strict=True)]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        total = statistics.median(totals[name]) / count * 1000
        lines.append(f"| {name} | {each:.2f} ms | {whole:.2f} ms | {total:.2f} ms | {ratio} |")
    checks = sum(len(group.checks) for group in (*GROUPS, RELATIONS))
    lines += [
        "",
        f"{count:,} resources of {len(KINDS)} types; {checks} checks in {len(POLICIES)} registered policies, against as"
        f" many that do nothing; processor time, medians of {rounds} runs in turns.",
        "",
        "Importing the pack takes {:.1f} ms of processor time more than the SDK, {:.1f} in the median.".format(
            *start()
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Compare as the arguments say and print the table."""
    parser = argparse.ArgumentParser(description="Compare the policy pack with policies that do nothing.")
    parser.add_argument("--resources", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(compare(options.resources, options.rounds))


if __name__ == "__main__":
    main()
