"""Client secrets of applications and service principals: told once, remembered as a digest."""

import secrets
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from lakelatch_sandbox.graph.applications import APPLICATION_COLLECTION
from lakelatch_sandbox.graph.collection import Collection
from lakelatch_sandbox.graph.directory import SECRETS, digest, rfc3339
from lakelatch_sandbox.graph.errors import bad_request
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation
from lakelatch_sandbox.graph.service_principals import SERVICE_PRINCIPAL_COLLECTION

DEFAULT_LIFETIME_SECONDS = 2 * 365 * 24 * 3600
"""Two years (learn.microsoft.com/graph/api/application-addpassword)."""

_SECRET_BYTES = 30
"""40 characters of base64url, the length of Entra's own secrets."""


def add_password(collection: Collection) -> Callable[[Call], Answer]:
    """`addPassword`: make a secret; the answer is the only place where it is shown."""

    def handle(call: Call) -> Answer:
        wanted = call.body.get("passwordCredential") or {}
        if not isinstance(wanted, dict):
            raise bad_request("Invalid value specified for parameter 'passwordCredential'.")
        now = call.directory.context.clock.now()
        start, end = wanted.get("startDateTime") or rfc3339(now), wanted.get("endDateTime")
        end = end or rfc3339(now + DEFAULT_LIFETIME_SECONDS)
        if _seconds(end) <= _seconds(start):
            raise bad_request("Invalid value for endDateTime: it must be after startDateTime.")
        document = call.directory.addressed(collection.kind, call.path["id"])
        secret, key_id = secrets.token_urlsafe(_SECRET_BYTES), str(uuid.uuid4())
        credential = {
            "customKeyIdentifier": None,
            "displayName": wanted.get("displayName"),
            "endDateTime": end,
            "hint": secret[:3],
            "keyId": key_id,
            "secretText": None,
            "startDateTime": start,
        }
        kept = {**document, "passwordCredentials": [*document["passwordCredentials"], credential]}
        call.directory.put(collection.kind, kept)
        call.directory.context.store.put(SECRETS, key_id, {"id": key_id, "sha256": digest(secret)})
        shown = {**credential, "secretText": secret}
        return Answer(200, {"@odata.context": f"{call.base}/$metadata#microsoft.graph.passwordCredential", **shown})

    return handle


def remove_password(collection: Collection) -> Callable[[Call], Answer]:
    """`removePassword`: end a secret by its key id."""

    def handle(call: Call) -> Answer:
        document = call.directory.addressed(collection.kind, call.path["id"])
        key_id = call.body.get("keyId")
        remaining = [one for one in document["passwordCredentials"] if one["keyId"] != key_id]
        if len(remaining) == len(document["passwordCredentials"]):
            raise bad_request(f"No password credential found with keyId '{key_id}'.")
        call.directory.put(collection.kind, {**document, "passwordCredentials": remaining})
        call.directory.context.store.delete(SECRETS, str(key_id))
        return NO_CONTENT

    return handle


def _seconds(text: object) -> float:
    """A time of a credential in seconds since the epoch; raises `GraphError` (400)."""
    try:
        parsed = datetime.fromisoformat(str(text))
    except ValueError:
        raise bad_request(f"Cannot convert a value to target type 'Edm.DateTimeOffset': '{text}'.") from None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


OPERATIONS: tuple[Operation, ...] = tuple(
    Operation("POST", f"{collection.path}/{{id}}/{action}", collection.write_by, make(collection))
    for collection in (APPLICATION_COLLECTION, SERVICE_PRINCIPAL_COLLECTION)
    for action, make in (("addPassword", add_password), ("removePassword", remove_password))
)
