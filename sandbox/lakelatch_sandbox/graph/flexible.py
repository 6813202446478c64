"""Flexible federated identity credentials: an expression over the assertion's claims in place of one subject. Pure.

Grammar and issuers: learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials.
`claims['<name>'] eq|matches '<comparand>'`, joined with `and`; in `matches`, `*` stands for any text and `?` for one
character.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

LANGUAGE_VERSION = 1

ISSUERS: Mapping[str, frozenset[str]] = {
    "https://token.actions.githubusercontent.com": frozenset({"sub", "job_workflow_ref"}),
    "https://gitlab.com": frozenset({"sub"}),
    "https://app.terraform.io": frozenset({"sub"}),
}
"""The issuers for which expressions are allowed, with the claims that may be asked about."""

_SANDBOX_ISSUERS: Mapping[str, str] = {
    "github": "https://token.actions.githubusercontent.com",
    "gitlab": "https://gitlab.com",
    "terraform": "https://app.terraform.io",
}
"""Last path segments of the sandbox's own doubles of these issuers, which stand for them."""

_CLAUSE = re.compile(
    r"\s*claims\['(?P<claim>[A-Za-z_][\w.-]*)'\]\s+(?P<operator>eq|matches)\s+'(?P<comparand>[^']*)'\s*", re.ASCII
)
_LONGEST = 600


@dataclass(frozen=True)
class Clause:
    """One comparison of one claim."""

    claim: str
    operator: Literal["eq", "matches"]
    comparand: str

    def holds(self, claims: Mapping[str, Any]) -> bool:
        """Whether an assertion's claim satisfies it; text is compared to the letter."""
        found = claims.get(self.claim)
        if not isinstance(found, str):
            return False
        if self.operator == "eq":
            return found == self.comparand
        parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in self.comparand)
        return re.fullmatch("".join(parts), found, re.DOTALL) is not None


def parse(expression: object) -> tuple[Clause, ...]:
    """The clauses of an expression, all of which must hold; raises `ValueError` that says what is wrong."""
    if not isinstance(expression, str) or not 1 <= len(expression) <= _LONGEST:
        raise ValueError(f"the expression must be text of 1 to {_LONGEST} characters")
    clauses: list[Clause] = []
    position = 0
    while True:
        matched = _CLAUSE.match(expression, position)
        if matched is None:
            raise ValueError(f"the expression is not understood at position {position}")
        operator: Literal["eq", "matches"] = "eq" if matched["operator"] == "eq" else "matches"
        clauses.append(Clause(matched["claim"], operator, matched["comparand"]))
        position = matched.end()
        if position == len(expression):
            return tuple(clauses)
        if not expression.startswith("and ", position) or not expression[position - 1].isspace():
            raise ValueError(f"the expression is not understood at position {position}")
        position += len("and ")


def _vendor(issuer: str) -> str:
    parts = urlsplit(issuer)
    if parts.hostname == "127.0.0.1":
        return _SANDBOX_ISSUERS.get(parts.path.rstrip("/").rsplit("/", 1)[-1], issuer)
    return issuer


def is_supported_issuer(issuer: str) -> bool:
    """Whether expressions are allowed for an issuer."""
    return _vendor(issuer) in ISSUERS


def allowed_claims(issuer: str) -> frozenset[str]:
    """The claims that an expression for this issuer may ask about."""
    return ISSUERS.get(_vendor(issuer), frozenset())
