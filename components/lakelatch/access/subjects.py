"""Exact subjects: the `sub` claim that each issuer puts into a workload's token, to the letter.

Databricks compares a subject without patterns (no wildcard, no case folding), so a trust is exact or it does not work.
"""

import re
from typing import Final

_DNS_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DNS_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")


def kubernetes(namespace: str, service_account: str) -> str:
    """The subject of a Kubernetes service-account token: `system:serviceaccount:<namespace>:<name>`.

    Source: Kubernetes documentation, "Authenticating", service account tokens. A namespace is a DNS label, a service
    account's name a DNS subdomain (RFC 1123).

    Raises:
        ValueError: for a name that no cluster would accept.

    """
    if not _DNS_LABEL.fullmatch(namespace):
        raise ValueError("the namespace is not a DNS label; use a-z, 0-9 and hyphen, at most 63")
    if not _DNS_SUBDOMAIN.fullmatch(service_account):
        raise ValueError("the service account is not a DNS name; use a-z, 0-9, hyphen and dot, at most 253")
    return f"system:serviceaccount:{namespace}:{service_account}"


def looseness(subject: str) -> str | None:
    """Say why a subject cannot be an exact one, or None when it can."""
    if not subject:
        return "it is empty, and would have to match everybody"
    if "*" in subject or "?" in subject:
        return "it has a wildcard; subjects are compared to the letter, so it would match nobody"
    if subject != subject.strip() or any(character.isspace() for character in subject):
        return "it has white space, which no issuer puts into a subject"
    return None
