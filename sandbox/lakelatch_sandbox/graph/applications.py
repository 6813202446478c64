"""Applications: registrations with their certificates and identifier URIs."""

import uuid

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.application_rules import check_application
from lakelatch_sandbox.graph.certificates import kept_certificates, shown_certificates
from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import APPLICATIONS, FEDERATED_CREDENTIALS, Directory
from lakelatch_sandbox.graph.errors import bad_request
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_applications import APPLICATION
from lakelatch_sandbox.graph.service import Operation
from lakelatch_sandbox.graph.service_principals import SERVICE_PRINCIPAL_COLLECTION
from lakelatch_sandbox.graph.tenant import initial_domain


def _complete(directory: Directory, document: Document) -> Document:
    made = document | {
        "appId": str(uuid.uuid4()),
        "publisherDomain": initial_domain(directory.context.endpoints),
        "certification": None,
    }
    _check(directory, made, None)
    return made | {"keyCredentials": kept_certificates(made["keyCredentials"], ())}


def _change(directory: Directory, new: Document, old: Document) -> Document:
    _check(directory, new, old)
    return new | {"keyCredentials": kept_certificates(new["keyCredentials"], old["keyCredentials"])}


def _show(_: Directory, document: Document) -> Document:
    return document | {"keyCredentials": shown_certificates(document["keyCredentials"])}


def _check(directory: Directory, new: Document, old: Document | None) -> None:
    endpoints = directory.context.endpoints
    check_application(new, old, tenant_id=endpoints.tenant_id, domain=initial_domain(endpoints))
    if old is not None and new["identifierUris"] == old["identifierUris"]:
        return
    for other in directory.all(APPLICATIONS):
        if other["id"] != new["id"] and set(other["identifierUris"]) & set(new["identifierUris"]):
            raise bad_request("Another object with the same value for property identifierUris already exists.")


def _before_delete(directory: Directory, document: Document) -> None:
    """The service principal in the home tenant goes with its registration."""
    principal = directory.service_principal_by_app_id(document["appId"])
    if principal is not None:
        SERVICE_PRINCIPAL_COLLECTION.remove(directory, principal)
    # they stay with the registration among the deleted items, so that restoring it brings them back
    document["_federated"] = directory.federated_credentials(document["id"])
    for credential in document["_federated"]:
        directory.delete(FEDERATED_CREDENTIALS, credential)


APPLICATION_COLLECTION = Collection(
    path="/applications",
    kind=APPLICATIONS,
    resource=APPLICATION,
    read_by=permissions.READ_APPLICATIONS,
    write_by=permissions.owning(APPLICATIONS),
    create_by=permissions.CREATE_APPLICATIONS,
    complete=_complete,
    change=_change,
    show=_show,
    before_delete=_before_delete,
    links=("owners",),
    recoverable=True,
)

OPERATIONS: tuple[Operation, ...] = tuple(APPLICATION_COLLECTION.operations())
