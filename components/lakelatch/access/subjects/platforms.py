"""Subjects that a platform gives to what runs on it: Kubernetes, AWS, Google Cloud."""

import re
from typing import Final

from lakelatch.access.subjects.exact import number

_DNS_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_DNS_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_ROLE_ARN: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/(?:[A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}")


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


def aws(role_arn: str) -> str:
    """The subject of an AWS STS web identity token: the ARN of the IAM role, not of one of its sessions.

    Ask STS for RS256; its other choice, ES384, is one that Databricks refuses. Source: AWS IAM User Guide, outbound
    identity federation, token claims; STS API reference, GetWebIdentityToken.

    Raises:
        ValueError: for anything else.

    """
    if ":assumed-role/" in role_arn:
        raise ValueError("the role is named by one of its sessions; write arn:aws:iam::<account>:role/<name>")
    if not _ROLE_ARN.fullmatch(role_arn):
        raise ValueError("the role is not an ARN of IAM; write arn:aws:iam::<account of 12 digits>:role/<name>")
    return role_arn


def google(service_account_id: str) -> str:
    """The subject of a Google service account's identity token: its numeric unique id, never its e-mail address.

    Source: Google Cloud documentation, "Token types", ID tokens.

    Raises:
        ValueError: for what is no number.

    """
    return number(service_account_id, "the service account's unique id")
