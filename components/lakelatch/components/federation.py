"""What every federation policy must be, whether it stands for one service principal or for a whole account."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pulumi

from lakelatch.access.key_sets import weaknesses
from lakelatch.access.subjects import SUBJECT
from lakelatch.access.trusts import POLICIES_LIMIT
from lakelatch.components.arguments import is_https
from lakelatch.errors import Finding

_POLICY_ID = re.compile(r"[0-9a-z-]{2,63}")
"""What the live API takes; its own message names the character set even when the length is at fault."""


def policy_findings(
    policies: Mapping[str, Any], owner: str, more: Callable[[Any, str], Iterator[Finding]]
) -> list[Finding]:
    """Everything that is wrong with policies by id; `more`, of a policy and its path, adds what its kind asks for."""
    findings = []
    if not policies:
        findings.append(Finding("policies", "is empty", "name at least one policy; without any, nobody can sign in"))
    if len(policies) > POLICIES_LIMIT:
        expected = f"one {owner} has at most {POLICIES_LIMIT}"
        findings.append(Finding("policies", f"has {len(policies)} entries", expected))
    for policy_id, policy in policies.items():
        at = f"policies.{policy_id}"
        if not _POLICY_ID.fullmatch(policy_id):
            findings.append(Finding(at, "is not a policy id", "use 2 to 63 of 0-9, a-z and hyphen"))
        findings += [*_common(policy, at), *more(policy, at)]
    return findings


def audiences_of(policy: Mapping[str, Any]) -> pulumi.Output[list[str]] | list[str]:
    """A policy's audiences, sorted: a service that gave them back in its own order would show a change."""
    audiences = policy["audiences"]
    if all(isinstance(audience, str) for audience in audiences):
        return sorted(audiences)
    return pulumi.Output.all(*audiences).apply(sorted)


def _common(policy: Mapping[str, Any], at: str) -> Iterator[Finding]:
    if not is_https(policy["issuer"]):
        yield Finding(f"{at}.issuer", "does not begin with https://", "write the issuer's https address, to the letter")
    audiences: Sequence[Any] = policy["audiences"]
    plain = [audience for audience in audiences if isinstance(audience, str)]
    if not audiences or not all(plain):
        found = "has an empty entry" if audiences else "is empty"
        yield Finding(f"{at}.audiences", found, "name what the token must be made out to")
    if len(set(plain)) != len(plain):
        yield Finding(f"{at}.audiences", "names one twice", "keep one")
    if (claim := policy.get("subject_claim")) is not None and not claim.strip():
        yield Finding(f"{at}.subject_claim", "is empty", f"name a claim, or leave it out for {SUBJECT!r}")
    jwks_uri, jwks_json = policy.get("jwks_uri"), policy.get("jwks_json")
    if jwks_uri is not None and jwks_json is not None:
        yield Finding(f"{at}.jwks_uri", "stands beside jwks_json", "keep one of the two; best none, for discovery")
    if jwks_uri is not None and not is_https(jwks_uri):
        yield Finding(f"{at}.jwks_uri", "does not begin with https://", "write the key set's https address")
    for position, reason in weaknesses(jwks_json):
        yield Finding(f"{at}.jwks_json{position}", reason, "publish RSA (2048 bits) or P-256 keys")
