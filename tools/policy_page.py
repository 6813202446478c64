"""The reference page of the policy pack, from its checks."""

import json
from collections.abc import Iterator
from textwrap import fill

from lakelatch_policies.check import Check
from lakelatch_policies.groups import Group
from lakelatch_policies.pack import GROUPS, POLICIES, RELATIONS
from lakelatch_policies.relation import Relation

HEAD = """`pulumi preview --policy-pack policies`, in this repository or, with the same folder, in any other.
The checks look at the providers' own resources, so they hold for any program.

Pulumi knows a few policies: the groups below, each with its checks, and what they leave over. A file that
`--policy-pack-config` names sets levels and settings of all, of a group, or of a single check:

```json title="policy-config.json"
{
  "all": {"enforcementLevel": "mandatory"},
  "lifetimes": {"obo-token-lifetime": {"max_seconds": 3600}},
  "secrets": {"secretless": "mandatory", "provider-retry": "disabled"},
  "not-judged": "mandatory"
}
```

A check's level is `mandatory`, `advisory` or `disabled`. What is advisory is reported by the policy `advice`. What a
preview cannot see is reported by `not-judged`, and judged during `pulumi up`, before the resource is written. At the
level `remediate`, which is off unless you set it, a group mends what it can itself. No message quotes a value.

A check of one resource blocks before that resource is written, in every run. The group `stack` is about how resources
belong together, and Pulumi asks it when all are registered: a preview, and the preview that `pulumi up` begins with,
block before anything is made. `pulumi up --skip-preview` fails too, but what it had made until then stays. Keep the
preview.

To use them in a pack of your own: `from lakelatch_policies.pack import POLICIES`, all of them and in their order.
"""


def policies(note: str) -> str:
    """Every policy of the pack, with its checks; `note` says that the page is made."""
    lines = ["# Policies\n", note, HEAD]
    groups = {group.name: group for group in (*GROUPS, RELATIONS)}
    for policy in POLICIES:
        level = "" if policy.enforcement_level is None else policy.enforcement_level.value
        lines += [f"\n## {policy.name}\n", f"\n{policy.description} Level: {level}.\n"]
        lines += [f"\n{fill(policy.remediation_steps or '', 120)}\n"]
        if policy.name in groups:
            lines += _checks(groups[policy.name])
    return "".join(lines)


def _checks(group: Group) -> Iterator[str]:
    for check in group.checks:
        mended = " The level `remediate` does it." if isinstance(check, Check) and check.remedies else ""
        yield f"\n## {check.name}\n\n{check.says}\n\n| | |\n|---|---|\n"
        yield from (f"| {name} | {value} |\n" for name, value in _rows(group, check))
        yield f"\n{fill(check.steps + mended, 120)}\n"


def _rows(group: Group, check: Check | Relation) -> Iterator[tuple[str, str]]:
    yield "policy", f"[{group.name}](#{group.name})"
    yield "level", check.level
    yield "severity", check.severity.value
    yield "after", check.after
    for name, setting in check.settings.items():
        yield f"setting `{name}`", f"{setting['description']}; `{json.dumps(setting['default'])}` unless set"
    if isinstance(check, Check):
        yield "looks at", "<br>".join(f"`{token}`" for token in check.judges)
