"""What must hold for account-wide trusts: the widest there are, so only for an organisation's own people."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from lakelatch.access.trusts import POLICIES_LIMIT, account_trusts
from lakelatch.access.validation import Location

if TYPE_CHECKING:
    from lakelatch.access.consistency import Contradiction
    from lakelatch.access.model import AccessModel

SHARED_ISSUERS: Final = {
    "token.actions.githubusercontent.com": "GitHub Actions signs for every repository of the world",
    "gitlab.com": "GitLab signs for every project on gitlab.com",
    "accounts.google.com": "Google signs for every Google account",
    "kubernetes.default.svc": "every cluster may use this name",
}
"""Hosts of issuers that sign for others than one organisation: an account-wide trust in them would let strangers in."""
PEOPLES_ISSUERS: Final = ("entra", "okta", "auth0", "keycloak", "oidc")
"""Kinds of issuer that sign people in; the others sign for jobs, pods and roles."""


def contradictions(model: "AccessModel") -> Iterator["Contradiction"]:
    """Everything that does not hold for the account's trusts."""
    for name, trust in account_trusts(model):
        at: Location = ("issuers", name, "users")
        kind = model.issuers[name].type
        if kind not in PEOPLES_ISSUERS:
            wrong = f"would let every workload of an issuer of type {kind!r} become a user of the account"
            yield at, wrong, "remove it; trust workloads one by one, as services"
        elif reason := SHARED_ISSUERS.get(urlsplit(trust.issuer).hostname or ""):
            wrong = f"would let strangers become users of the account: {reason}"
            yield at, wrong, "remove it; trust workloads one by one, as services"
        if trust.audiences == (model.account.id,):
            wrong = "is the account's id, for which anybody may get a token"
            yield (*at, "audience"), wrong, "name an audience of your own, for which only your clients get tokens"
    if (count := sum(1 for _ in account_trusts(model))) > POLICIES_LIMIT:
        wrong = f"have `users` on {count} entries; an account has at most {POLICIES_LIMIT} federation policies"
        yield ("issuers",), wrong, "keep `users` on identity providers of your own"
