"""Proves that no secret stands in state, output, errors, logs or process arguments, and that the search would find one.

A secret is an administrator's credential of the doubles, the gateway's private key, or any token at all.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.project import Project

pytestmark = pytest.mark.line

TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*")
"""A compact JWT: header and claims are JSON objects, so both begin with `eyJ`."""


FAILING = {"databricks_account": "refresh", "graph": "refresh", "entra": "token"}
"""The double that fails, and what then cannot do its work."""


def secrets(project: Project) -> dict[str, bytes]:
    """Every long-lived secret of this stack, by what it is."""
    here = project.endpoints
    key = (project.stack.layout.gateway_state / "signing-key.pem").read_text()
    return {
        "Databricks administrator's secret": here.admin_client_secret.encode(),
        "Entra administrator's secret": here.entra_admin_client_secret.encode(),
        "cluster token": here.cluster_token.encode(),
        "gateway's signing key": "".join(key.splitlines()[1:-1])[:40].encode(),
        "state passphrase": (project.stack.layout.state / "passphrase").read_bytes(),
    }


def found(content: bytes, known: dict[str, bytes]) -> list[str]:
    """What of the known secrets, or which kind of token, stands in a text."""
    flat = content.replace(b"\\n", b"").replace(b"\n", b"")
    hits = [name for name, value in known.items() if value in content or value in flat]
    return hits + (["a token"] if TOKEN.search(content) else [])


def places(project: Project, said: str) -> Iterator[tuple[str, bytes]]:
    """Where people and machines look: state and its history, logs, audit, outputs, delivered configuration, argv."""
    layout = project.stack.layout
    for folder in (layout.backend, layout.logs, layout.gateway_config):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                yield str(path.relative_to(layout.state)), path.read_bytes()
    for path in sorted(layout.gateway_state.rglob("*.jsonl")):
        yield path.name, path.read_bytes()
    yield "outputs", layout.outputs.read_bytes()
    yield "stack configuration", layout.stack_file.read_bytes()
    yield "what the commands said", said.encode()
    for daemon in (project.stack.sandbox, project.stack.gateway):
        process = daemon.process()
        assert process is not None
        for member in (process, *process.children(recursive=True)):
            yield f"arguments of {member.name()}", b"\0".join(part.encode() for part in member.cmdline())


def errors(project: Project, token: str) -> str:
    """What is said where something fails that has a credential or a token in its hands."""
    faults = f"{project.endpoints.control_url}/faults"
    said = ""
    for double, command in FAILING.items():
        httpx.post(faults, json={"double": double, "status": 500}, verify=project.trust).raise_for_status()
        try:
            if command == "refresh":
                said += project.pulumi("refresh", "--yes", "--skip-preview", expect=1)
            else:
                said += project.lakelatch("sandbox", "token", "--service", "nightly-report", expect=1)
        finally:
            httpx.delete(faults, verify=project.trust).raise_for_status()
    assert said.count("error") >= len(FAILING)
    host = project.endpoints.workspace_host
    kinds = "urn:ietf:params:oauth"
    exchange = {"grant_type": f"{kinds}:grant-type:token-exchange", "subject_token_type": f"{kinds}:token-type:jwt"}
    signed_in = {"grant_type": "client_credentials", "client_id": project.endpoints.admin_client_id}
    for form in (
        exchange | {"subject_token": token},
        exchange | {"subject_token": f"{token}x"},
        signed_in | {"client_secret": token},
    ):
        refused = httpx.post(f"{host}/oidc/v1/token", data=form, verify=project.trust)
        assert refused.is_client_error
        said += refused.text
    return said


def test_no_secret_stands_where_it_must_not(project: Project) -> None:
    token = project.stack.token("nightly-report")
    project.ask(token)
    project.ask(token + "x")  # a refused one must not be logged either
    said = project.lakelatch("up", "--verbose") + project.lakelatch("status") + project.lakelatch("env")
    said += project.pulumi("stack", "export") + project.pulumi("preview", "--diff") + errors(project, token)
    known = secrets(project)
    searched = dict(places(project, said))
    assert len(searched) > 8
    # The sandbox's first line names its credentials, for whoever starts it: a private file, as proved below.
    assert found(searched.pop("log/sandbox.out"), known)
    assert {name: hits for name, content in searched.items() if (hits := found(content, known))} == {}


def test_files_with_secrets_are_private(project: Project) -> None:
    layout = project.stack.layout
    holders = [path for path in layout.state.rglob("*") if path.is_file() and _holds(path, project)]
    assert holders
    assert {str(path.relative_to(layout.state)): oct(path.stat().st_mode & 0o077) for path in holders} == {
        str(path.relative_to(layout.state)): "0o0" for path in holders
    }


def _holds(path: Path, project: Project) -> bool:
    return bool(found(path.read_bytes(), secrets(project)))


@pytest.mark.parametrize("kind", ["Databricks administrator's secret", "gateway's signing key", "a token"])
def test_the_search_bites(kind: str, project: Project) -> None:
    """A planted secret is found, also when JSON has escaped its line breaks."""
    known = secrets(project)
    planted = {
        "Databricks administrator's secret": known["Databricks administrator's secret"],
        "gateway's signing key": (project.stack.layout.gateway_state / "signing-key.pem").read_bytes(),
        "a token": project.stack.token("nightly-report").encode(),
    }[kind]
    for text in (b'{"note": "' + planted + b'"}', b'{"note": "' + planted.replace(b"\n", b"\\n") + b'"}'):
        assert found(text, known) == [kind]
