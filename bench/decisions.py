"""The reference decision: how many a second one Python process makes, and how long a policy takes to be compiled."""

import time
from pathlib import PurePosixPath

from lakelatch.access.actions import GRANTABLE, expand
from lakelatch.access.decisions import Request, decide
from lakelatch.access.policy import Policy, Subject
from lakelatch.access.rules import Rule
from lakelatch.envoy.compiler import compile_gateway
from lakelatch.envoy.config import GatewayConfig
from lakelatch.envoy.runtime import Files, Runtime

SERVICES = 1_000
SECONDS = 2.0
ISSUER = "https://issuer.example.test"


def policy() -> Policy:
    """A thousand services of two environments, with a limit and a condition."""
    roles = {"jobs": expand("jobs.*"), "sql": (*expand("statement_execution.*"), *expand("warehouses.*"))}
    subjects = {
        f"service-{number}": Subject(
            f"service-{number}", ISSUER, f"subject-{number}", ("production", "staging")[number % 2], roles
        )
        for number in range(SERVICES)
    }
    staging = {"environments": ["staging"], "actions": ["statement_execution.execute_statement"]}
    rules = {
        "small": Rule.model_validate({"for": staging, "limit": {"row_limit": 1000}}),
        "production": Rule.model_validate(
            {"for": {"actions": ["jobs.run_now"]}, "require": "identity.environment == 'production'"}
        ),
    }
    return Policy(subjects, rules)


STATEMENT = b'{"statement": "select 1", "warehouse_id": "w1", "row_limit": 100}'
KINDS = {
    # Of what is asked about a rule, every service that is asked about is meant by it.
    "by role": [("GET", "/api/2.0/sql/warehouses/w1", b""), ("DELETE", "/api/2.0/no-such-thing", b"")],
    "by a condition": [("POST", "/api/2.2/jobs/run-now", b"")],
    "by a limit on the body": [("POST", "/api/2.0/sql/statements", STATEMENT)],
}


def rate(judged: Policy, asked: list[tuple[str, str, bytes]]) -> float:
    """Decisions a second."""
    requests = [
        Request(method, path, ISSUER, subject.subject, body=body)
        for subject in judged.subjects.values()
        for method, path, body in asked
        if not body or subject.environment == "staging"
    ]
    for request in requests:
        decide(judged, request)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        for request in requests:
            decide(judged, request)
        count += len(requests)
    return count / (time.perf_counter() - began)


def compile_seconds() -> tuple[float, float]:
    """Seconds from plain data to Envoy's files, and of these for reading it."""
    services = {
        f"service-{number}": {
            "issuer": "one",
            "subject": f"subject-{number}",
            "application_id": f"app-{number}",
            "roles": {"everything": list(GRANTABLE)},
        }
        for number in range(SERVICES)
    }
    data = {
        "host": "https://gateway.example.test",
        "listen": {"address": "127.0.0.1", "port": 1},
        "workspace": {"host": "https://workspace.example.test", "id": "1", "account_id": "a"},
        "issuers": {"one": {"issuer": ISSUER, "audience": "gateway"}},
        "services": services,
        "issuer": {"url": "https://gateway.example.test", "key": {"path": "/k"}, "audience": "a"},
    }
    began = time.perf_counter()
    config = GatewayConfig.parse(data)
    read = time.perf_counter() - began
    compile_gateway(config, Runtime(Files(PurePosixPath("/run")), "/ca.pem")).discovery()
    return time.perf_counter() - began, read


def compare() -> str:
    """Both, as Markdown."""
    judged = policy()
    lines = ["| decision | a second |", "|---|---|"]
    lines += [f"| {name} | {rate(judged, asked):,.0f} |" for name, asked in KINDS.items()]
    whole, read = compile_seconds()
    size = f"{SERVICES:,} services, all {len(GRANTABLE):,} actions"
    lines += ["", f"{size}: compiled in {whole:.1f} s, {read:.1f} s of it reading."]
    return "\n".join(lines)


if __name__ == "__main__":
    print(compare())
