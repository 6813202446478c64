"""Authentication: whose tokens are taken, and what is taken from them (Envoy's `jwt_authn`, delivered by ECDS).

A new version of this filter starts with an empty token cache: a key that was removed verifies nothing any more,
although Envoy's cache alone would outlive it.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from lakelatch.envoy.clusters import ENDPOINTS
from lakelatch.envoy.config import GatewayConfig, GatewayPeople, TrustedIssuer
from lakelatch.envoy.expressions import CLAIMS_METADATA
from lakelatch.envoy.identity import ISSUER_HEADER, PEOPLE_HEADER, SUBJECT_HEADER, TOKEN_ID_HEADER, USER_HEADER
from lakelatch.envoy.runtime import Json, Runtime, any_of

FILTER_NAME: Final = "lakelatch.authentication"
FILTER_TYPE: Final = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication"

CLOCK_SKEW_SECONDS: Final = 30
"""Leeway for `exp` and `nbf`. Hosts with NTP are within a second; more only prolongs tokens."""
CACHED_TOKENS: Final = 10_000
"""Verified tokens that each Envoy worker remembers: one per service at the most services one gateway serves.

One of 1 KiB takes 10 KiB, from its first use on.
"""
CACHED_TOKEN_BYTES: Final = 8192
"""Longest token to remember. Entra tokens with 200 groups are near 8 KiB; Envoy's default of 4 KiB would miss them."""

PUBLIC_PATHS: Final[Mapping[str, str]] = {
    "/.well-known/databricks-config": "GET",
    "/oidc/.well-known/oauth-authorization-server": "GET",
    "/.well-known/openid-configuration": "GET",
    "/.well-known/jwks.json": "GET",
    "/oidc/v1/token": "POST",
    "/healthz": "GET",
    "/readyz": "GET",
}
"""Exact paths whose routes leave authentication out, each with its one method: discovery, public keys, the token
endpoint, and health."""
_ORDERS: Final = (
    ("typ", "alg", "kid"),
    ("alg", "kid", "typ"),
    ("alg", "kid"),
    ("kid", "alg"),
    ("alg", "typ", "kid"),
    ("kid", "typ", "alg"),
    ("kid", "alg", "typ"),
    ("typ", "kid", "alg"),
)
"""Members of JOSE headers in the orders in which issuers write them, usual ones first."""
PROBES: Final = frozenset({"/healthz", "/readyz"})
"""Those of them that tell the gateway's health."""


def authentication(config: GatewayConfig, runtime: Runtime) -> Json:
    """Compile the filter: a provider per issuer, and rules that end in one for every path."""
    keys = {
        name: [key for key in published if key["kid"] not in runtime.revoked_keys]
        for name, published in runtime.keys.items()
    }
    claims = any("claims" in text for rule in config.rules.values() for text in (str(rule.deny), str(rule.require)))
    with_token_id = bool(runtime.revoked_token_ids)
    # Envoy refuses a provider without keys, and with it the whole filter: the one before would stay in force.
    issuers = {
        name: _of_issuer(config, name, keys[name], with_token_id=with_token_id, with_claims=claims)
        for name in config.issuers
        if keys.get(name)
    }
    providers = {name: provider for found in issuers.values() for name, provider in found.items()}
    rules = []
    if not providers:
        providers = {"nobody": _nobody()}
    if len(issuers) > 1 or config.people:
        rules = _header_rules({name: _rows(config, name, keys[name], found) for name, found in issuers.items()})
    requirement = _required(providers)
    # A request that meets no rule would need no token: the last rule meets every one.
    rules.append({"match": {"prefix": "/"}, "requires": requirement})
    return any_of(FILTER_TYPE, {"providers": providers, "rules": rules})


def _required(providers: Iterable[str]) -> Json:
    """One of these providers has to take the token."""
    names = [{"provider_name": name} for name in providers]
    return names[0] if len(names) == 1 else {"requires_any": {"requirements": names}}


def _of_issuer(config: GatewayConfig, name: str, keys: Sequence[Json], **options: bool) -> dict[str, Json]:
    """The providers of one issuer: for services, and for people, whose tokens are made out to another audience.

    That of services comes first, so that people cost them nothing.
    """
    issuer, people = config.issuers[name], config.people.get(name)
    services = [] if people is not None and people.audience == issuer.audience else [(name, None)]
    of_people = [] if people is None else [(f"people of {name}", people)]
    return {one: _provider(issuer, keys, people, **options) for one, people in (*services, *of_people)}


