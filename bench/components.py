"""The components against the same resources written by hand: what a preview costs, in time and in memory.

Each program runs as a process of its own, in turns with the other one: once on the real engine (`pulumi preview` of a
fresh stack, with the stand-in plugins) and once against the SDK's mocks, which leave out engine and plugins, so that
only the Python program is measured. Before anything is measured, both must register the same resources with the same
inputs; only the components themselves are more.

    python -m bench.components [--services 500] [--rounds 3]

A service in ten signs in by Entra and goes through the gateway, the others are CI jobs that go directly.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
ACCOUNT = "0d26daa6-5e44-4c97-a497-ef015f91254a"
TENANT = "7f3b6c1e-9a42-4b8e-8d55-2c9e1f0a6b37"
WORKSPACE_ID = "4029384756102938"
WORKSPACE = "https://adb-4029384756102938.18.azuredatabricks.net"
GATEWAY = "https://databricks.example.com"
CLUSTER = "https://oidc.example.com/cluster/"
GITHUB = "https://token.actions.githubusercontent.com"
KINDS = ("components", "by hand")

MODEL = f"""
account: {{id: {ACCOUNT}, host: https://accounts.azuredatabricks.net}}
workspaces:
  analytics: {{id: "{WORKSPACE_ID}", host: {WORKSPACE}}}
issuers:
  entra: {{type: entra, tenant: {TENANT}}}
  cluster: {{type: kubernetes, url: {CLUSTER}}}
  github: {{type: github}}
roles:
  reader: {{actions: [current_user.me], group: {{create: readers}}}}
gateway: {{host: {GATEWAY}, workspace: analytics, signing_key_file: key.pem}}
"""
CALLER = """  service-{number}:
    issuer: entra
    workspace: analytics
    roles: [reader]
    workload: {{issuer: cluster, namespace: team, service_account: service-{number}}}
"""
JOB = """  service-{number}:
    issuer: github
    via: direct
    workspace: analytics
    roles: [reader]
    workload: {{repository: acme/service-{number}, environment: production}}
"""


def calls_gateway(number: int) -> bool:
    """One in ten."""
    return number % 10 == 0


def model(services: int) -> str:
    """The access model of that many services."""
    rows = ((CALLER if calls_gateway(number) else JOB).format(number=number) for number in range(services))
    return MODEL + ("services:\n" + "".join(rows) if services else "services: {}\n")


def with_components(services: int) -> None:
    """The program as this project's users write it."""
    import pulumi

    from lakelatch import DatabricksAccess

    args: Any = {"model": model(services), "gateway_directory": "gateway"}
    DatabricksAccess("access", args, pulumi.ResourceOptions(providers=providers()))


def providers() -> dict[str, Any]:
    """The providers of both programs."""
    import pulumi_azuread as azuread
    import pulumi_databricks as databricks

    return {
        "azuread": azuread.Provider("entra", tenant_id=TENANT, use_cli=False),
        "databricks": databricks.Provider(
            "account", host="http://127.0.0.1:9", account_id=ACCOUNT, token="none", retry_timeout_seconds=1
        ),
    }


def by_hand(services: int) -> None:
    """The same resources, as somebody would write them who knows every hazard and has no components."""
    import uuid

    import pulumi
    import pulumi_azuread as azuread
    import pulumi_databricks as databricks

    from lakelatch.components.gateway import GatewayConfig

    found = providers()
    entra = pulumi.ResourceOptions(provider=found["azuread"])
    account = pulumi.ResourceOptions(provider=found["databricks"])
    first = pulumi.ResourceOptions(provider=found["databricks"], delete_before_replace=True)

    front = azuread.ApplicationRegistration(
        "access",
        display_name="Lakelatch gateway",
        sign_in_audience="AzureADMyOrg",
        requested_access_token_version=2,
        opts=entra,
    )
    front_principal = azuread.ServicePrincipal(
        "access", client_id=front.client_id, app_role_assignment_required=True, opts=entra
    )
    role = azuread.ApplicationAppRole(
        "access/Gateway.Call",
        application_id=front.id,
        role_id=str(uuid.uuid5(uuid.UUID("3f2b5f0e-6c43-5b0c-9d7a-1f5b6a0f7f52"), "access/Gateway.Call")),
        value="Gateway.Call",
        display_name="Gateway.Call",
        description="May call Databricks through the gateway; what it may do there, the model says",
        allowed_member_types=["Application"],
        opts=entra,
    )
    azuread.ApplicationIdentifierUri(
        "access",
        application_id=front.id,
        identifier_uri=pulumi.Output.concat("api://", front.client_id),
        opts=entra,
    )
    azuread.ApplicationOptionalClaims(
        "access",
        application_id=front.id,
        access_tokens=[{"name": "acrs"}, {"name": "idtyp"}, {"name": "xms_cc"}],
        opts=entra,
    )
    readers = databricks.Group("access-reader", display_name="readers", opts=account)
    databricks.MwsPermissionAssignment(
        "access-reader", principal_id=readers.id, workspace_id=WORKSPACE_ID, permissions=["USER"], opts=first
    )
    known: dict[str, Any] = {}
    for number in range(services):
        service = f"service-{number}"
        name = f"access-{service}"
        caller = calls_gateway(number)
        if caller:
            registration = azuread.ApplicationRegistration(
                name,
                display_name=service,
                sign_in_audience="AzureADMyOrg",
                requested_access_token_version=2,
                opts=entra,
            )
            application = azuread.ServicePrincipal(
                name, client_id=registration.client_id, app_role_assignment_required=True, opts=entra
            )
            subject = f"system:serviceaccount:team:{service}"
            azuread.ApplicationFederatedIdentityCredential(
                f"{name}/cluster",
                application_id=registration.id,
                display_name="cluster",
                description=f"{subject} at {CLUSTER}",
                issuer=CLUSTER,
                subject=subject,
                audiences=["api://AzureADTokenExchange"],
                opts=entra,
            )
            azuread.AppRoleAssignment(
                f"{name}/call",
                app_role_id=role.role_id,
                principal_object_id=application.object_id,
                resource_object_id=front_principal.object_id,
                opts=entra,
            )
        principal = databricks.ServicePrincipal(
            name, display_name=service, active=True, disable_as_user_deletion=False, opts=account
        )
        assignment = databricks.MwsPermissionAssignment(
            name, principal_id=principal.id, workspace_id=WORKSPACE_ID, permissions=["USER"], opts=first
        )
        databricks.GroupMember(f"{name}/reader", group_id=readers.id, member_id=principal.id, opts=account)
        assigned = pulumi.ResourceOptions(provider=found["databricks"], depends_on=[assignment])
        trusted = databricks.ServicePrincipalFederationPolicyOidcPolicyArgs(
            issuer=GATEWAY if caller else GITHUB,
            audiences=[ACCOUNT] if caller else [ACCOUNT, f"{WORKSPACE}/oidc/v1/token"],
            subject=service if caller else f"repo:acme/{service}:environment:production",
            subject_claim="sub",
        )
        databricks.ServicePrincipalFederationPolicy(
            f"{name}/lakelatch-{'gateway' if caller else 'workload'}",
            service_principal_id=principal.id.apply(int),
            policy_id="lakelatch-gateway" if caller else "lakelatch-workload",
            description=f"Lakelatch: the gateway acts as {service}"
            if caller
            else f"Lakelatch: {service} signs in by github",
            oidc_policy=trusted,
            opts=assigned,
        )
        if caller:
            known[service] = {
                "issuer": "entra",
                "subject": application.object_id,
                "application_id": principal.application_id,
                "environment": "production",
                "roles": {"reader": ["current_user.me"]},
            }
    GatewayConfig(
        "access",
        directory="gateway",
        config={
            "version": 1,
            "host": GATEWAY,
            "listen": {"address": "0.0.0.0", "port": 8443, "tls": None},
            "workspace": {"host": WORKSPACE, "id": WORKSPACE_ID, "account_id": ACCOUNT, "ca_file": None},
            "issuers": {
                "entra": {
                    "issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
                    "audience": front.client_id,
                    "ca_file": None,
                }
            },
            "services": known,
            "issuer": {
                "url": GATEWAY,
                "key": {"type": "file", "path": "key.pem"},
                "audience": ACCOUNT,
                "token_lifetime_seconds": 600,
            },
        },
    )


PROGRAMS = dict(zip(KINDS, (with_components, by_hand), strict=True))


@dataclass(frozen=True)
class Run:
    """One run of one program."""

    seconds: float
    mebibytes: float
    """The program's own peak; on the engine without engine and plugins, which are the same for both."""
    loading: float = 0.0
    """Seconds of them that imports took, where that was measured."""


def peak() -> float:
    """This process's largest resident set so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mocked(kind: str, services: int, out: Path, *, preview: bool) -> None:
    """Run a program against mocks and write down what it cost and what it registered. Runs in a process of its own."""
    import pulumi

    registered: dict[str, Any] = {}

    class Recorder(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
            if not args.typ.startswith("lakelatch:"):
                registered[f"{args.typ} {args.name}"] = dict(args.inputs)
            made = {"clientId": f"client {args.name}", "objectId": "o", "applicationId": "a", "version": "v"}
            return "5581763342009999", {**made, **args.inputs}

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], None]:
            raise AssertionError(args.token)

    started = time.perf_counter()
    import pulumi_azuread  # noqa: F401
    import pulumi_databricks  # noqa: F401

    from lakelatch import DatabricksAccess  # noqa: F401

    loaded = time.perf_counter()
    pulumi.runtime.set_mocks(Recorder(), project="bench", stack="bench", preview=preview)
    pulumi.runtime.test(lambda: PROGRAMS[kind](services))()  # type: ignore[no-untyped-call]
    ended = time.perf_counter()
    found = {"loading": loaded - started, "seconds": ended - started, "mebibytes": peak(), "registered": registered}
    out.write_text(json.dumps(found))


def run_mocked(kind: str, services: int, *, preview: bool = True) -> tuple[Run, dict[str, Any]]:
    """A fresh interpreter against mocks; the time is the program's, its imports included."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        command = [sys.executable, "-m", "bench.components", "--mocked", kind, "--services", str(services)]
        command += ["--out", out.name, *(["--preview"] if preview else [])]
        subprocess.run(command, cwd=REPOSITORY, check=True)
        found = json.loads(Path(out.name).read_text())
    return Run(found["seconds"], found["mebibytes"], found["loading"]), found["registered"]


def same(services: int) -> int:
    """How many resources both programs register; they must be the same ones, with the same inputs.

    Not as a preview: there most generated values are unknown, and unknown equals unknown.
    """
    one, two = (run_mocked(kind, services, preview=False)[1] for kind in KINDS)
    differing = sorted(key for key in {*one, *two} if one.get(key) != two.get(key))
    if differing:
        key = differing[0]
        raise SystemExit(
            f"the programs differ in {len(differing)} resources, first {key}:"
            f" {str(one.get(key))[:500]} {str(two.get(key))[:500]}"
        )
    return len(one)


class Engine:
    """A project for each program, with a home of its own for the stand-in plugins."""

    def __init__(self, folder: Path, services: int) -> None:
        from lakelatch_sandbox.local.engine import OFFLINE
        from lakelatch_sandbox.plugins import install

        bin_folder = Path(sys.executable).parent
        path = subprocess.run([bin_folder / "lakelatch", "engine", "path"], capture_output=True, text=True, check=True)
        self.pulumi, self.folder = Path(path.stdout.strip()), folder
        (folder / "home").mkdir()
        (folder / "backend").mkdir()
        install(folder / "home")
        self.environment = {
            **os.environ,
            **OFFLINE,
            "PATH": f"{self.pulumi.parent}:{bin_folder}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "for this comparison alone",
        }
        for kind in KINDS:
            project = self._project(kind)
            project.mkdir()
            options = {"toolchain": "pip", "virtualenv": str(bin_folder.parent)}
            plugins = {"providers": [{"name": "lakelatch-native", "path": str(REPOSITORY / "provider")}]}
            described = {"name": project.name, "runtime": {"name": "python", "options": options}, "plugins": plugins}
            (project / "Pulumi.yaml").write_text(json.dumps(described))
            program = (
                "import atexit, pathlib\nfrom bench.components import PROGRAMS, peak\n"
                "atexit.register(lambda: pathlib.Path('peak').write_text(str(peak())))\n"
                f"PROGRAMS[{kind!r}]({services})\n"
            )
            (project / "__main__.py").write_text(program)
            self._pulumi(kind, "stack", "init", "bench")

    def preview(self, kind: str) -> Run:
        """One preview of a stack that has nothing yet."""
        started = time.perf_counter()
        self._pulumi(kind, "preview", "--suppress-progress", "--json")
        seconds = time.perf_counter() - started
        return Run(seconds, float((self._project(kind) / "peak").read_text()))

    def _project(self, kind: str) -> Path:
        return self.folder / kind.replace(" ", "-")

    def _pulumi(self, kind: str, *arguments: str) -> None:
        command = [str(self.pulumi), *arguments, "--non-interactive"]
        done = subprocess.run(command, cwd=self._project(kind), env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{arguments[0]} of {kind} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def rows(what: str, runs: dict[str, list[Run]]) -> list[str]:
    """Two lines of the table: medians, and the ratio of the medians with its range over the rounds."""
    lines = []
    for kind in ("by hand", "components"):
        seconds = statistics.median(run.seconds for run in runs[kind])
        memory = statistics.median(run.mebibytes for run in runs[kind])
        times = [one.seconds / other.seconds for one, other in zip(runs[kind], runs["by hand"], strict=True)]
        ratio = f"{statistics.median(times):.2f} ({min(times):.2f} to {max(times):.2f})"
        more = memory / statistics.median(run.mebibytes for run in runs["by hand"])
        lines.append(f"| {what}, {kind} | {seconds:.1f} s | {ratio} | {memory:.0f} MiB | {more:.2f} |")
    return lines


def growth(rounds: int, few: int = 50, many: int = 1000) -> str:
    """What one more service costs, among few and among many; loading and what a stack has anyway are taken off."""
    counts: dict[int, list[float]] = {0: [], few: [], many: []}
    for _ in range(rounds):
        for count, seconds in counts.items():
            run = run_mocked("components", count)[0]
            seconds.append(run.seconds - run.loading)
    empty = statistics.median(counts[0])
    cost = {count: (statistics.median(counts[count]) - empty) / count for count in (few, many)}
    return (
        f"One more service costs the program {cost[few] * 1000:.1f} ms among {few}, {cost[many] * 1000:.1f} ms among"
        f" {many}: {cost[many] / cost[few]:.2f} times."
    )


def imports(rounds: int = 7) -> str:
    """What `import lakelatch` costs against `import pulumi`, each in a fresh interpreter."""
    statements = ("import pulumi", "import lakelatch", "from lakelatch import DatabricksAccess")
    times: dict[str, list[float]] = {statement: [] for statement in statements}
    for _ in range(rounds):
        for statement in statements:
            script = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
            times[statement].append(float(done.stdout))
    base = statistics.median(times[statements[0]])
    lines = ["| statement | time | ratio |", "|---|---|---|"]
    for statement in statements:
        seconds = statistics.median(times[statement])
        lines.append(f"| `{statement}` | {seconds * 1000:.0f} ms | {seconds / base:.2f} |")
    return "\n".join(lines)


def compare(services: int = 500, rounds: int = 3) -> str:
    """Run everything and return Markdown."""
    count = same(services)
    runs: dict[str, dict[str, list[Run]]] = {what: {kind: [] for kind in KINDS} for what in ("engine", "mocks")}
    with tempfile.TemporaryDirectory(prefix="ll-bench-") as folder:
        engine = Engine(Path(folder), services)
        for _ in range(rounds):
            for kind in KINDS:
                runs["engine"][kind].append(engine.preview(kind))
                runs["mocks"][kind].append(run_mocked(kind, services)[0])
    lines = [
        "| | time | ratio | the program's memory | ratio |",
        "|---|---|---|---|---|",
        *rows("`pulumi preview`", runs["engine"]),
        *rows("program alone (mocks)", runs["mocks"]),
        "",
        f"{services} services, {count} resources in both programs, the same with the same inputs; medians of {rounds}"
        " runs in turns. The engine runs with stand-in plugins.",
        "",
        growth(rounds),
        "",
        imports(),
    ]
    return "\n".join(lines)


def main() -> None:
    """Compare as the arguments say and print the tables."""
    parser = argparse.ArgumentParser(description="Compare the components with resources written by hand.")
    parser.add_argument("--services", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mocked", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--preview", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.mocked:
        mocked(options.mocked, options.services, options.out, preview=options.preview)
    else:
        print(compare(options.services, options.rounds))


if __name__ == "__main__":
    main()
