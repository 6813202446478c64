"""For Envoy Gateway 1.3 and newer: HTTPRoute for what is asked, SecurityPolicy for who asks.

A rule of a SecurityPolicy knows no paths, so there is an HTTPRoute for every set of services that may do the same, and
a policy attached to it. What no route fits is answered 404. Paths with variables are regular expressions, which Envoy
Gateway matches whole and without a limit on their size. Fields as in gateway.envoyproxy.io, `docs/api/extension_types`
(`jwt`, `authorization`) and gateway-api.sigs.k8s.io, HTTPRoute v1.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from lakelatch.access.actions import Request
from lakelatch.envoy.authentication import PUBLIC_PATHS
from lakelatch.envoy.config import GatewayConfig, TrustedIssuer
from lakelatch.mesh.grants import Export, Json, LeftOut, grants, left_out, shadowed
from lakelatch.mesh.notes import COMMON

PROVIDERS: Final = 4
"""`jwt.providers` of a SecurityPolicy, at most."""
VALUES: Final = 128
"""`claims.values` of a principal, at most."""
MATCHES: Final = 64
"""`matches` of an HTTPRoute's rule, at most."""
PATH_CHARACTERS: Final = 1024
"""`path.value` of an HTTPRoute, at most."""
BACKEND: Final = "lakelatch-gateway"

NOTES: Final = (
    *COMMON,
    "a token without `exp` is taken: Envoy Gateway cannot require one; every issuer here must put it into its tokens",
)
_GATEWAY_API: Final = "gateway.networking.k8s.io"
_EXTENSIONS: Final = "gateway.envoyproxy.io"


def envoy_gateway(config: GatewayConfig, *, gateway: str, namespace: str, jwks_uris: Mapping[str, str]) -> Export:
    """Export authentication and roles; `gateway` is the name of the Gateway that the routes are attached to."""
    keys = {name: _keys(issuer, jwks_uris.get(name)) for name, issuer in config.issuers.items()}
    trusted = [name for name in sorted(keys) if keys[name]][:PROVIDERS]
    found = grants(config.policy)
    refused = {
        name: "its issuer's keys have no known address; name it with --jwks-uri"
        if not keys[service.issuer]
        else f"its issuer is beyond the first {PROVIDERS} that a SecurityPolicy can have"
        for name, service in config.services.items()
        if service.issuer not in trusted
    }
    missing = [*found.left_out, *(LeftOut(name, "", "", reason) for name, reason in refused.items())]
    hidden = shadowed(found)
    routes: dict[tuple[str, ...], list[Request]] = defaultdict(list)
    for request, everybody in found.services.items():
        services = everybody - refused.keys()
        if reason := _unsayable(request, request in hidden):
            missing += left_out(found, request, services, reason)
        elif services:
            routes[tuple(sorted(services))].append(request)
    documents = [*_backend(config), _public(config)]
    for names, requests in sorted(routes.items()):
        for part in _parts(requests, MATCHES):
            number = len(documents)
            name = f"lakelatch-route-{number}"
            documents.append(_route(config, name, [_match(request) for request in part]))
            documents.append(_policy(config, name, names, {issuer: keys[issuer] for issuer in trusted}))
    for document in documents:
        document["metadata"]["namespace"] = namespace
        if document["kind"] == "HTTPRoute":
            document["spec"]["parentRefs"] = [{"name": gateway}]
    return Export(tuple(documents), tuple(sorted(missing)), NOTES)


def _keys(issuer: TrustedIssuer, uri: str | None) -> Json:
    """Where the keys are; Envoy Gateway does not read an issuer's discovery document."""
    if issuer.jwks_json is not None:
        return {"localJWKS": {"type": "Inline", "inline": issuer.jwks_json}}
    uri = uri or issuer.jwks_uri
    return {"remoteJWKS": {"uri": uri}} if uri else {}


