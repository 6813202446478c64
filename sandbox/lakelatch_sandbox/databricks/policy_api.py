"""Federation policies of the account and of service principals: create, read, update, delete, list."""

import asyncio
import datetime
import json
import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import policy_rules
from lakelatch_sandbox.databricks.audit import Audit
from lakelatch_sandbox.databricks.directory import Directory, policies_kind
from lakelatch_sandbox.databricks.errors import ApiError, invalid
from lakelatch_sandbox.databricks.requests import json_object, whole_number
from lakelatch_sandbox.store import Document, Store

CREATE_SECONDS = 0.05
"""How long a create takes. Two that overlap on one service principal race, and the later one fails, as the vendor's
do (terraform-provider-databricks#5826): who creates several must do so one after another."""


class PolicyApi:
    """The handlers; the caller has been authenticated as an account administrator."""

    def __init__(self, store: Store, directory: Directory, clock: Clock, account_id: str, audit: Audit) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._account_id = account_id
        self._audit = audit
        self._creating: set[str] = set()

    def _owner(self, request: Request) -> str | None:
        """The service principal in the path, None on the account's own paths; raises `ApiError` 404."""
        principal_id: str | None = request.path_params.get("principal_id")
        if principal_id is not None and self._directory.get(principal_id) is None:
            raise ApiError(404, "NOT_FOUND", f"Service principal {principal_id} does not exist.")
        return principal_id

    def _find(self, request: Request) -> tuple[str, Document]:
        kind = policies_kind(self._owner(request))
        policy_id = request.path_params["policy_id"]
        policy = self._store.get(kind, policy_id)
        if policy is None:
            raise ApiError(404, "NOT_FOUND", f"Federation policy '{policy_id}' does not exist.")
        return kind, policy

    def _record(self, request: Request, action: str, owner: str | None, policy: Document) -> None:
        """With the policy's body, which the vendor's log has too."""
        kind = "AccountFederationPolicy" if owner is None else "ServicePrincipalFederationPolicy"
        params = {
            "policy_id": policy["policy_id"],
            "service_principal_id": owner,
            "oidc_policy": json.dumps(policy["oidc_policy"]),
        }
        by = request.state.caller.name
        self._audit.record(request, "oauth2", f"{action}{kind}", by=by, params=params, on_account=True)

    def _now(self) -> str:
        return datetime.datetime.fromtimestamp(self._clock.now(), datetime.UTC).isoformat().replace("+00:00", "Z")

    async def create(self, request: Request) -> Response:
        """`POST .../federationPolicies[?policy_id=...]`."""
        owner = self._owner(request)
        body = await json_object(request)
        policy_id = request.query_params.get("policy_id") or str(uuid.uuid4())
        policy_rules.check_policy_id(policy_id)
        oidc = policy_rules.check_oidc_policy(body.get("oidc_policy"), of_service_principal=owner is not None)
        kind = policies_kind(owner)
        if owner is not None:
            if owner in self._creating:
                raise ApiError(409, "ABORTED", "Operation aborted due to concurrent modification. Please retry.")
            self._creating.add(owner)
            try:
                await asyncio.sleep(CREATE_SECONDS)
            finally:
                self._creating.discard(owner)
            self._owner(request)
        if self._store.get(kind, policy_id) is not None:
            raise ApiError(409, "ALREADY_EXISTS", f"Federation policy '{policy_id}' already exists.")
        refusal = policy_rules.too_many(self._store.count(kind))
        if refusal is not None:
            raise refusal
        now = self._now()
        parent = f"accounts/{self._account_id}" + ("" if owner is None else f"/servicePrincipals/{owner}")
        policy: Document = {
            "name": f"{parent}/federationPolicies/{policy_id}",
            "uid": str(uuid.uuid4()),
            "policy_id": policy_id,
            "create_time": now,
            "update_time": now,
            # echoed exactly: a field that the server adds or reorders is a perpetual difference for the plugin
            "oidc_policy": oidc,
        }
        if body.get("description") is not None:
            policy["description"] = _description(body)
        if owner is not None:
            policy["service_principal_id"] = int(owner)
        self._record(request, "create", owner, policy)
        return JSONResponse(self._store.put(kind, policy_id, policy))

    async def read(self, request: Request) -> Response:
        """`GET .../federationPolicies/{policy_id}`."""
        return JSONResponse(self._find(request)[1])

    async def update(self, request: Request) -> Response:
        """`PATCH .../federationPolicies/{policy_id}[?update_mask=...]`."""
        body = await json_object(request)
        kind, policy = self._find(request)
        result = policy_rules.updated(policy, body, request.query_params.get("update_mask"))
        policy_rules.check_oidc_policy(result.get("oidc_policy"), of_service_principal="service_principal_id" in policy)
        if "description" in result:
            _description(result)
        result["update_time"] = self._now()
        self._record(request, "update", request.path_params.get("principal_id"), result)
        return JSONResponse(self._store.put(kind, policy["policy_id"], result))

    async def delete(self, request: Request) -> Response:
        """`DELETE .../federationPolicies/{policy_id}`."""
        kind, policy = self._find(request)
        self._store.delete(kind, policy["policy_id"])
        self._record(request, "delete", request.path_params.get("principal_id"), policy)
        return JSONResponse({})

    async def list(self, request: Request) -> Response:
        """`GET .../federationPolicies`; pages as the vendor's, the token is the next index."""
        policies = [*self._store.all(policies_kind(self._owner(request)))]
        first = whole_number(request, "page_token", 0, least=0, most=len(policies))
        size = whole_number(request, "page_size", 100, least=1, most=1000)
        answer: dict[str, Any] = {"policies": policies[first : first + size]}
        if first + size < len(policies):
            answer["next_page_token"] = str(first + size)
        return JSONResponse(answer)


def _description(body: dict[str, Any]) -> str:
    description = body["description"]
    if not isinstance(description, str) or len(description) > policy_rules.MAX_TEXT:
        raise invalid("description must be a string")
    return description
