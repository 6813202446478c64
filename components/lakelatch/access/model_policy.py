"""From an access model to what decisions are made from: the one way, before and at a deployment."""

from collections.abc import Mapping

from lakelatch.access.model import AccessModel
from lakelatch.access.policy import Policy, Subject
from lakelatch.access.trusts import workload_trust


def policy_of(model: AccessModel, subjects: Mapping[str, str] | None = None) -> Policy:
    """Who may do what through the model's gateway; `subjects` has those that were made at creation, by service.

    Roles and rules are in the order of their names: a delivered configuration keeps no other, and the order of a
    model's files has no meaning. A subject that is not known yet is a text that no token can have; such a service is
    found by its name alone.
    """
    known = subjects or {}
    found = {}
    for name, service in model.gateway_services().items():
        trust = workload_trust(model, name)
        environment = model.workspaces[service.workspace].environment
        subject = trust.subject or known.get(name) or unknown_subject(name)
        roles = dict(sorted(model.actions(name).items()))
        found[name] = Subject(name, trust.issuer, subject, environment, roles, service.mode)
    return Policy(found, dict(sorted(model.rules.items())), model.gateway.mode if model.gateway else "enforce")


def unknown_subject(service: str) -> str:
    """What stands for a subject that is made at creation; the blanks keep it apart from every real one."""
    return f"subject of {service}, known after `pulumi up`"