def _unsayable(request: Request, hidden: bool) -> str | None:
    if hidden:
        return "its pattern also fits a more specific request that not all of its services may send"
    if len(request.path_pattern or request.path) > PATH_CHARACTERS:
        return f"its pattern is longer than {PATH_CHARACTERS} characters"
    return None


def _parts(requests: Sequence[Request], most: int) -> Iterator[Sequence[Request]]:
    for start in range(0, len(requests), most):
        yield requests[start : start + most]


def _match(request: Request) -> Json:
    pattern = request.path_pattern
    kind, value = ("Exact", request.path) if pattern is None else ("RegularExpression", pattern)
    return {"path": {"type": kind, "value": value}, "method": request.method}


def _route(config: GatewayConfig, name: str, matches: list[Json]) -> Json:
    backend = {"group": _EXTENSIONS, "kind": "Backend", "name": BACKEND}
    return {
        "apiVersion": f"{_GATEWAY_API}/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {
            "hostnames": [urlsplit(config.host).hostname],
            # The workspace's own limits: no time is too long for a statement.
            "rules": [{"matches": matches, "backendRefs": [backend], "timeouts": {"request": "0s"}}],
        },
    }


def _policy(config: GatewayConfig, route: str, services: Sequence[str], keys: Mapping[str, Json]) -> Json:
    providers = [
        {
            "name": name,
            "issuer": config.issuers[name].issuer,
            "audiences": [config.issuers[name].audience],
            # By itself Envoy Gateway takes a token from the query as well, where it ends in logs (RFC 6750 §5.3).
            "extractFrom": {"headers": [{"name": "Authorization", "valuePrefix": "Bearer "}]},
            **found,
        }
        for name, found in keys.items()
    ]
    subjects: dict[str, list[str]] = defaultdict(list)
    for name in services:
        subjects[config.services[name].issuer].append(config.services[name].subject)
    rules = [
        {"name": f"{issuer}-{start}", "action": "Allow", "principal": {"jwt": {"provider": issuer, "claims": [claim]}}}
        for issuer, values in sorted(subjects.items())
        for start in range(0, len(values), VALUES)
        for claim in [
            {
                "name": config.issuers[issuer].subject_claim,
                "valueType": "String",
                "values": sorted(values)[start : start + VALUES],
            }
        ]
    ]
    return {
        "apiVersion": f"{_EXTENSIONS}/v1alpha1",
        "kind": "SecurityPolicy",
        "metadata": {"name": route},
        "spec": {
            "targetRefs": [{"group": _GATEWAY_API, "kind": "HTTPRoute", "name": route}],
            "jwt": {"providers": providers},
            "authorization": {"defaultAction": "Deny", "rules": rules},
        },
    }


def _public(config: GatewayConfig) -> Json:
    matches = [{"path": {"type": "Exact", "value": path}, "method": method} for path, method in PUBLIC_PATHS.items()]
    return _route(config, "lakelatch-public", matches)


def _backend(config: GatewayConfig) -> list[Json]:
    """Where the gateway behind is; a stub, since its address inside the cluster is not in the model."""
    host = urlsplit(config.host).hostname
    backend = {"fqdn": {"hostname": "lakelatch-gateway.lakelatch.svc.cluster.local", "port": config.listen.port}}
    documents: list[Json] = [
        {
            "apiVersion": f"{_EXTENSIONS}/v1alpha1",
            "kind": "Backend",
            "metadata": {"name": BACKEND},
            "spec": {"endpoints": [backend]},
        }
    ]
    if config.listen.tls is not None:
        documents.append(
            {
                "apiVersion": f"{_GATEWAY_API}/v1",
                "kind": "BackendTLSPolicy",
                "metadata": {"name": BACKEND},
                "spec": {
                    "targetRefs": [{"group": _EXTENSIONS, "kind": "Backend", "name": BACKEND}],
                    "validation": {"hostname": host, "wellKnownCACertificates": "System"},
                },
            }
        )
    return documents
