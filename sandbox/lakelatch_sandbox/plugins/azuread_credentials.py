"""Credentials of applications and service principals: secrets, certificates and federated credentials."""

# ruff: noqa: ARG001, ARG002 - every call of a spec has the same signature

import base64
import re
import ssl
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lakelatch_sandbox.plugins.azuread_api import AzureAdApi
from lakelatch_sandbox.plugins.azuread_objects import change, last, member
from lakelatch_sandbox.plugins.azuread_shapes import Mapped, Names, Table, from_graph, to_graph
from lakelatch_sandbox.plugins.errors import PluginError
from lakelatch_sandbox.plugins.spec import Spec, State

_FEDERATED: Final[Table] = {
    "audiences": Names("audiences"),
    "description": "description",
    "displayName": "name",
    "issuer": "issuer",
    "subject": "subject",
}
_FLEXIBLE: Final[Table] = {
    "audience": Mapped("audiences", lambda audience: [audience], lambda audiences: audiences[0]),
    "claimsMatchingExpression": Mapped(
        "claimsMatchingExpression", lambda text: {"value": text, "languageVersion": 1}, lambda found: found["value"]
    ),
    "description": "description",
    "displayName": "name",
    "issuer": "issuer",
}


@dataclass(frozen=True)
class _Federated:
    """A federated credential; expressions are spoken of in beta alone."""

    table: Table
    beta: bool

    @staticmethod
    def _path(id: str) -> str:
        application, _, credential = id.partition("/federatedIdentityCredential/")
        return f"/applications/{application}/federatedIdentityCredentials/{credential}"

    async def create(self, api: AzureAdApi, inputs: State) -> tuple[str, State]:
        application = inputs["applicationId"]
        async with api.lock(application):
            path = f"{application}/federatedIdentityCredentials"
            made = await api.call("POST", path, to_graph(inputs, self.table), beta=self.beta)
            await api.patiently("GET", f"{path}/{made['id']}", beta=self.beta)
        return f"{last(application)}/federatedIdentityCredential/{made['id']}", {**inputs, "credentialId": made["id"]}

    async def read(self, api: AzureAdApi, id: str, state: State) -> State | None:
        document = await api.call("GET", self._path(id), missing=True, beta=self.beta)
        if document is None:
            return None
        application = f"/applications/{id.partition('/')[0]}"
        return {"applicationId": application, "credentialId": document["id"], **from_graph(document, self.table)}

    async def update(self, api: AzureAdApi, id: str, old: State, new: State) -> State:
        async with api.lock(new["applicationId"]):
            body = {"description": None, **to_graph(new, self.table)}
            await api.call("PATCH", self._path(id), body, beta=self.beta)
        return {**new, "credentialId": old["credentialId"]}

    async def delete(self, api: AzureAdApi, id: str, state: State) -> None:
        async with api.lock(f"/applications/{id.partition('/')[0]}"):
            await api.call("DELETE", self._path(id), missing=True)

    def spec(self, type: str, module: str) -> Spec[AzureAdApi]:
        return Spec(
            type=f"azuread:index/{type}",
            module=module,
            create=self.create,
            read=self.read,
            update=self.update,
            delete=self.delete,
            replace_on=frozenset({"applicationId", "displayName"}),
        )


# `endDateRelative` is not among them: the official plugin (v3.9.0) shows it in state and never sends it.
_PASSWORD: Final[Table] = {"displayName": "displayName", "endDate": "endDateTime", "startDate": "startDateTime"}
_PASSWORD_ANSWER: Final[Table] = {**_PASSWORD, "keyId": "keyId", "value": "secretText"}


@dataclass(frozen=True)
class _Password:
    """A secret of an application or of a service principal: made, never changed, told once."""

    set: str
    owner: str
    """The input that names the object."""

    async def create(self, api: AzureAdApi, inputs: State) -> tuple[str, State]:
        object_id = last(inputs[self.owner])
        path = f"/{self.set}/{object_id}"
        async with api.lock(path):
            made = await api.call("POST", f"{path}/addPassword", {"passwordCredential": to_graph(inputs, _PASSWORD)})
        return f"{object_id}/password/{made['keyId']}", {**from_graph(made, _PASSWORD_ANSWER), **inputs}

    async def read(self, api: AzureAdApi, id: str, state: State) -> State | None:
        object_id, _, key = id.partition("/password/")
        document = await api.call("GET", f"/{self.set}/{object_id}", missing=True)
        for found in member(document, "passwordCredentials"):
            if found["keyId"] == key:
                return state or {self.owner: f"/{self.set}/{object_id}", **from_graph(found, _PASSWORD_ANSWER)}
        return None

    async def delete(self, api: AzureAdApi, id: str, state: State) -> None:
        object_id, _, key = id.partition("/password/")
        path = f"/{self.set}/{object_id}"
        async with api.lock(path):
            await api.call("POST", f"{path}/removePassword", {"keyId": key}, missing=True)

    def spec(self, type: str, module: str) -> Spec[AzureAdApi]:
        return Spec(
            type=f"azuread:index/{type}",
            module=module,
            create=self.create,
            read=self.read,
            delete=self.delete,
            replace_on=frozenset(
                {self.owner, "displayName", "endDate", "endDateRelative", "rotateWhenChanged", "startDate"}
            ),
            filled=frozenset({"displayName", "endDate", "startDate"}),
            secret=frozenset({"value"}),
        )


