"""Our own components pass the pack as they come, in every configuration that they offer: nothing is said about what
they register, neither in a preview (but what is not known yet) nor when everything is known."""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import yaml
from google.protobuf import json_format  # type: ignore[import-untyped]
from support.analyzer import Analyzer, Resource, served
from support.builders import ARGUMENTS, MODEL, NETWORK_POLICY, build, workspace
from support.ci_sources import BARE, SOURCES
from support.pages import DOCS, MODEL_TITLE, ROOT, blocks
from support.recorder import Deployment, Registered, deploy
from support.wide import WIDE

from lakelatch.components.network_policy import STATES
from lakelatch.components.secure_workspace import PARTS

TRUST = {"issuer": "https://gateway.example.com", "audiences": ["account"], "subject": "nightly-report"}
CHANGED: dict[str, dict[str, Any]] = {
    "FederationTrust": {
        # the same workload, as two issuers see it
        "policies": {"one": TRUST, "two": {**TRUST, "issuer": "https://other.example.com", "subject_claim": "oid"}}
    },
    "EntraApplication": {
        "federated_credentials": {
            "cluster": {"issuer": "https://kubernetes.example.com", "subject": "system:serviceaccount:a:b"},
            "ci": {"issuer": "https://token.actions.githubusercontent.com", "subject": "repo:a/b:environment:c"},
        }
    },
}
"""Arguments in place of those that only show a shape."""
OPTIONAL = {
    "AccountGroup": ("members",),
    "EntraApplication": ("app_roles", "federated_credentials", "grants"),
    "SecureWorkspace": ("network_policy",),
    "ServiceIdentity": ("groups", "entitlements", "grants"),
    "WorkspaceRole": ("members", "entitlements", "grants"),
}
GUIDES = sorted(page for page in (DOCS / "guides" / "issuers").glob("*.md"))
EXAMPLES = [
    pytest.param(block.text, id=f"{page.stem}:{block.line}")
    for page in GUIDES
    for block in blocks(page)
    if block.title == MODEL_TITLE
]
UMBRELLA = (ROOT / "tests" / "components" / "wide.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pack() -> Iterator[Analyzer]:
    with served() as analyzer:
        yield analyzer


def seen(row: Registered) -> Resource:
    """A registration as the pack gets it."""
    request = row.request
    properties = json_format.MessageToDict(request.object)
    principal = request.propertyDependencies.get("servicePrincipalId")
    if principal is not None and "servicePrincipalId" in properties:  # the recorder gives every principal the same id
        properties["servicePrincipalId"] = zlib.crc32("".join(principal.urns).encode())
    return Resource(
        row.type,
        properties,
        row.name,
        request.deleteBeforeReplace,
        tuple(request.additionalSecretOutputs),
        tuple(request.dependencies),
        {key: list(one.urns) for key, one in request.propertyDependencies.items()},
        row.urn,
    )


def findings(pack: Analyzer, deployed: Deployment) -> list[str]:
    """Everything that is said about what was registered; providers are the program's."""
    made = [seen(row) for row in deployed.resources if not row.type.startswith("pulumi:providers:")]
    assert made
    return [one.message for resource in made for one in pack.analyze(resource) if one.policy != "not-judged"] + [
        one.message for one in pack.analyze_stack(made)
    ]


both = pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])


def configurations() -> Iterator[Any]:
    """Each component in full, and without each argument that it can do without."""
    for component in sorted(ARGUMENTS):
        changed = CHANGED.get(component, {})
        yield pytest.param(component, changed, id=component)
        for name in OPTIONAL.get(component, ()):
            yield pytest.param(component, {**changed, name: None}, id=f"{component}-without-{name}")
    github = {**TRUST, "issuer": "https://token.actions.githubusercontent.com"}
    forms = ("repo:a/b:environment:c", "repo:a@1/b@2:environment:c", "repo:a/b:ref:refs/heads/main")
    several = {f"form-{number}": {**github, "subject": subject} for number, subject in enumerate(forms)}
    yield pytest.param("FederationTrust", {"policies": several}, id="FederationTrust-forms-of-one-repository")
    yield pytest.param("ServiceIdentity", {"keep_on_destroy": True}, id="ServiceIdentity-kept")
    yield pytest.param("ServiceIdentity", {"application_id": "a", "adopt": True}, id="ServiceIdentity-adopted")
    yield pytest.param("ServiceIdentity", {"application_id": "a"}, id="ServiceIdentity-of-entra")
    for part in PARTS:
        yield pytest.param("SecureWorkspace", {"without": [part]}, id=f"SecureWorkspace-without-{part}")
    for state in STATES:
        policy = {**NETWORK_POLICY, "state": state}
        yield pytest.param("SecureWorkspace", {"network_policy": policy}, id=f"SecureWorkspace-{state}")
    policy = {**NETWORK_POLICY, "egress": "RESTRICTED_ACCESS", "egress_hosts": ["pypi.org"]}
    compute = {"network_policy": policy, "compute_addresses": ["192.0.2.1"]}
    yield pytest.param("SecureWorkspace", compute, id="SecureWorkspace-compute-and-egress")
    for name, source in SOURCES.items():
        yield pytest.param("CiIdentity", source, id=f"CiIdentity-{name}")
        yield pytest.param("CiIdentity", {**BARE, **source}, id=f"CiIdentity-{name}-bare")
    yield pytest.param("WorkspaceRole", {"group": {"adopt": "readers"}}, id="WorkspaceRole-adopted")
    yield pytest.param("EntraApplication", {**CHANGED["EntraApplication"], "token_version": 1}, id="Entra-version-1")


@both
@pytest.mark.parametrize(("component", "changed"), list(configurations()))
def test_a_component(component: str, changed: dict[str, Any], preview: bool, pack: Analyzer) -> None:
    assert findings(pack, deploy(lambda: build(component, **changed), preview=preview)) == []


def umbrella(model: str, stack: str | None = None, **more: Any) -> None:
    workspaces = yaml.safe_load(model)["workspaces"]
    providers = {name: workspace() for name in list(workspaces)[:1]}
    build("DatabricksAccess", model=model, stack=stack, workspace_providers=providers, **more)


@both
@pytest.mark.parametrize(
    "program",
    [
        pytest.param(partial(umbrella, MODEL), id="committed"),
        pytest.param(partial(umbrella, UMBRELLA, "production"), id="umbrella"),
        pytest.param(partial(umbrella, WIDE, "production"), id="wide"),
    ],
)
def test_a_whole_model(program: Callable[[], None], preview: bool, pack: Analyzer) -> None:
    assert findings(pack, deploy(program, preview=preview)) == []


@pytest.mark.parametrize("lines", EXAMPLES)
def test_every_issuer_of_the_guides(lines: str, pack: Analyzer) -> None:
    program = partial(umbrella, MODEL, overlay=yaml.safe_load(lines))
    assert findings(pack, deploy(program)) == []
