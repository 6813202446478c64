"""How components refuse wrong arguments: all at once, each with its path, without a traceback from the program."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from lakelatch.access.model import AccessModel
from lakelatch.errors import Finding, ModelError

if TYPE_CHECKING:
    WorkspaceProvider = pulumi.ProviderResource
else:
    # To other languages it is "any": the schema has no way to name the provider of another package.
    WorkspaceProvider = Any

LARGEST_EXACT_INTEGER = 2**53
"""Numbers travel to plugins as doubles (protobuf Struct): above this an id would silently become another one."""
RETRY_SECONDS = 60
"""`retry_timeout_seconds` of providers made here. Without it the plugin waits for an unreachable host, and repeats 429
and 503, for ever, in preview too."""
_ANY_OF_DATABRICKS = "databricks:index/any:Any"


class ArgumentError(ModelError, pulumi.RunError):
    """Raised when a component's arguments do not hold; the engine shows its text alone."""


def require(component: str, name: str, findings: Sequence[Finding]) -> None:
    """Refuse to build a component when there is any finding.

    Raises:
        ArgumentError: with every finding.

    """
    if findings:
        raise ArgumentError(f"{component} {name!r}", findings)


def read_model(
    text: str, source: str, overlay: dict[str, Any] | None = None, parts: Mapping[str, str] | None = None
) -> AccessModel:
    """An access model for a program; `parts` are its fragments by name.

    Raises:
        ArgumentError: with every finding.

    """
    try:
        return AccessModel.read(text, source, overlay, parts)
    except ModelError as error:
        raise ArgumentError(error.source, error.findings) from None


def known_later(args: Mapping[str, Any], inputs: Sequence[str] = ()) -> list[Finding]:
    """Every argument that is an Output although it must be plain; `inputs` names the keys that may be one.

    What decides names, numbers of resources or trust has to be known at preview, or no policy could judge it.
    """
    return [
        Finding(path, "is known only later (an Output)", "pass a plain value, which a policy can judge at preview")
        for path in _outputs(args, "", frozenset(inputs))
    ]


def _outputs(value: object, path: str, inputs: frozenset[str]) -> Iterator[str]:
    if isinstance(value, pulumi.Output):
        yield path
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key not in inputs:
                yield from _outputs(inner, f"{path}.{key}" if path else str(key), inputs)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _outputs(inner, f"{path}[{index}]", inputs)


def account_provider(component: pulumi.ComponentResource) -> list[Finding]:
    """What is missing when a component of the account was given no databricks provider.

    The default provider would do for a workspace or for an account, whatever the environment happens to say.
    """
    if component.get_provider(_ANY_OF_DATABRICKS) is not None:
        return []
    expected = (
        "pass one of the account: `pulumi.ResourceOptions(providers={'databricks': databricks.Provider('account',"
        f" host='https://accounts…', account_id='…', retry_timeout_seconds={RETRY_SECONDS})}})`"
    )
    return [Finding("opts.providers", "has no databricks provider", expected)]


def workspace_provider(
    provider: object, needed_by: str | None, account: object, path: str = "workspace_provider"
) -> list[Finding]:
    """What is wrong with the provider of a workspace; `needed_by` names what cannot be made without one."""
    expected = (
        "pass one of the workspace: `databricks.Provider('workspace', host='https://…',"
        f" retry_timeout_seconds={RETRY_SECONDS})`, without an account_id"
    )
    if provider is None:
        return [Finding(path, f"is missing, and {needed_by} stand in a workspace", expected)] if needed_by else []
    if not isinstance(provider, pulumi.ProviderResource):
        return [Finding(path, "is not a provider", expected)]
    if provider.package != "databricks":
        return [Finding(path, f"is a provider of {provider.package}", expected)]
    if provider is account:
        return [Finding(path, "is the account's provider", expected)]
    return []


def is_https(address: str) -> bool:
    """Whether an address begins as every issuer's must (OpenID Connect Discovery 1.0 §2)."""
    return address.startswith("https://")


def service_principal_number(identifier: str) -> int:
    """The numeric id of a Databricks service principal, as its federation policies want it.

    Raises:
        ArgumentError: when it is no number, or one that a plugin would round to another principal's.

    """
    if not identifier.isdecimal():
        found, expected = "is not the numeric id of a service principal", "pass `ServiceIdentity.service_principal_id`"
    elif int(identifier) > LARGEST_EXACT_INTEGER:
        found, expected = "is above 2^53 and would be rounded", "it cannot be managed; make another service principal"
    else:
        return int(identifier)
    raise ArgumentError("FederationTrust", [Finding("service_principal_id", found, expected)])
