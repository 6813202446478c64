"""Proves that no secret stands in state, output, logs or process arguments, and that the search would find one.

A secret is an administrator's credential of the doubles, the gateway's private key, or any token at all.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.project import Project

pytestmark = pytest.mark.line

TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*")
"""A compact JWT: header and claims are JSON objects, so both begin with `eyJ`."""


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


def test_no_secret_stands_where_it_must_not(project: Project) -> None:
    token = project.stack.token("nightly-report")
    project.ask(token)
    project.ask(token + "x")  # a refused one must not be logged either
    said = project.lakelatch("up", "--verbose") + project.lakelatch("status") + project.lakelatch("env")
    said += project.pulumi("stack", "export") + project.pulumi("preview", "--diff")
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
