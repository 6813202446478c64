"""Everybody who might take a token: derived from the model, or read from what a stack has really made.

Deployed trusts are exact; those of the model have gaps where a value is known only after `pulumi up`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from lakelatch.access.diagnosis import Part, Verifier
from lakelatch.access.model import AccessModel
from lakelatch.access.trusts import Trust, account_trusts, platform_trust, principal_trust, workload_trust
from lakelatch.access.validation import Location

PRINCIPAL_POLICY: Final = "databricks:index/servicePrincipalFederationPolicy:ServicePrincipalFederationPolicy"
ACCOUNT_POLICY: Final = "databricks:index/accountFederationPolicy:AccountFederationPolicy"
ENTRA_CREDENTIAL: Final = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"
GATEWAY_CONFIG: Final = "lakelatch-native:index:GatewayConfig"


def of_model(model: AccessModel, *, gateway_leeway_seconds: int = 0) -> Iterator[Verifier]:
    """Everybody who would take a token, as the model says."""
    for service, row in model.services.items():
        places = places_of(model, service)
        policy_id, trust = principal_trust(model, service)
        by_gateway = row.via == "gateway"
        yield Verifier(
            _policy_name(policy_id, service),
            trust,
            "principal",
            service,
            by_gateway,
            places=_gateway_places(service) if by_gateway else places,
        )
        if by_gateway:
            name = f"the gateway, for {service}"
            trust = workload_trust(model, service)
            yield Verifier(name, trust, "gateway", service, False, gateway_leeway_seconds, places)
        if (platform := platform_trust(model, service)) is not None:
            yield Verifier(f"Entra, for {service}", platform, "entra", service, places=_platform_places(model, service))
    for issuer, trust in account_trusts(model):
        users: dict[Part, Location] = {
            "issuer": ("issuers", issuer),
            "audience": ("issuers", issuer, "users", "audience"),
            "subject": ("issuers", issuer, "users", "subject_claim"),
        }
        yield Verifier(_account_name(issuer), trust, "account", places=users)


def of_state(exported: Any, model: AccessModel | None, *, gateway_leeway_seconds: int = 0) -> Iterator[Verifier]:
    """Everybody who takes a token in a stack: `exported` is what `pulumi stack export` gives.

    The model, when there is one, adds which of its lines decide.

    Raises:
        ValueError: when it is no export.

    """
    resources = _resources(exported)
    configs = [_values(row).get("config") for row in resources if row.get("type") == GATEWAY_CONFIG]
    gateways = [config for config in configs if isinstance(config, Mapping)]
    hosts = {config.get("host") for config in gateways}
    services, account = _service_names(model, gateways), model.account.id if model else None
    for row in resources:
        kind, values, name = row.get("type"), _values(row), str(row.get("urn", "")).rpartition("::")[2]
        if kind == PRINCIPAL_POLICY:
            policy_id = _text(values.get("policyId")) or ""
            service = _owner(name, services)
            trust = _trust(values.get("oidcPolicy"), account)
            by_gateway = trust.issuer in hosts
            places = {} if service is None else _gateway_places(service) if by_gateway else places_of(model, service)
            yield Verifier(
                _policy_name(policy_id, service or name), trust, "principal", service, by_gateway, places=places
            )
        elif kind == ACCOUNT_POLICY:
            policy_id = _text(values.get("policyId")) or name
            yield Verifier(_account_name(policy_id), _trust(values.get("oidcPolicy"), account), "account")
        elif kind == ENTRA_CREDENTIAL:
            service = _owner(name, services)
            places = _platform_places(model, service) if service else {}
            yield Verifier(f"Entra, for {service or name}", _trust(values), "entra", service, places=places)
    for config in gateways:
        for service, trust in _gateway_trusts(config):
            places = places_of(model, service)
            name = f"the gateway, for {service}"
            yield Verifier(name, trust, "gateway", service, False, gateway_leeway_seconds, places)


def places_of(model: AccessModel | None, service: str) -> dict[Part, Location]:
    """What in the model decides whose tokens a service's own are."""
    row = model.services.get(service) if model else None
    if row is None:
        return {}
    audience = ("issuers", row.issuer, "audience")
    return {"issuer": ("issuers", row.issuer), "audience": audience, "subject": ("services", service, "workload")}


def _gateway_places(service: str) -> dict[Part, Location]:
    return {"issuer": ("services", service, "via")}


def _platform_places(model: AccessModel | None, service: str) -> dict[Part, Location]:
    row = model.services.get(service) if model else None
    if row is None or row.workload.issuer is None:
        return {}
    return {"issuer": ("issuers", row.workload.issuer), "subject": ("services", service, "workload")}


def _policy_name(policy_id: str, service: str) -> str:
    return f"federation policy '{policy_id}' of {service}"


def _account_name(policy_id: str) -> str:
    return f"account-wide federation policy '{policy_id}'"


def _resources(exported: Any) -> list[Mapping[str, Any]]:
    deployment = exported.get("deployment") if isinstance(exported, Mapping) else None
    if not isinstance(deployment, Mapping):
        raise ValueError("it has no `deployment`; write it with `pulumi stack export`")
    rows = deployment.get("resources") or []
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _values(row: Mapping[str, Any]) -> Mapping[str, Any]:
    values = {**(row.get("inputs") or {}), **(row.get("outputs") or {})}
    return {key: value for key, value in values.items() if value is not None}


def _text(value: Any) -> str | None:
    """A text; None for what is not one, such as a secret's cipher text."""
    return value if isinstance(value, str) else None


def _trust(policy: Any, default_audience: str | None = None) -> Trust:
    """A policy as it was sent; one without audiences takes the account's id (`oauth-federation-policy` page)."""
    row = policy if isinstance(policy, Mapping) else {}
    audiences = row.get("audiences") if isinstance(row.get("audiences"), list) else []
    texts = sorted(one for one in audiences or [default_audience] if isinstance(one, str))
    issuer, subject = _text(row.get("issuer")) or "", _text(row.get("subject")) or None
    claim, keys = _text(row.get("subjectClaim")) or "sub", (_text(row.get("jwksUri")), _text(row.get("jwksJson")))
    return Trust(issuer, tuple(texts), subject, claim, *keys)


def _gateway_trusts(config: Mapping[str, Any]) -> Iterator[tuple[str, Trust]]:
    """What the gateway's configuration says of each service."""
    issuers = config.get("issuers") or {}
    for service, row in (config.get("services") or {}).items():
        issuer = issuers.get(row.get("issuer")) or {}
        audience, claim = _text(issuer.get("audience")), _text(issuer.get("subject_claim")) or "sub"
        audiences = (audience,) if audience else ()
        yield service, Trust(_text(issuer.get("issuer")) or "", audiences, _text(row.get("subject")), claim)


def _service_names(model: AccessModel | None, gateways: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every service that is known, the longest first: one name may end in another's."""
    names = set(model.services) if model else set()
    for config in gateways:
        names |= set(config.get("services") or {})
    return sorted(names, key=lambda name: (-len(name), name))


def _owner(resource: str, services: Iterable[str]) -> str | None:
    """The service that a resource belongs to: before the slash stands its name, alone or after the program's."""
    base = resource.partition("/")[0]
    return next((name for name in services if base == name or base.endswith(f"-{name}")), None)
