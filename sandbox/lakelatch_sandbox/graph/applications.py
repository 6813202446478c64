"""Applications, and what belongs to one: federated credentials."""

import uuid
from collections.abc import Mapping

from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import (
    APPLICATIONS,
    FEDERATED_CREDENTIALS,
    Directory,
)
from lakelatch_sandbox.graph.errors import bad_request, denied, not_found
from lakelatch_sandbox.graph.query import page, select
from lakelatch_sandbox.graph.rules import check_application, check_federated_credential
from lakelatch_sandbox.graph.schema import APPLICATION, FEDERATED_CREDENTIAL, Document
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation
from lakelatch_sandbox.graph.service_principals import READERS, SERVICE_PRINCIPAL_COLLECTION, WRITERS
from lakelatch_sandbox.graph.tenant import initial_domain


def _complete(directory: Directory, document: Document) -> Document:
    made = document | {
        "appId": str(uuid.uuid4()),
        "publisherDomain": initial_domain(directory.context.endpoints),
        "certification": None,
    }
    _check(directory, made, None)
    return made | {"keyCredentials": [_key_credential(one, {}) for one in made["keyCredentials"]]}


def _change(directory: Directory, new: Document, old: Document) -> Document:
    _check(directory, new, old)
    known = {one["keyId"]: one.get("key") for one in old["keyCredentials"]}
    return new | {"keyCredentials": [_key_credential(one, known) for one in new["keyCredentials"]]}


def _key_credential(credential: Document, known: Mapping[str, str | None]) -> Document:
    """A certificate as it is kept: one that comes back without its key, as it was read, keeps the key it had."""
    if not isinstance(credential, dict):
        raise bad_request("Invalid value specified for property 'keyCredentials' of resource 'Application'.")
    key_id = credential.get("keyId") or str(uuid.uuid4())
    return {**credential, "keyId": key_id, "key": credential.get("key") or known.get(key_id)}


def _show(_: Directory, document: Document) -> Document:
    return document | {"keyCredentials": [{**one, "key": None} for one in document["keyCredentials"]]}


def _check(directory: Directory, new: Document, old: Document | None) -> None:
    endpoints = directory.context.endpoints
    check_application(new, old, tenant_id=endpoints.tenant_id, domain=initial_domain(endpoints))
    for other in directory.all(APPLICATIONS):
        if other["id"] != new["id"] and set(other["identifierUris"]) & set(new["identifierUris"]):
            raise bad_request("Another object with the same value for property identifierUris already exists.")


def _before_delete(directory: Directory, document: Document) -> None:
    """The service principal in the home tenant goes with its registration."""
    principal = directory.service_principal_by_app_id(document["appId"])
    if principal is not None:
        SERVICE_PRINCIPAL_COLLECTION.remove(directory, principal)
    store = directory.context.store
    # they stay with the registration among the deleted items, so that restoring it brings them back
    document["_federated"] = directory.federated_credentials(document["id"])
    for credential in document["_federated"]:
        store.delete(FEDERATED_CREDENTIALS, credential["id"])


APPLICATION_COLLECTION = Collection(
    name="applications",
    kind=APPLICATIONS,
    resource=APPLICATION,
    readers=READERS,
    writers=WRITERS,
    complete=_complete,
    change=_change,
    show=_show,
    before_delete=_before_delete,
)


def _federated_set(application: Document) -> str:
    return f"applications('{application['id']}')/federatedIdentityCredentials"


def _federated(call: Call, application: Document) -> Document:
    """The credential that the path names by its id or its name; raises `GraphError` (404)."""
    wanted = call.path["credential"]
    for one in call.directory.federated_credentials(application["id"]):
        if wanted in (one["id"], one["name"]):
            return one
    raise not_found(wanted)


def _shown(credential: Document) -> Document:
    return {name: value for name, value in credential.items() if not name.startswith("_")}


def list_federated(call: Call) -> Answer:
    """The federated credentials of an application."""
    application = call.directory.get(APPLICATIONS, call.path["id"])
    found = [_shown(one) for one in call.directory.federated_credentials(application["id"])]
    return Answer(200, call.listing(_federated_set(application), page(found, call.query)))


def create_federated(call: Call) -> Answer:
    """Let an application trust one subject of one issuer."""
    application = call.directory.get(APPLICATIONS, call.path["id"])
    if call.directory.context.store.get(APPLICATIONS, application["id"]) is None:
        raise denied()
    new = FEDERATED_CREDENTIAL.create(call.body)
    check_federated_credential(new, call.directory.federated_credentials(application["id"]))
    kept = new | {"id": str(uuid.uuid4()), "_application": application["id"]}
    call.directory.context.store.put(FEDERATED_CREDENTIALS, kept["id"], kept)
    return Answer(201, call.entity(_federated_set(application), _shown(kept)))


def read_federated(call: Call) -> Answer:
    """One federated credential."""
    application = call.directory.get(APPLICATIONS, call.path["id"])
    found = _shown(_federated(call, application))
    return Answer(200, call.entity(_federated_set(application), select(found, call.query.get("$select"))))


def update_federated(call: Call) -> Answer:
    """Change a federated credential; its name stays."""
    application = call.directory.get(APPLICATIONS, call.path["id"])
    old = _federated(call, application)
    new = FEDERATED_CREDENTIAL.update(old, call.body)
    if new["name"] != old["name"]:
        raise bad_request("Property 'name' of a FederatedIdentityCredential is immutable and cannot be updated.")
    others = call.directory.federated_credentials(application["id"])
    check_federated_credential(new, [one for one in others if one["id"] != old["id"]])
    call.directory.context.store.put(FEDERATED_CREDENTIALS, old["id"], new)
    return NO_CONTENT


def delete_federated(call: Call) -> Answer:
    """End the trust; there is no way back."""
    application = call.directory.get(APPLICATIONS, call.path["id"])
    call.directory.context.store.delete(FEDERATED_CREDENTIALS, _federated(call, application)["id"])
    return NO_CONTENT


_FEDERATED = "/applications/{id}/federatedIdentityCredentials"

OPERATIONS: tuple[Operation, ...] = (
    *APPLICATION_COLLECTION.operations(),
    Operation("GET", _FEDERATED, READERS, list_federated),
    Operation("POST", _FEDERATED, WRITERS, create_federated),
    Operation("GET", f"{_FEDERATED}/{{credential}}", READERS, read_federated),
    Operation("PATCH", f"{_FEDERATED}/{{credential}}", WRITERS, update_federated),
    Operation("DELETE", f"{_FEDERATED}/{{credential}}", WRITERS, delete_federated),
)
