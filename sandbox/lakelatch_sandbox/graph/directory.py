"""The tenant's directory: what Graph writes and the login service reads, over one store.

Application, service principal, credential and assignment are looked up here and nowhere else, so that a token is judged
by exactly the objects that Graph shows.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from lakelatch_sandbox.context import Context
from lakelatch_sandbox.graph import consistency, well_known
from lakelatch_sandbox.graph.errors import GraphError, denied, not_found
from lakelatch_sandbox.graph.schema import Document

APPLICATIONS = "graph/applications"
SERVICE_PRINCIPALS = "graph/service_principals"
GROUPS = "graph/groups"
USERS = "graph/users"
FEDERATED_CREDENTIALS = "graph/federated_identity_credentials"
APP_ROLE_ASSIGNMENTS = "graph/app_role_assignments"
DELEGATED_GRANTS = "graph/oauth2_permission_grants"
DELETED_ITEMS = "_graph/deleted_items"
SECRETS = "_graph/secrets"
"""Digests of client secrets by key id; the secrets themselves are told once and not kept."""
_WITH_APP_ID = frozenset({APPLICATIONS, SERVICE_PRINCIPALS})
_BY_APP_ID = "_graph/by_app_id"
"""Object ids by kind and client id: every token request looks for one."""

_OPAQUE_IDS = frozenset({APP_ROLE_ASSIGNMENTS, DELEGATED_GRANTS})
"""Their ids are base64, where case matters."""

DIRECTORY_OBJECTS = (SERVICE_PRINCIPALS, GROUPS, USERS, APPLICATIONS)
"""The kinds that links (owners, members) may name by object id alone."""

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
        key = self._key(kind, id)
        return self._found(kind, key, self.context.store.get(kind, key))

    def shown_all(self, kind: str, *, app_id: str | None = None) -> Iterator[Document]:
        """Every object of a kind as readers see it now, when writes show late; with `app_id`, at least that one."""
        if app_id is not None and kind in _WITH_APP_ID and not consistency.is_behind(self.context.store):
            found = self.by_app_id(kind, app_id)
            yield from () if found is None else (found,)
            return
        yield from self._built_in(kind)
        yield from consistency.seen_all(self.context.store, kind)

    def shown(self, kind: str, id: str) -> Document:
        """The object as readers see it now, when writes show late; raises `GraphError` (404)."""
        store, key = self.context.store, self._key(kind, id)
        return self._found(kind, key, consistency.seen(store, kind, key, store.get(kind, key)))

    def addressed(self, kind: str, id: str) -> Document:
        """The object that a write is for, as it is; one that does not show yet cannot be written (`GraphError` 404)."""
        self.shown(kind, id)
        return self.get(kind, id)

    def _key(self, kind: str, id: str) -> str:
        """The object id that a path names: object ids are GUIDs in any case, a user has a name as well."""
        if kind in _OPAQUE_IDS:
            return id
        named = self.user_by_name(id) if kind == USERS and "@" in id else None
        return id.lower() if named is None else str(named["id"])

    def _found(self, kind: str, id: str, found: Document | None) -> Document:
        if found is not None:
            return found
        for document in self._built_in(kind):
            if document["id"] == id:
                return document
        raise not_found(id)

    def find(self, id: str) -> tuple[str, Document] | None:
        """The kind and object of any directory object's id; None when there is no such object."""
        for kind in DIRECTORY_OBJECTS:
            try:
                return kind, self.get(kind, id)
            except GraphError:
                continue
        return None

    def put(self, kind: str, document: Document) -> Document:
        """Keep an object; raises `GraphError` (403) for a built-in one."""
        if any(document["id"] == built_in["id"] for built_in in self._built_in(kind)):
            raise denied()
        store = self.context.store
        consistency.note_write(store, kind, document["id"], store.get(kind, document["id"]))
        if kind in _WITH_APP_ID:
            store.put(_BY_APP_ID, f"{kind}/{document['appId']}", {"id": document["id"]})
        return store.put(kind, document["id"], document)

    def delete(self, kind: str, document: Document) -> None:
        """Take an object away; raises `GraphError` (403) for a built-in one."""
        store = self.context.store
        if store.get(kind, document["id"]) is None:
            raise denied()
        consistency.note_write(store, kind, document["id"], document)
        store.delete(kind, document["id"])
        if kind in _WITH_APP_ID:
            store.delete(_BY_APP_ID, f"{kind}/{document['appId']}")

    def by_app_id(self, kind: str, app_id: str) -> Document | None:
        """The application or the service principal with this client id."""
        store, wanted = self.context.store, app_id.lower()
        known = store.get(_BY_APP_ID, f"{kind}/{wanted}")
        if known is not None:
            return store.get(kind, known["id"])
        return _first(iter(self._built_in(kind)), lambda one: one["appId"] == wanted)

    def application_by_app_id(self, app_id: str) -> Document | None:
        """The registration with this client id."""
        return self.by_app_id(APPLICATIONS, app_id)

    def application_by_resource(self, resource: str) -> Document | None:
        """The registration that a scope's resource part names: by client id, or by one of its identifier URIs."""
        found = self.application_by_app_id(resource)
        return found or _first(self.all(APPLICATIONS), lambda one: resource in one["identifierUris"])

    def service_principal_by_app_id(self, app_id: str) -> Document | None:
        """The service principal of this client id."""
        return self.by_app_id(SERVICE_PRINCIPALS, app_id)

    def user_by_name(self, name: str) -> Document | None:
        """The user with this object id or user principal name."""
        wanted = name.casefold()
        users = self.context.store.all(USERS)
        return _first(users, lambda one: wanted in (one["id"], one["userPrincipalName"].casefold()))

    def groups_of(self, id: str) -> list[Document]:
        """The groups that an object is in, those of its groups included."""
        everyone = list(self.context.store.all(GROUPS))
        found: dict[str, Document] = {}
        looked_for = [id]
        while looked_for:
            member = looked_for.pop()
            for group in everyone:
                if member in group["members"] and group["id"] not in found:
                    found[group["id"]] = group
                    looked_for.append(group["id"])
        return list(found.values())

    def federated_credentials(self, application_id: str) -> list[Document]:
        """The federated identity credentials of a registration, by its object id."""
        kept = self.context.store.all(FEDERATED_CREDENTIALS)
        return [one for one in kept if one["_application"] == application_id]

    def delegated_grants(self, client_id: str, resource_id: str) -> list[Document]:
        """What a client's service principal may do at a resource in the name of users."""
        kept = self.context.store.all(DELEGATED_GRANTS)
        return [one for one in kept if (one["clientId"], one["resourceId"]) == (client_id, resource_id)]

    def assignments(self, *, principal_id: str | None = None, resource_id: str | None = None) -> list[Document]:
        """The app role assignments of a principal, to a resource, or both."""
        return [
            one
            for one in self.context.store.all(APP_ROLE_ASSIGNMENTS)
            if principal_id in (None, one["principalId"]) and resource_id in (None, one["resourceId"])
        ]

    def holders(self, principal_id: str) -> frozenset[str]:
        """Whose assignments count for a principal: its own and those of the groups that it is directly in."""
        groups = self.context.store.all(GROUPS)
        return frozenset({principal_id, *(one["id"] for one in groups if principal_id in one["members"])})

    def roles(self, principal_id: str, resource: Document) -> list[str]:
        """The role values that a principal's tokens for a resource carry; disabled roles are left out."""
        application = self.application_by_app_id(resource["appId"])
        assert application is not None  # noqa: S101 - a service principal goes with its registration
        holders = self.holders(principal_id)
        assigned = {
            one["appRoleId"] for one in self.assignments(resource_id=resource["id"]) if one["principalId"] in holders
        }
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
        holders = self.holders(principal_id)
        return any(one["principalId"] in holders for one in self.assignments(resource_id=resource["id"]))

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