def _provider(
    issuer: TrustedIssuer,
    keys: Sequence[Json],
    people: GatewayPeople | None,
    *,
    with_token_id: bool,
    with_claims: bool,
) -> Json:
    token_id = [{"header_name": TOKEN_ID_HEADER, "claim_name": "jti"}] if with_token_id else []
    if people is None:
        told = {SUBJECT_HEADER: issuer.subject_claim, ISSUER_HEADER: "iss"}
    else:
        told = {SUBJECT_HEADER: "sub", USER_HEADER: people.user_claim, PEOPLE_HEADER: "iss"}
    return {
        "issuer": issuer.issuer,
        "audiences": [issuer.audience if people is None else people.audience],
        "require_expiration": True,
        "clock_skew_seconds": CLOCK_SKEW_SECONDS,
        # Envoy has no list of allowed algorithms: the keys decide, each pinned to one `alg` (RFC 8725 §3.1).
        "local_jwks": {"inline_string": json.dumps({"keys": list(keys)}, sort_keys=True)},
        # By default Envoy takes a token from the query as well, where it ends in logs (RFC 6750 §5.3).
        "from_headers": [{"name": "authorization", "value_prefix": "Bearer "}],
        # A person's own token is what is exchanged: the filter that exchanges it takes it away.
        "forward": people is not None,
        "claim_to_headers": [{"header_name": header, "claim_name": claim} for header, claim in told.items()] + token_id,
        # Copied only where a rule speaks of claims: it costs more than all the rest of the decision.
        **({"payload_in_metadata": CLAIMS_METADATA[1]} if with_claims else {}),
        "clear_route_cache": True,
        "jwt_cache_config": {"jwt_cache_size": CACHED_TOKENS, "jwt_max_token_size": CACHED_TOKEN_BYTES},
    }


def _nobody() -> Json:
    """A provider that takes no token: no issuer has this name (RFC 2606 §2), so its keys are never asked for."""
    uri = {"uri": "http://nobody.invalid/", "cluster": ENDPOINTS, "timeout": "1s"}
    return {"issuer": "https://nobody.invalid", "remote_jwks": {"http_uri": uri}}


_Row = tuple[Json, tuple[Json, ...], Json]
"""A published key, what a header has to hold beside its beginning, and the providers that are asked then."""


def _rows(config: GatewayConfig, name: str, keys: Sequence[Json], providers: Iterable[str]) -> list[_Row]:
    """What picks the providers of an issuer; those of people first where a token looks like theirs.

    Envoy remembers what a provider has taken and not what it has refused, so asking the wrong one first costs as much
    as all the rest of a request.
    """
    usual, people = list(providers), config.people.get(name)
    # The end of a claim cannot be told from what goes on: a longer audience of services would look the same.
    alike = people is None or config.issuers[name].audience.startswith(people.audience)
    looks = () if people is None or alike else _looks_made_out_to(people.audience)
    rows = [(key, (look,), _required(reversed(usual))) for key in keys for look in looks]
    return rows + [(key, (), _required(usual)) for key in keys]


def _looks_made_out_to(audience: str) -> tuple[Json, ...]:
    """Matches of a header with this claim in base64url, in each place that it can have among groups of three bytes."""
    claim = f'"aud":{json.dumps(audience)}'.encode()
    found = []
    for before, first in ((0, 0), (1, 2), (2, 3)):
        # What depends on the bytes before and after is left out (RFC 4648 §4).
        encoded = base64.urlsafe_b64encode(bytes(before) + claim).decode()
        within = encoded[first : (before + len(claim)) * 8 // 6]
        found.append({"name": "authorization", "string_match": {"contains": within}})
    return tuple(found)


def _header_rules(issuers: Mapping[str, Sequence[_Row]]) -> list[Json]:
    """Pick an issuer's providers by how the token begins, which is quicker than asking one after the other.

    The beginning is the JOSE header, constant for a key. It only picks: the provider verifies everything. A header that
    is written in another order meets the last rule instead.
    """
    # Rules are asked in turn: what issuers write most comes first, for every key.
    return [
        {"match": {"prefix": "/", "headers": [_begins(key, order), *beside]}, "requires": requirement}
        for order in _ORDERS
        for rows in issuers.values()
        for key, beside, requirement in rows
    ]


def _begins(key: Json, order: Sequence[str]) -> Json:
    return {"name": "authorization", "string_match": {"prefix": f"Bearer {_header(key, order)}."}}


def _header(key: Json, order: Sequence[str]) -> str:
    """A JOSE header as issuers write it: without spaces."""
    members = {"alg": key["alg"], "kid": key["kid"], "typ": "JWT"}
    text = json.dumps({name: members[name] for name in order}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
