"""Members of groups and roles of service principals: one value in a list of a principal is one resource."""

from typing import Final

from lakelatch_sandbox.plugins.databricks_api import DatabricksApi
from lakelatch_sandbox.plugins.databricks_scim import collection, patch, token, values
from lakelatch_sandbox.plugins.spec import Spec, State


def _pair(name: str, module: str, group: tuple[str, str], attribute: str, value: str) -> Spec[DatabricksApi]:
    """A resource that adds one value to a list of a principal: `group` is the input with its id, and its collection."""
    owner_input, of = group

    def identify(id: str) -> State:
        owner, _, found = id.partition("|")
        return {owner_input: owner, value: found}

    async def create(api: DatabricksApi, inputs: State) -> tuple[str, State]:
        where, path = await collection(api, inputs, of)
        body = patch("add", attribute, [{"value": inputs[value]}])
        await where.call("PATCH", f"{path}/{inputs[owner_input]}", body, scim=True)
        id = f"{inputs[owner_input]}|{inputs[value]}"
        # Nobody looks whether it is there: of roles given at the same time, those that were lost are not missed.
        return id, _kept(inputs) | identify(id)

    async def read(api: DatabricksApi, id: str, state: State) -> State | None:
        known = identify(id)
        where, path = await collection(api, state, of)
        query = {"attributes": attribute}
        document = await where.call("GET", f"{path}/{known[owner_input]}", query=query, scim=True, missing=True)
        if document is None or known[value] not in values(document, attribute):
            return None
        return _kept(state) | known

    async def delete(api: DatabricksApi, id: str, state: State) -> None:
        known = identify(id)
        where, path = await collection(api, state, of)
        body = patch("remove", f'{attribute}[value eq "{known[value]}"]')
        await where.call("PATCH", f"{path}/{known[owner_input]}", body, scim=True, missing=True)

    return Spec(
        type=token(name),
        module=module,
        create=create,
        read=read,
        delete=delete,
        identify=identify,
    )


def _kept(state: State) -> State:
    """What the vendor never tells."""
    return {name: state[name] for name in ("api", "providerConfig") if name in state}


SPECS: Final[tuple[Spec[DatabricksApi], ...]] = (
    _pair("GroupMember", "group_member", ("groupId", "Groups"), "members", "memberId"),
    _pair(
        "ServicePrincipalRole",
        "service_principal_role",
        ("servicePrincipalId", "ServicePrincipals"),
        "roles",
        "role",
    ),
)
