"""The tenant's directory: what Graph writes and the login service reads, over one store.

Application, service principal, credential and assignment are looked up here and nowhere else, so that a token is judged
by exactly the objects that Graph shows.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.graph import well_known
from lakelatch_sandbox.graph.errors import denied, not_found
from lakelatch_sandbox.graph.schema import Document

APPLICATIONS = "graph/applications"
SERVICE_PRINCIPALS = "graph/service_principals"
FEDERATED_CREDENTIALS = "graph/federated_identity_credentials"
APP_ROLE_ASSIGNMENTS = "graph/app_role_assignments"
DELETED_ITEMS = "_graph/deleted_items"
SECRETS = "_graph/secrets"
"""Digests of client secrets by key id; the secrets themselves are told once and not kept."""

DEFAULT_ROLE_ID = "00000000-0000-0000-0000-000000000000"
"""The app role of an assignment that gives access without naming a role."""


@dataclass(frozen=True)
class Directory:
    """The objects of one tenant, the built-in ones included."""

    context: Context

    def timestamp(self) -> str:
        """Now, as Graph writes a time."""
        return rfc3339(self.context.clock.now())

    def all(self, kind: str) -> Iterator[Document]:
        """Every object of a kind: the built-in ones first, then the oldest first."""
        yield from self._built_in(kind)
        yield from self.context.store.all(kind)

    def get(self, kind: str, id: str) -> Document:
        """The object with this object id, in any case; raises `GraphError` (404)."""
        found = self.context.store.get(kind, id.lower())
        if found is not None:
            return found
        for document in self._built_in(kind):
            if document["id"] == id.lower():
                return document
        raise not_found(id)

    def put(self, kind: str, document: Document) -> Document:
        """Keep an object; raises `GraphError` (403) for a built-in one."""
        if any(document["id"] == built_in["id"] for built_in in self._built_in(kind)):
            raise denied()
        return self.context.store.put(kind, document["id"], document)

    def application_by_app_id(self, app_id: str) -> Document | None:
        """The registration with this client id."""
        return _first(self.all(APPLICATIONS), lambda one: one["appId"] == app_id.lower())

    def application_by_resource(self, resource: str) -> Document | None:
        """The registration that a scope's resource part names: by client id, or by one of its identifier URIs."""
        found = self.application_by_app_id(resource)
        return found or _first(self.all(APPLICATIONS), lambda one: resource in one["identifierUris"])

    def service_principal_by_app_id(self, app_id: str) -> Document | None:
        """The service principal of this client id."""
        return _first(self.all(SERVICE_PRINCIPALS), lambda one: one["appId"] == app_id.lower())

    def federated_credentials(self, application_id: str) -> list[Document]:
        """The federated identity credentials of a registration, by its object id."""
        kept = self.context.store.all(FEDERATED_CREDENTIALS)
        return [one for one in kept if one["_application"] == application_id]

    def assignments(self, *, principal_id: str | None = None, resource_id: str | None = None) -> list[Document]:
        """The app role assignments of a principal, to a resource, or both."""
        return [
            one
            for one in self.context.store.all(APP_ROLE_ASSIGNMENTS)
            if principal_id in (None, one["principalId"]) and resource_id in (None, one["resourceId"])
        ]

    def roles(self, principal_id: str, resource: Document) -> list[str]:
        """The role values that a principal's tokens for a resource carry; disabled roles are left out."""
        application = self.application_by_app_id(resource["appId"])
        assert application is not None  # noqa: S101 - a service principal goes with its registration
        assigned = {one["appRoleId"] for one in self.assignments(principal_id=principal_id, resource_id=resource["id"])}
        values = [
            role["value"]
            for role in application["appRoles"]
            if role["id"] in assigned and role.get("isEnabled") and role.get("value")
        ]
        if resource["appId"] == well_known.GRAPH_APP_ID:
            values += sorted(well_known.administrator_permissions(self.context.endpoints, principal_id))
        return values

    def is_assigned(self, principal_id: str, resource: Document) -> bool:
        """Whether a principal may have tokens for a resource that requires assignment."""
        return bool(self.assignments(principal_id=principal_id, resource_id=resource["id"]))

    def secret_matches(self, key_id: str, secret: str) -> bool:
        """Whether this is the secret that was given out under a key id."""
        found = self.context.store.get(SECRETS, key_id)
        return found is not None and found["sha256"] == digest(secret)

    def _built_in(self, kind: str) -> tuple[Document, ...]:
        if kind == APPLICATIONS:
            return well_known.applications(self.context.endpoints)
        if kind == SERVICE_PRINCIPALS:
            return well_known.service_principals(self.context.endpoints)
        return ()


def digest(secret: str) -> str:
    """How a secret is remembered. It is long and random, so a plain digest cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


def rfc3339(seconds: int) -> str:
    """A time in seconds since the epoch as Graph writes it, for example `2026-11-22T02:43:04Z`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _first(documents: Iterator[Document], holds: Callable[[Document], bool]) -> Document | None:
    return next((one for one in documents if holds(one)), None)