_CERTIFICATE: Final[Table] = {
    "endDate": "endDateTime",
    "keyId": "keyId",
    "startDate": "startDateTime",
    "type": "type",
}
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def relative(text: str, begin: datetime) -> str:
    """The time that is a Go duration such as `240h` or `2400h30m` after another; raises PluginError."""
    matched = _DURATION.fullmatch(text)
    if not text or matched is None:
        raise PluginError(f"`{text}` is no duration", hint="write hours and minutes, for example `2400h30m`")
    hours, minutes, seconds = (int(part or 0) for part in matched.groups())
    end = begin + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return end.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pem_of(value: str, encoding: str) -> str:
    """The certificate as PEM, from what the program gave; raises PluginError for what is none in this encoding."""
    try:
        if encoding == "pem":
            return value.strip() + "\n"
        der = bytes.fromhex(value) if encoding == "hex" else base64.b64decode(value, validate=True)
    except ValueError:
        raise PluginError(f"`value` is not a certificate in the encoding `{encoding}`") from None
    if encoding not in ("base64", "hex"):
        raise PluginError(f"`encoding` is `{encoding}`", hint="it is one of `pem`, `base64`, `hex`")
    return ssl.DER_cert_to_PEM_cert(der)


async def _create_certificate(api: AzureAdApi, inputs: State) -> tuple[str, State]:
    application = inputs["applicationId"]
    key_id = inputs.get("keyId") or str(uuid.uuid4())
    credential = {**to_graph(inputs, _CERTIFICATE), "keyId": key_id, "usage": "Verify"}
    if "endDateRelative" in inputs:
        begin = datetime.fromisoformat(inputs["startDate"]) if "startDate" in inputs else datetime.now(UTC)
        credential["endDateTime"] = relative(inputs["endDateRelative"], begin)
    pem = pem_of(inputs["value"], inputs["encoding"])
    credential["key"] = base64.b64encode(pem.encode()).decode()
    await change(api, application, "keyCredentials", lambda found: [*found, credential])
    id = f"{last(application)}/certificate/{key_id}"
    return id, {**(await _read_certificate(api, id, inputs) or {}), **inputs, "keyId": key_id}


async def _read_certificate(api: AzureAdApi, id: str, state: State) -> State | None:
    object_id, _, key = id.partition("/certificate/")
    document = await api.call("GET", f"/applications/{object_id}", missing=True)
    for found in member(document, "keyCredentials"):
        if found["keyId"] == key:
            kept: State = {name: state[name] for name in ("encoding", "endDateRelative") if name in state}
            return {"applicationId": f"/applications/{object_id}", **from_graph(found, _CERTIFICATE), **kept}
    return None


async def _delete_certificate(api: AzureAdApi, id: str, state: State) -> None:
    object_id, _, key = id.partition("/certificate/")
    application = f"/applications/{object_id}"
    if await api.call("GET", application, missing=True) is not None:
        await change(api, application, "keyCredentials", lambda found: [one for one in found if one["keyId"] != key])


SPECS: Final[tuple[Spec[Any], ...]] = (
    _Federated(_FEDERATED, beta=False).spec(
        "applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential",
        "application_federated_identity_credential",
    ),
    _Federated(_FLEXIBLE, beta=True).spec(
        "applicationFlexibleFederatedIdentityCredential:ApplicationFlexibleFederatedIdentityCredential",
        "application_flexible_federated_identity_credential",
    ),
    _Password("applications", "applicationId").spec("applicationPassword:ApplicationPassword", "application_password"),
    _Password("servicePrincipals", "servicePrincipalId").spec(
        "servicePrincipalPassword:ServicePrincipalPassword", "service_principal_password"
    ),
    Spec(
        type="azuread:index/applicationCertificate:ApplicationCertificate",
        module="application_certificate",
        create=_create_certificate,
        read=_read_certificate,
        delete=_delete_certificate,
        defaults={"encoding": "pem"},
        replace_on=frozenset(
            {"applicationId", "encoding", "endDate", "endDateRelative", "keyId", "startDate", "type", "value"}
        ),
        filled=frozenset({"endDate", "keyId", "startDate", "type"}),
        secret=frozenset({"value"}),
    ),
)
