"""Federated identity credentials of an application: whom of which issuer it trusts."""

import uuid

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.directory import APPLICATIONS, FEDERATED_CREDENTIALS
from lakelatch_sandbox.graph.errors import bad_request, denied, not_found
from lakelatch_sandbox.graph.query import select
from lakelatch_sandbox.graph.rules import check_federated_credential
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_applications import FEDERATED_CREDENTIAL
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation


def _federated_set(application: Document) -> str:
    return f"applications('{application['id']}')/federatedIdentityCredentials"


def _seen(call: Call, application: Document) -> list[Document]:
    return [one for one in call.directory.shown_all(FEDERATED_CREDENTIALS) if one["_application"] == application["id"]]


def _body(call: Call) -> Document:
    """The body; v1.0 does not know expressions."""
    if "claimsMatchingExpression" in call.body and not call.beta:
        raise bad_request(
            "Property 'claimsMatchingExpression' does not exist as a declared property or extension property of "
            "resource 'FederatedIdentityCredential'."
        )
    return call.body


def _federated(call: Call, application: Document) -> Document:
    """The credential that the path names by its id or its name; raises `GraphError` (404)."""
    wanted = call.path["credential"]
    for one in _seen(call, application):
        if wanted in (one["id"], one["name"]):
            return one
    raise not_found(wanted)


def _shown(call: Call, credential: Document) -> Document:
    """As it is answered: expressions are part of beta alone."""
    hidden = () if call.beta else ("claimsMatchingExpression",)
    return {name: value for name, value in credential.items() if not name.startswith("_") and name not in hidden}


def list_federated(call: Call) -> Answer:
    """The federated credentials of an application."""
    application = call.directory.addressed(APPLICATIONS, call.path["id"])
    found = [_shown(call, one) for one in _seen(call, application)]
    return Answer(200, call.listing(_federated_set(application), found))


def create_federated(call: Call) -> Answer:
    """Let an application trust one subject of one issuer."""
    application = call.directory.addressed(APPLICATIONS, call.path["id"])
    if call.directory.context.store.get(APPLICATIONS, application["id"]) is None:
        raise denied()
    new = FEDERATED_CREDENTIAL.create(_body(call))
    check_federated_credential(new, call.directory.federated_credentials(application["id"]))
    kept = new | {"id": str(uuid.uuid4()), "_application": application["id"]}
    call.directory.put(FEDERATED_CREDENTIALS, kept)
    return Answer(201, call.entity(_federated_set(application), _shown(call, kept)))


def read_federated(call: Call) -> Answer:
    """One federated credential."""
    application = call.directory.addressed(APPLICATIONS, call.path["id"])
    found = _shown(call, _federated(call, application))
    return Answer(200, call.entity(_federated_set(application), select(found, call.query.get("$select"))))


def update_federated(call: Call) -> Answer:
    """Change a federated credential; its name stays."""
    application = call.directory.addressed(APPLICATIONS, call.path["id"])
    old = _federated(call, application)
    new = FEDERATED_CREDENTIAL.update(old, _body(call))
    if new["name"] != old["name"]:
        raise bad_request("Property 'name' of a FederatedIdentityCredential is immutable and cannot be updated.")
    others = call.directory.federated_credentials(application["id"])
    check_federated_credential(new, [one for one in others if one["id"] != old["id"]])
    call.directory.put(FEDERATED_CREDENTIALS, new)
    return NO_CONTENT


def delete_federated(call: Call) -> Answer:
    """End the trust; there is no way back."""
    application = call.directory.addressed(APPLICATIONS, call.path["id"])
    call.directory.delete(FEDERATED_CREDENTIALS, _federated(call, application))
    return NO_CONTENT


_PATH = "/applications/{id}/federatedIdentityCredentials"
_OWNING = permissions.owning(APPLICATIONS)

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _PATH, permissions.READ_APPLICATIONS, list_federated),
    Operation("POST", _PATH, _OWNING, create_federated),
    Operation("GET", f"{_PATH}/{{credential}}", permissions.READ_APPLICATIONS, read_federated),
    Operation("PATCH", f"{_PATH}/{{credential}}", _OWNING, update_federated),
    Operation("DELETE", f"{_PATH}/{{credential}}", _OWNING, delete_federated),
)
