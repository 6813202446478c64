"""Generated gateway configurations, and requests that lie near what they decide about: the same for the same seed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from lakelatch.access.actions import ACTIONS, GRANTABLE, GROUPS, expand
from lakelatch.access.actions import Request as Template
from lakelatch.access.attributes import MEMBERS
from lakelatch.access.checks import ENDPOINTS, WAREHOUSES_BY_PATH
from lakelatch.access.rules import DAYS

IDENTITIES: Final = (
    ("entra", "Nightly-1"),
    ("entra", "ci:main"),
    ("entra", "observed"),
    ("cluster", "nightly-1"),
    ("cluster", "system:serviceaccount:ns:pod"),
    ("cluster", "ci:main"),
)
"""Issuer and subject of the services: one subject twice, and one twice but for its case."""
ENVIRONMENTS: Final = ("staging", "production")
ROLES: Final = ("reader", "runner", "admin")
READ: Final = (*MEMBERS, *sorted(WAREHOUSES_BY_PATH), *sorted(set(ENDPOINTS) - set(MEMBERS)))
"""Actions of which rules can see more than the head."""
WORDS: Final = ("w1", "w2", "main", "it's", "secret", "größe", "INLINE", "EXTERNAL_LINKS", "10s", "20s", "5m", "", "W1")
SEGMENTS: Final = (
    *("w1", "w2", "w1", "W1", "main", "17", "a-b", "x.y", "...", ".x", "a:b", "x:cancel", "~x", "it's", "a,b", "(x)"),
    *("%C3%A9", "%c3%a9", "x%20y", "%41b", "%7Ex", "%25", "%3F", "%3A", "a=b&c", "$x@y", "a+b*c", "!"),
)
HOSTILE: Final = (
    "a;b",
    "%2F",
    "%5C",
    "%2e",
    "%2E%2e",
    "..",
    ".",
    "%00",
    "%",
    "%zz",
    "a|b",
    "[a]",
    "a\\b",
    "a^b",
    "%7F",
)
"""Segments that no action has, and those that the protocol checks refuse."""
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Sent:
    """One request as it leaves the client."""

    method: str
    target: str
    """Path, not normalised, with its query."""
    issuer: str
    """Name of the issuer."""
    subject: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def sections(random: Random) -> dict[str, Any]:
    """Services, rules and mode of a gateway configuration."""
    services = {
        f"service-{number}": {
            "issuer": issuer,
            "subject": subject,
            "application_id": f"app-{number}",
            "environment": random.choice(ENVIRONMENTS),
            "roles": {role: _granted(random) for role in random.sample(ROLES, random.randint(0, 3))},
            "mode": "observe" if random.random() < 0.15 else "enforce",
        }
        for number, (issuer, subject) in enumerate(IDENTITIES)
    }
    rules = {
        f"rule-{number}": rule(random, list(services)) for number in random.sample(range(20), random.randint(0, 7))
    }
    return {"services": services, "rules": rules, "mode": "observe" if random.random() < 0.08 else "enforce"}


PEOPLE_AUDIENCE: Final = "databricks-people"
"""What people's tokens are made out to, all of the issuer `entra`."""
_GROUPS: Final = ("group-1", "group-2", "Group-1", "größe")


def people(random: Random) -> dict[str, Any]:
    """The people of a gateway configuration."""
    roles = {role: _granted(random) for role in ROLES}
    groups = {group: random.sample(ROLES, random.randint(1, 2)) for group in random.sample(_GROUPS, 3)}
    of_entra = {"audience": PEOPLE_AUDIENCE, "user_claim": "upn", "environment": random.choice(ENVIRONMENTS)}
    return {"entra": of_entra | {"groups": groups, "roles": roles}}


def person(random: Random, rows: dict[str, Any]) -> tuple[dict[str, Any], Sent]:
    """A request of a person, or of somebody who is nearly one, with the claims of their token."""
    groups = random.sample((*_GROUPS, "strangers", "group-1,group-2"), random.choice((0, 1, 1, 1, 2, 3)))
    user = random.choice(("alice@example.com", "bob@example.com"))
    subject = random.choice(("id-1", "id-1", "id-1", "id-2", "ID-1")) if random.random() < 0.95 else "NIGHTLY-1"
    roles = {role for group in groups for role in rows["entra"]["groups"].get(group, ())}
    like = {
        "issuer": "entra",
        "subject": subject,
        "roles": {role: rows["entra"]["roles"][role] for role in sorted(roles)},
    }
    sent = replace(request(random, {"person": like}), issuer="entra", subject=subject)
    return {"aud": PEOPLE_AUDIENCE, "upn": user, "groups": groups}, sent


