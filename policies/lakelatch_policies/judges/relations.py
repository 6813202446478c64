"""What is wrong only between resources: identities of one principal, rights of pull requests, races."""

from collections.abc import Iterator
from itertools import combinations
from typing import Final

from pulumi_policy import PolicyResource

from lakelatch.access.belonging import workload
from lakelatch_policies.check import Settings
from lakelatch_policies.judges import rights, types
from lakelatch_policies.judges.subjects import is_pull_request
from lakelatch_policies.reading import items
from lakelatch_policies.relation import Related, Stack, referred, value

POLICIES_LIMIT: Final = 20
"""As `lakelatch.access.trusts` has it; importing that takes a third of a second."""

SLEEP: Final = "time:index/sleep:Sleep"
DATABRICKS: Final = (types.PRINCIPAL_POLICY, "oidcPolicy.issuer", "oidcPolicy.subject", ("servicePrincipalId",))

ENTRA: Final = (types.ENTRA_CREDENTIAL, "issuer", "subject", ("applicationId",))
AZURE: Final = tuple(
    (token, "issuer", "subject", ("resourceName", "userAssignedIdentityId", "parentId"))
    for token in types.AZURE_CREDENTIALS
)


def by_owner(stack: Stack, token: str, owner: tuple[str, ...]) -> Iterator[list[PolicyResource]]:
    """The trusts of each principal, or application: those that share a name for it."""
    group_of: dict[str, list[PolicyResource]] = {}
    for resource in stack.get(token, ()):
        names = referred(resource, *owner)
        joined = [resource]
        for group in {id(group_of[name]): group_of[name] for name in names if name in group_of}.values():
            joined = [*group, *joined]
            names |= {name for one in group for name in referred(one, *owner)}
        group_of.update(dict.fromkeys(names, joined))
    yield from {id(group): group for group in group_of.values()}.values()


def identities(stack: Stack, _: Settings) -> Iterator[Related]:
    """Several policies of one principal are for one workload, seen by different issuers."""
    token, issuer, subject, owner = DATABRICKS
    for resources in by_owner(stack, token, owner):
        first: dict[str, str] = {}
        for resource in resources:
            by, about = value(resource, issuer), value(resource, subject)
            if by and about:
                this = workload(str(about), str(by))
                if first.setdefault(str(by), this) != this:
                    yield resource.urn, subject, "is another workload than another policy of the principal trusts"


def too_many(stack: Stack, settings: Settings) -> Iterator[Related]:
    """No principal, application or account has more policies than the service takes."""
    owners = [by_owner(stack, DATABRICKS[0], DATABRICKS[3]), by_owner(stack, ENTRA[0], ENTRA[3])]
    owners.append(iter([list(stack.get(types.ACCOUNT_POLICY, ()))]))
    for resources in (one for several in owners for one in several):
        if len(resources) > settings["most"]:
            reason = f"is one of {len(resources)} for the same principal or account; {settings['most']} are the most"
            yield resources[-1].urn, "", reason


def pull_requests(stack: Stack, _: Settings) -> Iterator[Related]:
    """Whoever may open a pull request may write nothing."""
    for token, _issuer, subject, owner in (DATABRICKS, ENTRA, *AZURE):
        for resources in by_owner(stack, token, owner):
            asked = [one for one in resources if is_pull_request(str(value(one, subject) or ""))]
            if not asked:
                continue
            others = any(value(one, subject) and one not in asked for one in resources)
            names = set().union(*(referred(one, *owner) for one in resources))
            for resource in asked:
                if reason := rights.write(stack, rights.aliases(stack, names)):
                    yield resource.urn, subject, f"lets any pull request use a principal that {reason}"
                elif others:
                    yield resource.urn, subject, "lets any pull request use a principal that others use as well"


def at_once(stack: Stack, _: Settings) -> Iterator[Related]:
    """Policies of one principal are made one after another."""
    for resources in by_owner(stack, DATABRICKS[0], DATABRICKS[3]):
        before = {one.urn: _ancestors(one) for one in resources}
        for one, other in combinations(resources, 2):
            if one.urn not in before[other.urn] and other.urn not in before[one.urn]:
                yield other.urn, "", "may be made while another policy of its principal is, and one of them then fails"
                break


def _ancestors(resource: PolicyResource) -> set[str]:
    """Everything that is made before a resource."""
    seen: set[str] = set()
    waiting = list(resource.dependencies)
    while waiting:
        one = waiting.pop()
        if one.urn not in seen:
            seen.add(one.urn)
            waiting += one.dependencies
    return seen


def sleeps(stack: Stack, _: Settings) -> Iterator[Related]:
    """No federation policy waits for a clock."""
    for token in types.POLICIES:
        for resource in stack.get(token, ()):
            if any(one.resource_type == SLEEP for one in resource.dependencies):
                yield resource.urn, "", "waits for a sleep; a chain of dependencies is enough"


def named_by_id(stack: Stack, _: Settings) -> Iterator[Related]:
    """Nothing takes the `.id` of a federation policy, which is the same text for all of them."""
    policies = {one.urn for token in types.POLICIES for one in stack.get(token, ())}
    for resource in (one for several in stack.values() for one in several):
        for name, sources in resource.property_dependencies.items():
            if value(resource, name) == "id" and any(one.urn in policies for one in sources):
                yield resource.urn, name, "is the `.id` of a federation policy, which is the same for all of them"


def ways_round(stack: Stack, settings: Settings) -> Iterator[Related]:
    """Who goes through the gateway has no trust beside it, and the gateway stands for no account."""
    configured = (value(one, "config.issuer.url") for one in stack.get(types.GATEWAY_CONFIG, ()))
    gateways = {str(url) for url in (*configured, *settings["gateway_issuers"]) if url}
    token, issuer, _, owner = DATABRICKS
    for resource in stack.get(types.ACCOUNT_POLICY, ()):
        if value(resource, issuer) in gateways:
            yield resource.urn, issuer, "is the gateway, which could then be any user of the account"
    for resources in by_owner(stack, token, owner):
        if any(value(one, issuer) in gateways for one in resources):
            for resource in resources:
                if value(resource, issuer) not in gateways:
                    yield resource.urn, issuer, "lets a principal of the gateway's go round the gateway"


def device_code_blocked(stack: Stack, _: Settings) -> Iterator[Related]:
    """A stack that says how people sign in also blocks the flow that goes round it."""
    policies = stack.get(types.CONDITIONAL_ACCESS, ())
    asks = [
        one for one in policies if value(one, "grantControls.authenticationStrengthPolicyId") or _builtin(one, "mfa")
    ]
    blocks = any(
        "deviceCodeFlow" in items(value(one, "conditions.authenticationFlowTransferMethods")) and _builtin(one, "block")
        for one in policies
    )
    if asks and not blocks:
        yield None, "", "no Conditional Access policy blocks the device code flow, which can be phished past the others"


def _builtin(resource: PolicyResource, control: str) -> bool:
    return control in items(value(resource, "grantControls.builtInControls"))
