"""Links between directory objects: who owns what, who is in which group, and any object by its id alone."""

from collections.abc import Callable

from lakelatch_sandbox.graph import permissions
from lakelatch_sandbox.graph.applications import APPLICATION_COLLECTION
from lakelatch_sandbox.graph.collection import Collection, reference
from lakelatch_sandbox.graph.directory import GROUPS, SERVICE_PRINCIPALS, USERS, Directory
from lakelatch_sandbox.graph.errors import bad_request, not_found
from lakelatch_sandbox.graph.groups import GROUP_COLLECTION, check_membership
from lakelatch_sandbox.graph.query import check_options, select
from lakelatch_sandbox.graph.schema import Document
from lakelatch_sandbox.graph.service import NO_CONTENT, Answer, Call, Operation
from lakelatch_sandbox.graph.service_principals import SERVICE_PRINCIPAL_COLLECTION
from lakelatch_sandbox.graph.users import USER_COLLECTION

COLLECTIONS = {
    one.kind: one for one in (APPLICATION_COLLECTION, SERVICE_PRINCIPAL_COLLECTION, GROUP_COLLECTION, USER_COLLECTION)
}

_SET = "directoryObjects"
Handle = Callable[[Call], Answer]


def presented(directory: Directory, id: str) -> Document | None:
    """Any directory object with its type, as a link to it is answered; None when it is gone."""
    found = directory.find(id)
    if found is None:
        return None
    kind, document = found
    collection = COLLECTIONS[kind]
    return {"@odata.type": collection.resource.odata_type, **collection.present(directory, document)}


def _answer(call: Call, ids: list[str]) -> Answer:
    objects = [one for one in (presented(call.directory, id) for id in ids) if one is not None]
    if call.url.endswith("/$ref"):
        objects = [{"@odata.id": f"{call.base}/directoryObjects/{one['id']}"} for one in objects]
    return Answer(200, call.listing(_SET, objects))


def _list(collection: Collection, link: str) -> Handle:
    return lambda call: _answer(call, call.directory.shown(collection.kind, call.path["id"])[link])


def _add(collection: Collection, link: str) -> Handle:
    def handle(call: Call) -> Answer:
        document = call.directory.addressed(collection.kind, call.path["id"])
        id = reference(call.directory, call.body.get("@odata.id"))
        if id in document[link]:
            raise bad_request(
                f"One or more added object references already exist for the following modified properties: '{link}'."
            )
        if link == "members":
            check_membership(document)
        call.directory.put(collection.kind, document | {link: [*document[link], id]})
        return NO_CONTENT

    return handle


def _remove(collection: Collection, link: str) -> Handle:
    def handle(call: Call) -> Answer:
        document = call.directory.addressed(collection.kind, call.path["id"])
        id = call.path["linked"].lower()
        if id not in document[link]:
            raise not_found(id)
        if collection is GROUP_COLLECTION and link == "owners" and len(document[link]) == 1:
            raise bad_request("The group must have at least one owner, hence this owner cannot be removed.")
        call.directory.put(collection.kind, document | {link: [one for one in document[link] if one != id]})
        return NO_CONTENT

    return handle


def _link_operations(collection: Collection, link: str) -> list[Operation]:
    path = f"{collection.path}/{{id}}/{link}"
    write = permissions.WRITE_MEMBERS if link == "members" else collection.write_by
    return [
        Operation("GET", path, collection.read_by, _list(collection, link)),
        Operation("GET", f"{path}/$ref", collection.read_by, _list(collection, link)),
        Operation("POST", f"{path}/$ref", write, _add(collection, link)),
        Operation("DELETE", f"{path}/{{linked}}/$ref", write, _remove(collection, link)),
    ]


def _member_of(kind: str, *, transitive: bool) -> Handle:
    def handle(call: Call) -> Answer:
        id = call.directory.shown(kind, call.path["id"])["id"]
        groups = call.directory.groups_of(id)
        return _answer(call, [one["id"] for one in groups if transitive or id in one["members"]])

    return handle


def _transitive_members(call: Call) -> Answer:
    """Members, and those of the groups among them."""
    found: dict[str, None] = {}
    looked_for = [call.directory.shown(GROUPS, call.path["id"])]
    while looked_for:
        for id in looked_for.pop()["members"]:
            member = call.directory.find(id)
            if member is not None and id not in found:
                found[id] = None
                if member[0] == GROUPS:
                    looked_for.append(member[1])
    return _answer(call, list(found))


def _owned(call: Call) -> Answer:
    """What a service principal owns."""
    id = call.directory.shown(SERVICE_PRINCIPALS, call.path["id"])["id"]
    owned = [
        one["id"]
        for collection in COLLECTIONS.values()
        if "owners" in collection.links
        for one in call.directory.shown_all(collection.kind)
        if id in one["owners"]
    ]
    return _answer(call, owned)


def _manager_of(call: Call) -> Answer:
    manager = call.directory.shown(USERS, call.path["id"]).get("_manager")
    found = None if manager is None else presented(call.directory, manager)
    if found is None:
        raise not_found("manager")
    return Answer(200, call.entity(_SET, found))


def _set_manager(call: Call) -> Answer:
    user = call.directory.addressed(USERS, call.path["id"])
    manager = reference(call.directory, call.body["@odata.id"]) if call.body else None
    call.directory.put(USERS, user | {"_manager": manager})
    return NO_CONTENT


def _read_any(call: Call) -> Answer:
    """Any object by its id alone."""
    check_options(call.query)
    found = presented(call.directory, call.path["id"])
    if found is None:
        raise not_found(call.path["id"])
    return Answer(200, call.entity(_SET, select(found, call.query.get("$select"))))


def _get_by_ids(call: Call) -> Answer:
    ids = call.body.get("ids")
    if not isinstance(ids, list):
        raise bad_request("Invalid value specified for parameter 'ids'.")
    return _answer(call, [str(id) for id in ids])


OPERATIONS: tuple[Operation, ...] = (
    *(row for one in COLLECTIONS.values() for link in one.links for row in _link_operations(one, link)),
    *(
        Operation("GET", f"{one.path}/{{id}}/{name}", one.read_by, _member_of(one.kind, transitive=transitive))
        for one in COLLECTIONS.values()
        if one is not APPLICATION_COLLECTION
        for name, transitive in (("memberOf", False), ("transitiveMemberOf", True))
    ),
    Operation("GET", "/groups/{id}/transitiveMembers", permissions.READ_GROUPS, _transitive_members),
    Operation("GET", "/servicePrincipals/{id}/ownedObjects", permissions.READ_APPLICATIONS, _owned),
    Operation("GET", "/users/{id}/manager", permissions.READ_USERS, _manager_of),
    Operation("PUT", "/users/{id}/manager/$ref", permissions.WRITE_USERS, _set_manager),
    Operation("DELETE", "/users/{id}/manager/$ref", permissions.WRITE_USERS, _set_manager),
    Operation("GET", "/directoryObjects/{id}", permissions.READ_DIRECTORY, _read_any),
    Operation("POST", "/directoryObjects/getByIds", permissions.READ_DIRECTORY, _get_by_ids),
)
