"""For Istio 1.22 and newer: RequestAuthentication and AuthorizationPolicy on a Gateway (`targetRefs`).

Fields as in istio.io, `reference/config/security`: `jwt`, `authorization-policy` and `conditions`. Policies that allow
are joined; where one is attached, what none of them allows is refused.

A path with a variable cannot be said exactly. `*` fits any number of segments. `{*}` fits `..;`, `a;b` and escaped dots
as well (Envoy, `uri_template_internal.cc`: every `pchar`), which servers behind may read as another path.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from lakelatch.access.actions import Request
from lakelatch.envoy.authentication import PUBLIC_PATHS
from lakelatch.envoy.config import GatewayConfig, TrustedIssuer
from lakelatch.mesh.grants import Export, Json, LeftOut, grants, left_out
from lakelatch.mesh.notes import COMMON

SPLIT_CLAIMS: Final = frozenset({"scope", "permission"})
"""Istio splits these at blanks: then one value of several would do."""
_VARIABLE: Final = "its path has a variable, which Istio's globs and `{*}` fit more than"

NOTES: Final = (
    *COMMON,
    "a token without `exp` is taken: Istio cannot require one; every issuer here must put it into its tokens",
)


def istio(config: GatewayConfig, *, gateway: str, namespace: str, jwks_uris: Mapping[str, str]) -> Export:
    """Export authentication and roles; `gateway` is the name of the Gateway that the policies are attached to."""
    found = grants(config.policy)
    by_service: dict[str, list[Request]] = defaultdict(list)
    missing = list(found.left_out)
    for request, services in found.services.items():
        if request.path_pattern is not None:
            missing += left_out(found, request, services, _VARIABLE)
            continue
        for name in services:
            by_service[name].append(request)
    documents = [_authentication(config, jwks_uris), _policy("lakelatch", []), _policy("lakelatch-public", _public())]
    for number, name in enumerate(sorted(by_service)):
        service = config.services[name]
        issuer = config.issuers[service.issuer]
        if reason := _unsayable(issuer):
            missing.append(LeftOut(name, "", "", reason))
            continue
        rule = {**_who(issuer, service.subject), "to": _operations(by_service[name])}
        documents.append(_policy(f"lakelatch-service-{number}", [rule], name))
    target = [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway}]
    for document in documents:
        document["metadata"]["namespace"] = namespace
        document["spec"]["targetRefs"] = target
    return Export(tuple(documents), tuple(sorted(missing)), NOTES)


def _authentication(config: GatewayConfig, jwks_uris: Mapping[str, str]) -> Json:
    rules = []
    for name, issuer in config.issuers.items():
        rule = {
            "issuer": issuer.issuer,
            "audiences": [issuer.audience],
            # By itself Istio takes a token from the query as well, where it ends in logs (RFC 6750 §5.3).
            "fromHeaders": [{"name": "Authorization", "prefix": "Bearer "}],
            # The gateway behind verifies it again.
            "forwardOriginalToken": True,
        }
        if issuer.jwks_json is not None:
            rule["jwks"] = issuer.jwks_json
        elif uri := jwks_uris.get(name) or issuer.jwks_uri:
            rule["jwksUri"] = uri
        rules.append(rule)
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "RequestAuthentication",
        "metadata": {"name": "lakelatch"},
        "spec": {"jwtRules": rules},
    }


def _policy(name: str, rules: list[Json], service: str = "") -> Json:
    """Allow what the rules say; without rules, nothing."""
    annotations = {"annotations": {"lakelatch/service": service}} if service else {}
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": name, **annotations},
        "spec": {"action": "ALLOW", **({"rules": rules} if rules else {})},
    }


def _public() -> list[Json]:
    return [{"to": [{"operation": {"methods": [method], "paths": [path]}} for path, method in PUBLIC_PATHS.items()]}]


def _unsayable(issuer: TrustedIssuer) -> str | None:
    claim = issuer.subject_claim
    if claim in SPLIT_CLAIMS or "[" in claim or "]" in claim:
        return f"Istio cannot compare the claim {claim!r} to the letter"
    if "*" in issuer.issuer:
        return "the issuer's address has a `*`, which means anything to Istio"
    return None


def _who(issuer: TrustedIssuer, subject: str) -> Json:
    """The issuer is asked for by itself: `iss/sub` alone could be divided at another slash."""
    when = [{"key": "request.auth.claims[iss]", "values": [issuer.issuer]}]
    if issuer.subject_claim == "sub":
        return {"from": [{"source": {"requestPrincipals": [f"{issuer.issuer}/{subject}"]}}], "when": when}
    return {"when": [*when, {"key": f"request.auth.claims[{issuer.subject_claim}]", "values": [subject]}]}


def _operations(requests: Iterable[Request]) -> list[Json]:
    paths: dict[str, list[str]] = defaultdict(list)
    for request in requests:
        paths[request.method].append(request.path)
    return [{"operation": {"methods": [method], "paths": sorted(found)}} for method, found in sorted(paths.items())]
