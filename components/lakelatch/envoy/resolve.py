"""From the access model to the gateway's configuration: every name resolved, nothing decided twice."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NotRequired, TypedDict

from lakelatch.access.limits import Limits
from lakelatch.access.model import AccessModel, Gateway
from lakelatch.access.model_policy import people_of, policy_of
from lakelatch.access.policy import People
from lakelatch.access.rules import Mode, Rule
from lakelatch.access.subjects import SUBJECT
from lakelatch.access.trusts import Trust, account_trusts, gateway_audience, workload_trust


class Identity(TypedDict):
    """What providers made for a service; each value may be one that is known only after creation."""

    client_id: NotRequired[Any]
    """Client id of its application in Entra; absent for services of other issuers."""
    subject: Any
    """The value of the subject claim in its tokens."""
    application_id: Any
    """The Databricks service principal's application id."""


def gateway_config(
    model: AccessModel, gateway: Gateway, *, audience: Any, identities: Mapping[str, Identity]
) -> dict[str, Any]:
    """The data of a `GatewayConfig` for a model; generated values are passed through as they are.

    `audience` is that of issuers whose own is made at creation; `identities` has every service via the gateway.
    """
    workspace = model.workspaces[gateway.workspace]
    services = model.gateway_services()
    trusts = {name: workload_trust(model, name) for name in services}
    policy = policy_of(model)
    used = {row.issuer: trusts[name] for name, row in services.items()}
    people = people_of(model)
    audiences = {name: gateway_audience(model, model.issuers[name]) or audience for name in used}
    for name, trust in account_trusts(model):
        # Without services, the issuer's tokens for people are all that the gateway takes of it.
        if name in people and name not in used:
            used[name], audiences[name] = replace(trust, subject_claim=SUBJECT), trust.audiences[0]
    return {
        "version": 1,
        "host": gateway.host,
        "listen": {
            "address": gateway.address,
            "port": gateway.port,
            "tls": gateway.tls.model_dump() if gateway.tls else None,
        },
        "workspace": {
            "host": workspace.host,
            "id": workspace.id,
            "account_id": model.account.id,
            "ca_file": gateway.ca_file,
        },
        "issuers": {name: _issuer(trust, audiences[name], gateway) for name, trust in sorted(used.items())},
        "services": {
            name: {
                "issuer": row.issuer,
                "subject": trusts[name].subject or identities[name]["subject"],
                "application_id": identities[name]["application_id"],
                "environment": policy.subjects[name].environment,
                "roles": {role: list(actions) for role, actions in policy.subjects[name].roles.items()},
                **_mode(policy.subjects[name].mode),
                **_limits(row.limits or gateway.limits),
            }
            for name, row in services.items()
        },
        **({"people": {name: _people(model, name, row) for name, row in people.items()}} if people else {}),
        **_rules(policy.rules),
        **_mode(policy.mode),
        "issuer": {
            "url": gateway.host,
            "key": {"type": "file", "path": gateway.signing_key_file},
            "audience": model.account.id,
            "token_lifetime_seconds": model.lifetimes.gateway_token_seconds,
        },
    }


def _people(model: AccessModel, issuer: str, people: People) -> dict[str, Any]:
    users = model.issuers[issuer].users
    assert users is not None, "people have an issuer with `users`"  # noqa: S101
    return {
        "audience": users.audience,
        "user_claim": users.subject_claim,
        "groups_claim": people.groups_claim,
        "environment": people.environment,
        "groups": {group: list(roles) for group, roles in people.groups.items()},
        "roles": {role: list(actions) for role, actions in people.roles.items()},
    }


def _rules(rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Every rule as it is written; a key that is not needed is left out, so that a configuration stays as it was."""
    written = {name: rule.model_dump(mode="json", by_alias=True, exclude_defaults=True) for name, rule in rules.items()}
    return {"rules": written} if written else {}


def _mode(mode: Mode) -> dict[str, Any]:
    return {} if mode == "enforce" else {"mode": mode}


def _limits(limits: Limits | None) -> dict[str, Any]:
    return {} if limits is None else {"limits": limits.model_dump()}


def _issuer(trust: Trust, audience: Any, gateway: Gateway) -> dict[str, Any]:
    """One trusted issuer; a key that is not needed is left out, so that a configuration stays as it was."""
    optional = {"jwks_uri": trust.jwks_uri, "jwks_json": trust.jwks_json}
    if trust.subject_claim != "sub":
        optional["subject_claim"] = trust.subject_claim
    return {
        "issuer": trust.issuer,
        "audience": audience,
        "ca_file": gateway.ca_file,
        **{name: value for name, value in optional.items() if value is not None},
    }
