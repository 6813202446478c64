"""What the documents look like, as far as an export uses it: from the reference pages of Istio 1.24
(`reference/config/security`), Envoy Gateway 1.3 (`docs/api/extension_types`) and Gateway API 1.2 (`reference/spec`)."""

from typing import Any


def closed(required: list[str] | None = None, **properties: Any) -> dict[str, Any]:
    """An object with these keys and no others."""
    needed = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": needed, "additionalProperties": False}


def listed(items: Any, most: int, least: int = 1) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def document(version: str, kind: str, spec: Any) -> dict[str, Any]:
    name = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 253}
    metadata = closed(["name", "namespace"], name=name, namespace=name, annotations={"type": "object"})
    return closed(apiVersion={"const": version}, kind={"const": kind}, metadata=metadata, spec=spec)


TEXT = {"type": "string", "minLength": 1}
METHOD = {"enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]}
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
TARGET = closed(group={"const": "gateway.networking.k8s.io"}, kind=TEXT, name=TEXT)
TEXTS = listed(TEXT, 10_000)

JWT_RULE = closed(
    ["issuer", "audiences", "fromHeaders"],
    issuer=TEXT,
    audiences=TEXTS,
    jwksUri={"type": "string", "pattern": "^https://"},
    jwks=TEXT,
    fromHeaders=listed(closed(name=TEXT, prefix=TEXT), 1),
    forwardOriginalToken={"type": "boolean"},
)
ISTIO_RULE = closed(
    [],
    **{"from": listed(closed(source=closed(requestPrincipals=TEXTS)), 512)},
    to=listed(closed(operation=closed(methods=listed(METHOD, 6), paths=TEXTS)), 512),
    when=listed(closed(key={"type": "string", "pattern": r"^request\.auth\.claims\[[^\[\]]+\]$"}, values=TEXTS), 10),
)
PATH = closed(type={"enum": ["Exact", "RegularExpression"]}, value={"type": "string", "maxLength": 1024})
ROUTE_RULE = closed(
    matches=listed(closed(path=PATH, method=METHOD), 64),
    backendRefs=listed(closed(group=TEXT, kind=TEXT, name=TEXT), 16),
    timeouts=closed(request={"const": "0s"}),
)
CLAIM = closed(name=TEXT, valueType={"const": "String"}, values=listed(TEXT, 128))
EG_RULE = closed(
    name=TEXT,
    action={"enum": ["Allow", "Deny"]},
    principal=closed(jwt=closed(provider=TEXT, claims=listed(CLAIM, 16))),
)
LOCAL = closed(type={"const": "Inline"}, inline=TEXT)
REMOTE = closed(uri={"type": "string", "pattern": "^https://", "maxLength": 253})
HEADERS = listed(closed(name=TEXT, valuePrefix=TEXT), 1)
PROVIDER = {
    **closed(
        ["name", "issuer", "audiences", "extractFrom"],
        name={"type": "string", "maxLength": 253},
        issuer={"type": "string", "maxLength": 253},
        audiences=listed(TEXT, 8),
        extractFrom=closed(headers=HEADERS),
        localJWKS=LOCAL,
        remoteJWKS=REMOTE,
    ),
    "oneOf": [{"required": ["localJWKS"]}, {"required": ["remoteJWKS"]}],
}
BY_KIND = {
    "RequestAuthentication": document(
        "security.istio.io/v1",
        "RequestAuthentication",
        closed(jwtRules=listed(JWT_RULE, 4096), targetRefs=listed(TARGET, 16)),
    ),
    "AuthorizationPolicy": document(
        "security.istio.io/v1",
        "AuthorizationPolicy",
        closed(
            ["action", "targetRefs"],
            action={"const": "ALLOW"},
            rules=listed(ISTIO_RULE, 512),
            targetRefs=listed(TARGET, 16),
        ),
    ),
    "HTTPRoute": document(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        closed(hostnames=TEXTS, parentRefs=listed(closed(name=TEXT), 32), rules=listed(ROUTE_RULE, 16)),
    ),
    "SecurityPolicy": document(
        "gateway.envoyproxy.io/v1alpha1",
        "SecurityPolicy",
        closed(
            targetRefs=listed(TARGET, 16),
            jwt=closed(providers=listed(PROVIDER, 4)),
            authorization=closed(defaultAction={"const": "Deny"}, rules=listed(EG_RULE, 10_000)),
        ),
    ),
    "Backend": document(
        "gateway.envoyproxy.io/v1alpha1",
        "Backend",
        closed(endpoints=listed(closed(fqdn=closed(hostname=TEXT, port=PORT)), 64)),
    ),
    "BackendTLSPolicy": document(
        "gateway.networking.k8s.io/v1",
        "BackendTLSPolicy",
        closed(
            targetRefs=listed(closed(group=TEXT, kind=TEXT, name=TEXT), 16),
            validation=closed(hostname=TEXT, wellKnownCACertificates={"const": "System"}),
        ),
    ),
}