def _granted(random: Random) -> list[str]:
    return list(dict.fromkeys(name for pattern in _patterns(random) for name in expand(pattern)))


def _patterns(random: Random) -> list[str]:
    kinds: list[Callable[[], str]] = [
        lambda: random.choice(READ),
        lambda: random.choice(GRANTABLE),
        lambda: ACTIONS[random.choice(random.choice((READ, GRANTABLE)))].service + ".*",
        lambda: random.choice(list(GROUPS)),
    ]
    return [random.choices(kinds, (5, 3, 4, 1))[0]() for _ in range(random.randint(1, 5))]


def rule(random: Random, services: Sequence[str]) -> dict[str, Any]:
    """One rule that a model could have."""
    selector: dict[str, Any] = {}
    if random.random() < 0.5:
        selector["services"] = random.sample(services, random.randint(1, 4))
    if random.random() < 0.2:
        selector["roles"] = random.sample(ROLES, random.randint(1, 2))
    if random.random() < 0.2:
        selector["environments"] = [random.choice(ENVIRONMENTS)]
    if random.random() < 0.5:
        selector["actions"] = _patterns(random)
    made: dict[str, Any] = {"mode": random.choice(("enforce", "enforce", "observe"))}
    asked = random.sample(("deny", "require", "limit", "networks"), random.choice((1, 1, 2)))
    if "deny" in asked:
        made["deny"] = True if random.random() < 0.1 else condition(random)
    if "require" in asked:
        made["require"] = condition(random)
    if "limit" in asked:
        selector.setdefault("actions", [random.choice(READ), *_patterns(random)])
        made["limit"] = _limit(random)
    if "networks" in asked:
        networks = ("127.0.0.0/8", "127.0.0.1/32", "0.0.0.0/0", "10.0.0.0/8", "2001:db8::/32", "127.0.0.0/32")
        made["networks"] = random.sample(networks, random.randint(1, 3))
    if random.random() < 0.25:
        made["during"] = _window(random)
    return made | {"for": selector}


def _window(random: Random) -> dict[str, Any]:
    """Always, or on a day that is not near: no test depends on when it runs."""
    zone = {"timezone": random.choice(("UTC", "Asia/Kolkata", "America/New_York"))}
    if random.random() < 0.5:
        return zone
    far = datetime.now(UTC) + timedelta(days=3)
    return zone | {"days": [DAYS[far.isoweekday() % 7]]}


def _limit(random: Random) -> dict[str, Any]:
    bounds: dict[str, Any] = {
        "row_limit": random.choice((1, 100)),
        "byte_limit": 5000,
        "wait_seconds": random.choice((0, 10, 20)),
        "dispositions": random.sample(("INLINE", "EXTERNAL_LINKS"), random.randint(1, 2)),
        "warehouses": random.sample(WORDS[:3], 2),
        "catalogs": random.sample(WORDS[2:6], 2),
        "schemas": ["main"],
        "jobs": [17, 100],
        "endpoints": ["main", "w1"],
        "body_bytes": random.choice((20, 60, 200)),
    }
    return {name: bounds[name] for name in random.sample(list(bounds), random.choice((1, 1, 2)))}


def condition(random: Random, depth: int = 2) -> str:
    """CEL over the vocabulary: right, wrong, failing, or not to be decided."""
    if depth and random.random() < 0.6:
        first, second = condition(random, depth - 1), condition(random, depth - 1)
        joined = (f"{first} && {second}", f"{first} || {second}", f"!{first}", f"{atom(random)} ? {first} : {second}")
        return f"({random.choice(joined)})"
    return f"({atom(random)})"


def atom(random: Random) -> str:
    """One comparison."""
    word, other = (json.dumps(one, ensure_ascii=False) for one in random.sample(WORDS, 2))
    text = random.choice(
        (
            *("body.catalog", "body.warehouse_id", "body.disposition", "body.model", "path.id", "path.name"),
            *("path.path", "request.headers['x-batch']", "identity.subject", "action.name"),
        )
    )
    number = random.choice(("body.row_limit", "body.byte_limit", "body.wait_seconds", "body.job_id", "body.bytes"))
    atoms = (
        f"{text} == {word}",
        f"{text} != {word}",
        f"{text} in [{word}, {other}]",
        f"{text}.startsWith({word})",
        f"{text}.contains('%')",
        f"{text}.endsWith('1')",
        f"size({text}) {random.choice(('<', '>=', '=='))} {random.randint(0, 6)}",
        f"{text} < {word}",
        f"{number} {random.choice(('<', '<=', '>', '>=', '==', '!='))} {random.choice((0, 17, 60, 100, 100.5))}",
        f"{number} + 1 > 100",
        f"has(body.{random.choice(('row_limit', 'catalog', 'model', 'job_id'))})",
        f"has(path.{random.choice(('id', 'name', 'path'))})",
        "'x-batch' in request.headers",
        "request.headers['x-batch'] == 'on'",
        "body.readable",
        f"request.method in ['GET', '{random.choice(METHODS)}']",
        f"identity.environment == '{random.choice(ENVIRONMENTS)}'",
        f"identity.service in ['service-{random.randint(0, 5)}', 'service-{random.randint(0, 5)}']",
        f"'{random.choice(ROLES)}' in identity.roles",
        "size(identity.roles) > 1",
        "identity.issuer.startsWith('https://cluster')",
        "action.access == 'read'",
        f"action.name.startsWith('{ACTIONS[random.choice(READ)].service}.')",
        f"action.name == '{random.choice(READ)}'",
    )
    return random.choice(atoms)


