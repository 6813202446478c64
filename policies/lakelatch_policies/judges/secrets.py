"""Secrets: none where federation does it, and none where others read them."""

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lakelatch_policies.check import Finding, Judge, Resource, Settings
from lakelatch_policies.reading import at, items, stands, switch

DATABRICKS: Final = "pulumi:providers:databricks"
AZUREAD: Final = "pulumi:providers:azuread"

LEAKED: Final = (
    r"\b(?:dapi[0-9a-f]{8,}|dose[0-9a-f]{8,}|eyJ[\w-]{8,}\.[\w-]{8,}\.|gh[pousr]_\w{8,}|AKIA[0-9A-Z]{12,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""How Databricks tokens and OAuth secrets, JSON Web Tokens, GitHub tokens, AWS key ids and private keys begin."""


def used(what: str) -> Judge:
    """A resource that is a secret, whatever its properties."""

    def judge(_resource: Resource, _: Settings) -> Iterator[Finding]:
        yield "", f"{what}, to be kept and rotated; federate the workload instead"

    return judge


def switched_on(path: str, reason: str) -> Judge:
    """A switch of a provider that must stay off."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        if switch(at(resource.props, path)):
            yield path, reason

    return judge


def plain_in(*paths: str) -> Judge:
    """Settings of a computation, which all who may see it read: no text in them looks like a token or a key."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        for path in paths:
            if any(re.search(LEAKED, text) for text in _texts(at(resource.props, path))):
                yield path, "holds what looks like a token or a key"

    return judge


def script(resource: Resource, _: Settings) -> Iterator[Finding]:
    """A script in base64, which every cluster's users can read."""
    encoded = str(at(resource.props, "contentBase64") or "")
    try:
        text = base64.b64decode(encoded).decode(errors="replace")
    except ValueError:
        return  # the provider refuses it
    if re.search(LEAKED, text):
        yield "contentBase64", "holds what looks like a token or a key"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key in value:
            yield from _texts(value[key])
    else:
        for one in items(value):
            yield from _texts(one) if one is not value else ()


def unmarked(*paths: str) -> Judge:
    """Secrets that the SDK does not mark: marked by `additional_secret_outputs`, or flagged."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        for path in paths:
            name = path.partition(".")[0]
            if stands(resource.props, path) and name not in resource.opts.additional_secret_outputs:
                yield path, f"is not marked secret by the SDK; name `{name}` in `additional_secret_outputs`"

    return judge
