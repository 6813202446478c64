"""Service principals: what an application is in the tenant."""

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.assignments import end_assignments
from lakelatch_sandbox.graph.certificates import kept_certificates, shown_certificates
from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import DELEGATED_GRANTS, SERVICE_PRINCIPALS, Directory
from lakelatch_sandbox.graph.errors import bad_request, conflict, denied
from lakelatch_sandbox.graph.groups import leave_groups
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.schema_applications import SERVICE_PRINCIPAL
from lakelatch_sandbox.graph.service import Answer, Call, Operation


def _registration(directory: Directory, document: Document) -> Document:
    application = directory.application_by_app_id(document["appId"])
    if application is None:
        raise bad_request(
            f"The appId '{document['appId']}' of the service principal does not reference a valid application object."
        )
    return application


def check_new_principal(directory: Directory, document: Document) -> Document:
    """A principal with its client id, if that is registered and has none yet; raises `GraphError` (400 or 409)."""
    if not isinstance(document["appId"], str):
        raise bad_request("Invalid value specified for property 'appId' of resource 'ServicePrincipal'.")
    app_id = _registration(directory, document)["appId"]
    if directory.service_principal_by_app_id(app_id) is not None:
        raise conflict(
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{app_id} is already in use."
        )
    return document | {"appId": app_id, "keyCredentials": kept_certificates(document["keyCredentials"], ())}


def _change(_: Directory, new: Document, old: Document) -> Document:
    if new["appId"] != old["appId"]:
        raise bad_request("Property 'appId' is read-only and cannot be set.")
    return new | {"keyCredentials": kept_certificates(new["keyCredentials"], old["keyCredentials"])}


def _show(directory: Directory, document: Document) -> Document:
    """With what a service principal takes over from its registration."""
    application = _registration(directory, document)
    return document | {
        "appDescription": application["description"],
        "appDisplayName": application["displayName"],
        "appOwnerOrganizationId": directory.context.endpoints.tenant_id,
        "applicationTemplateId": application["applicationTemplateId"],
        "appRoles": application["appRoles"],
        "displayName": application["displayName"],
        "keyCredentials": shown_certificates(document["keyCredentials"]),
        "homepage": application["web"]["homePageUrl"],
        "logoutUrl": application["web"]["logoutUrl"],
        "oauth2PermissionScopes": application["api"]["oauth2PermissionScopes"],
        "replyUrls": application["web"]["redirectUris"],
        "servicePrincipalNames": [application["appId"], *application["identifierUris"]],
        "signInAudience": application["signInAudience"],
    }


def _before_delete(directory: Directory, document: Document) -> None:
    """Assignments and grants of and to the principal end with it, and it leaves its groups."""
    end_assignments(directory, document["id"])
    for grant in list(directory.all(DELEGATED_GRANTS)):
        if document["id"] in (grant["clientId"], grant["resourceId"]):
            directory.delete(DELEGATED_GRANTS, grant)
    leave_groups(directory, document["id"])


SERVICE_PRINCIPAL_COLLECTION = Collection(
    path="/servicePrincipals",
    kind=SERVICE_PRINCIPALS,
    resource=SERVICE_PRINCIPAL,
    read_by=permissions.READ_APPLICATIONS,
    write_by=permissions.owning(SERVICE_PRINCIPALS),
    create_by=permissions.CREATE_APPLICATIONS,
    complete=check_new_principal,
    change=_change,
    show=_show,
    before_delete=_before_delete,
    links=("owners",),
    recoverable=True,
)


def create(call: Call) -> Answer:
    """Make the principal of a registration; who may only change what it owns must own the registration."""
    application = directory_application(call)
    if application is not None and not _may_change_all(call) and call.caller.object_id not in application["owners"]:
        raise denied()
    return SERVICE_PRINCIPAL_COLLECTION.create(call)


def directory_application(call: Call) -> Document | None:
    """The registration that the body names."""
    app_id = call.body.get("appId")
    return call.directory.application_by_app_id(app_id) if isinstance(app_id, str) else None


def _may_change_all(call: Call) -> bool:
    return any(wanted <= call.caller.permissions for wanted in SERVICE_PRINCIPAL_COLLECTION.write_by.any_of)


OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", "/servicePrincipals", permissions.CREATE_APPLICATIONS, create),
    *(row for row in SERVICE_PRINCIPAL_COLLECTION.operations() if row.method != "POST"),
)
