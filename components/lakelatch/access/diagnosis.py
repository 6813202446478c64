"""Why a token is taken or refused: compared with everybody who might take it, in the order in which they look.

algorithm ► issuer ► audience ► subject ► times: the first that differs is the reason. Signatures are not checked here.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeGuard

from lakelatch.access.algorithms import ACCEPTED, ALGORITHMS
from lakelatch.access.differences import issuer_hint, subject_hint, texts_differ
from lakelatch.access.tokens import Token, audiences
from lakelatch.access.trusts import Trust
from lakelatch.access.validation import Location

Part = Literal["algorithm", "issuer", "audience", "subject", "time"]
PARTS: Final[tuple[Part, ...]] = ("algorithm", "issuer", "audience", "subject", "time")


@dataclass(frozen=True)
class Verifier:
    """Somebody who might take a token."""

    name: str
    """For people, as in `federation policy 'lakelatch-workload' of etl-deploy`."""
    trust: Trust
    kind: Literal["principal", "account", "gateway", "entra"]
    """Whose it is: a service principal, the account (any user), the gateway, or Entra (a federated credential)."""
    service: str | None = None
    """The service it stands for."""
    of_gateway: bool = False
    """It trusts the gateway's own tokens, which no workload has."""
    leeway_seconds: int = 0
    """Clock skew that it tolerates."""
    places: Mapping[Part, Location] = field(default_factory=dict)
    """Part to the place in the model that decides it."""


@dataclass(frozen=True)
class Difference:
    """The first thing for which a token is refused."""

    part: Part
    found: str
    """What the token has and what is wanted."""
    change: str
    """What would make it fit."""


@dataclass(frozen=True)
class Verdict:
    """What one verifier makes of a token."""

    verifier: Verifier
    difference: Difference | None
    later: Part | None = None
    """The first part that is known only after `pulumi up`, so that it cannot be compared yet."""

    @property
    def matches(self) -> bool:
        """Everything agrees, as far as it can be known without the signature."""
        return self.difference is None and self.later is None

    @property
    def agreed(self) -> int:
        """How many parts agree before the first that differs."""
        return len(PARTS) if self.difference is None else PARTS.index(self.difference.part)


def diagnose(token: Token, verifiers: Iterable[Verifier], now: float) -> list[Verdict]:
    """Compare a token with every verifier; `now` is in seconds since the epoch. Best first, else as they came."""
    verdicts = [compare(token, verifier, now) for verifier in verifiers]
    return sorted(verdicts, key=lambda verdict: (not verdict.matches, -verdict.agreed))


def compare(token: Token, verifier: Verifier, now: float) -> Verdict:
    """Compare a token with one verifier, as RFC 8725 §3 and the `oauth-federation-policy` page of Databricks say."""
    checks: Mapping[Part, Callable[[], Difference | None]] = {
        "algorithm": lambda: _algorithm(token),
        "issuer": lambda: _issuer(token, verifier),
        "audience": lambda: _audience(token, verifier),
        "subject": lambda: _subject(token, verifier),
        "time": lambda: _time(token, verifier, now),
    }
    later: Part | None = None
    for part in PARTS:
        difference = checks[part]()
        if difference is _LATER:
            later = later or part
        elif difference is not None:
            return Verdict(verifier, difference, later)
    return Verdict(verifier, None, later)


def quoted(value: object, most: int = 200) -> str:
    """A claim for a terminal: quoted, escaped (a token is the sender's text), and not longer than a few lines."""
    text = json.dumps(value)
    return text if len(text) <= most else f"{text[:most]}…"


_LATER: Final = Difference("subject", "", "")
"""Stands for a part that is not known yet."""


def _algorithm(token: Token) -> Difference | None:
    alg = token.header.get("alg")
    if alg in ACCEPTED:
        return None
    row = ALGORITHMS.get(alg) if isinstance(alg, str) else None
    reason = f"{row.name}: {row.reason}" if row else f"{quoted(alg)}, which is not a registered algorithm"
    return Difference("algorithm", f"the token's alg is {reason}", f"have the issuer sign with {' or '.join(ACCEPTED)}")


def _issuer(token: Token, verifier: Verifier) -> Difference | None:
    found, wanted = token.claims.get("iss"), verifier.trust.issuer
    if found == wanted:
        return None
    if verifier.of_gateway:
        change = "send the token to the gateway instead of Databricks, or say `via: direct` for the service"
        return Difference("issuer", f"it trusts the gateway ({wanted}) alone, not {quoted(found)}", change)
    return Difference("issuer", texts_differ("iss", found, wanted, quoted), issuer_hint(found, wanted))


def _audience(token: Token, verifier: Verifier) -> Difference | None:
    found, wanted = audiences(token), verifier.trust.audiences
    if not wanted:
        return _LATER
    if set(found) & set(wanted):
        return None
    what = texts_differ("aud", found[0] if len(found) == 1 else list(found) or None, " or ".join(wanted), quoted)
    return Difference("audience", what, "have the workload ask for that audience, or change it in the model")


def _subject(token: Token, verifier: Verifier) -> Difference | None:
    claim, wanted = verifier.trust.subject_claim, verifier.trust.subject
    found = token.claims.get(claim)
    if not isinstance(found, str) or not found:
        wrong = "is no text" if found else "is not there"
        change = "have the issuer put it into the token, or name another `subject_claim`"
        return Difference("subject", f"the claim {claim!r}, which names the subject, {wrong}", change)
    if wanted is None:
        return None if verifier.kind == "account" else _LATER
    if found == wanted:
        return None
    return Difference("subject", texts_differ(claim, found, wanted, quoted), subject_hint(found, wanted))


def _time(token: Token, verifier: Verifier, now: float) -> Difference | None:
    expires, not_before = token.claims.get("exp"), token.claims.get("nbf")
    if not _is_time(expires):
        return Difference("time", "the token has no expiry (exp)", "have the issuer put one into the token")
    if now >= expires + verifier.leeway_seconds:
        return Difference("time", f"the token expired {_span(now - expires)} ago (exp)", "fetch a new one")
    if not_before is not None and not _is_time(not_before):
        return Difference("time", "the token's nbf is no time", "have the issuer put a number into it")
    if _is_time(not_before) and now < not_before - verifier.leeway_seconds:
        found = f"the token is valid only in {_span(not_before - now)} (nbf)"
        return Difference("time", found, "set the clocks of issuer and workload, or wait")
    return None


def _is_time(value: Any) -> TypeGuard[int | float]:
    """A NumericDate (RFC 7519 §2): a finite number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _span(seconds: float) -> str:
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{int(seconds)} s"