def request(random: Random, services: dict[str, Any]) -> Sent:
    """A request of a service, or of somebody who is nearly one."""
    service = services[random.choice(list(services))]
    granted = [action for actions in service["roles"].values() for action in actions]
    seen = [action for action in granted if action in READ]
    pool: Sequence[str] = random.choices((seen, granted, READ, list(ACTIONS)), (5, 4, 1, 2))[0]
    action = random.choice(pool or READ)
    template = random.choice(ACTIONS[action].requests)
    issuer, subject = _identity(random, service)
    method = template.method if random.random() < 0.95 else random.choice(METHODS)
    body = b""
    headers: tuple[tuple[str, str], ...] = ()
    if method in ("POST", "PUT", "PATCH", "DELETE") or random.random() < 0.05:
        body, headers = _body(random, action), _kind(random)
    if random.random() < 0.4:
        headers += tuple(
            ("x-batch", random.choice(("on", "off", "", "w1"))) for _ in range(random.choice((1, 1, 1, 2)))
        )
    return Sent(method, _target(random, template), issuer, subject, headers, body)


def _identity(random: Random, service: dict[str, Any]) -> tuple[str, str]:
    issuer, subject = service["issuer"], service["subject"]
    if random.random() < 0.92:
        return issuer, subject
    other = "cluster" if issuer == "entra" else "entra"
    return random.choice(((issuer, subject.swapcase()), (other, subject), (issuer, "nobody"), (issuer, f"{subject}1")))


def _target(random: Random, template: Template) -> str:
    segments = [_segment(random, one) for one in template.path.split("/")[1:]]
    path = "/" + "/".join(segments)
    if random.random() < 0.12:
        last = path.rpartition("/")[0]
        misses = (path + "/x", path + "/", last or "/", path.upper(), path.replace("/", "//", 1), path + "/../" + "x")
        path = random.choice((*misses, "/" + random.choice(SEGMENTS) + path, path + ":cancel"))
    return path + random.choice(("", "", "", "?a=b", "?", "?x=/../y"))


def _segment(random: Random, expected: str) -> str:
    if not expected.startswith("{"):
        return expected
    verb = expected.partition("}")[2]
    count = random.randint(1, 4) if "..." in expected else 1
    words = [random.choice(HOSTILE if random.random() < 0.015 else SEGMENTS) for _ in range(count)]
    return "/".join(words) + verb + ("/" if count > 3 else "")


def _kind(random: Random) -> tuple[tuple[str, str], ...]:
    json_ = ("content-type", "application/json")
    rare = (
        (),
        (json_, json_),
        (("content-type", "Application/JSON; charset=UTF-8"),),
        (("content-type", "text/plain"),),
        (("content-type", "application/json; charset=latin-1"),),
        (json_, ("content-encoding", "gzip")),
    )
    return (json_,) if random.random() < 0.85 else random.choice(rare)


def _body(random: Random, action: str) -> bytes:
    numbers = (1, 17, 99.5, 100, 101, -1, 1e30, 0)
    wrong = (None, True, ["w1"], {"a": 1}, "100", 7)
    document: dict[str, Any] = {"statement": "x" * random.choice((0, 0, 0, 40))}
    for member in MEMBERS.get(action, {}).values():
        if random.random() < 0.25:
            continue
        right = (
            numbers if member.kind == "number" else ("10s", "20s", "30s", "5m") if member.kind == "seconds" else WORDS
        )
        document[member.json_name] = random.choice(right if random.random() < 0.9 else wrong)
    text = json.dumps(document, ensure_ascii=random.random() < 0.5)
    if random.random() < 0.08:
        broken = (
            text[:-1],
            text + "x",
            f"[{text}]",
            text[:-1] + ', "statement": 1}',
            "",
            "null",
            text.replace("e", "\\u0065"),
        )
        text = random.choice(broken)
    return text.encode() if random.random() < 0.99 else text.encode() + b"\xff"
