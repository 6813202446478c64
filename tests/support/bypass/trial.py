"""Puts cases before a live gateway and judges what became of them: by the answers, the audit trail and the workspace.

Each case comes from a loopback address of its own, which Envoy writes into the audit line whatever it could read of the
request. Line and request at the workspace have the same id: so none is taken for another's, and none is left over.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from support.bypass.wire import Answer, Read, http1, send
from support.bypass.workspace import RawWorkspace, Seen
from support.bypass.world import Case, World

from lakelatch.envoy.identity import CLIENT_HEADERS_REMOVED, INTERNAL_HEADERS, INTERNAL_PREFIXES

AT_ONCE: Final = 64
STATUS: Final[Mapping[str, frozenset[int]]] = {
    "authentication": frozenset({401}),
    "no-subject": frozenset({401}),
    "unknown-identity": frozenset({403}),
    "unknown-action": frozenset({403}),
    "default-deny": frozenset({403}),
    "token-in-query": frozenset({403}),
    "rule": frozenset({403}),
    "protocol": frozenset({400, 403, 404, 413, 426, 431, 501}),
}
"""Rule that refuses to the statuses that it may answer with."""
TOLD: Final[Mapping[str, str]] = {
    "x-lakelatch-action": "action",
    "x-lakelatch-subject": "subject",
    "x-lakelatch-issuer": "issuer",
    "x-lakelatch-principal": "application_id",
    "x-lakelatch-rule": "rule",
}
"""What the gateway may tell the workspace about a request to where its audit line says the same."""
HOP_BY_HOP: Final = ("connection", "upgrade", "proxy-connection", "keep-alive")
PARSER: Final = ("http1.", "http2.", "low_version", "codec_error")
"""How Envoy's reason begins where its parser refuses what is no request yet."""
Line = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of one case."""

    agent: str
    read: Read
    """What came back to the client."""
    lines: Sequence[Line]
    """Its audit lines."""
    seen: Sequence[Seen]
    """What the workspace saw of it, whole or not."""
    elsewhere: bool
    """Whether its agent stands in what the workspace saw of another case, or the workspace saw what has no line."""


def put(
    cases: Sequence[Case], live: Any, raw: RawWorkspace, world: World, eventually: Any, *, patience: float = 5
) -> dict[str, Outcome]:
    """Send every case, several at once, and gather what became of each, by its id.

    `patience` is how many seconds to wait for lines that are expected and missing.
    """
    addresses = {case.id: f"127.77.{number // 250}.{1 + number % 250}" for number, case in enumerate(cases)}
    agents = {case.id: f"bypass-{number}!" for number, case in enumerate(cases)}
    before, told = len(raw.requests), len(live.audit_lines())

    def sent(case: Case) -> Read:
        content = case.make(replace(world, agent=agents[case.id]))
        return send(live.port, addresses[case.id], content, answers=len(case.ends), hangs_up=case.hangs_up)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        read = dict(zip((case.id for case in cases), pool.map(sent, cases), strict=True))
    lines = _lines(cases, addresses, lambda: live.audit_lines()[told:], live, eventually, patience)
    seen = raw.requests[before:]
    whose = {line["request_id"]: address for address, found in lines.items() for line in found if line["request_id"]}
    clients = [whose.get(",".join(one.values("x-request-id"))) for one in seen]
    return {
        case.id: Outcome(
            agents[case.id],
            read[case.id],
            lines[addresses[case.id]],
            [one for one, client in zip(seen, clients, strict=True) if client == addresses[case.id]],
            None in clients
            or any(
                agents[case.id].encode() in one.content and client != addresses[case.id]
                for one, client in zip(seen, clients, strict=True)
            ),
        )
        for case in cases
    }


def _lines(
    cases: Sequence[Case],
    addresses: Mapping[str, str],
    new: Callable[[], list[Line]],
    live: Any,
    eventually: Any,
    patience: float,
) -> Mapping[str, list[Line]]:
    """The audit lines by client address: all that are expected, and those that came in spite of it."""
    expected = Counter({addresses[case.id]: len(case.ends) for case in cases})
    live.request("GET", "/last")  # what comes after everything else is written after it
    eventually(lambda: any(line["path"] == "/last" for line in new()))
    with suppress(AssertionError):  # whose are missing is told by their cases
        eventually(lambda: expected <= Counter(line["client_address"] for line in new()), patience)
    found: dict[str, list[Line]] = defaultdict(list)
    for line in new():
        found[line["client_address"]].append(line)
    return found


EITHER = {"chunks: b'2\\r\\n{}\\n0\\r\\n\\r\\n'"}
"""Envoy takes a bare line feed after a chunk's data and breaks the connection off at what follows. Whether the request,
which is allowed and has its line, was passed on whole by then depends on how its bytes arrived."""


def judge(case: Case, outcome: Outcome, world: World) -> None:
    """Hold a case against what became of it; raises AssertionError."""
    assert tuple(map(_end, outcome.lines)) == case.ends
    assert not outcome.elsewhere
    assert case.ends or outcome.read.ended
    for line in outcome.lines:
        _judge_line(line, outcome.agent)
    _judge_answers(outcome, world)
    allowed = {line["request_id"]: line for line in outcome.lines if line["decision"] == "allow"}
    finished = {known for known, line in allowed.items() if line["status"] == 200}
    ids = [_one(one, "x-request-id") for one in outcome.seen]
    assert len(set(ids)) == len(ids)
    whole = {known for known, one in zip(ids, outcome.seen, strict=True) if one.whole}
    assert finished <= whole <= (finished | set(allowed) if case.id in EITHER else finished)
    for known, one in zip(ids, outcome.seen, strict=True):
        _judge_seen(one, allowed[known], world)


def _end(line: Line) -> str:
    """What became of a request, in the words of the tables."""
    more = ""
    if line["method"] is None:
        more = ", unread"
    elif line["decision"] == "allow" and line["status"] != 200:
        more = ", broken off"
    return f"{line['decision']} {line['rule']}{more}"


def _judge_line(line: Line, agent: str) -> None:
    """Every line has its reason; one of a request that was read tells which one it was."""
    assert line["rule"]
    assert line["detail"]
    if line["method"] is None:
        assert line["detail"].startswith(PARSER), line["detail"]
        assert line["flags"] in ("DPE", "DR")
        assert line["request_id"] is None
    else:
        assert agent in (line["user_agent"] or "")
    if line["decision"] == "deny":
        # A stream of HTTP/2 that the parser refuses is reset (RFC 9113 §5.4.2): it has no answer.
        reset = line["method"] is None and not line["detail"].startswith("http1.") and not line["status"]
        assert reset or line["status"] in STATUS[line["rule"].partition(":")[0]]
        assert line["detail"] != "via_upstream"


def _judge_answers(outcome: Outcome, world: World) -> None:
    """The client is told what the trail says, and nothing more."""
    for secret in (world.token, world.pod, "databricks-token"):
        assert secret.encode() not in outcome.read.content
    answers = http1(outcome.read.content)
    if answers:
        assert [answer.status for answer in answers] == [line["status"] for line in outcome.lines if line["status"]]
    for answer, line in zip(answers, outcome.lines, strict=False):
        if answer.status != 200:
            _judge_refusal(answer, line)


def _judge_refusal(answer: Answer, line: Line) -> None:
    if not answer.body:
        return
    told = json.loads(answer.body)
    assert told.keys() == {"error_code", "message", "request_id"}
    assert isinstance(told["error_code"], str)
    assert told["message"]
    assert (told["request_id"] or None) == line["request_id"]


def _judge_seen(one: Seen, line: Line, world: World) -> None:
    """What goes on is what was decided about, with the Databricks token of the service that it was decided for."""
    assert one.method == line["method"]
    assert one.target.partition("?")[0] == line["path"]
    assert one.values("authorization") == [f"Bearer databricks-token-of-{line['service']}"]
    assert not any(token.encode() in one.head for token in (world.token, world.pod))
    names = {name.lower() for name, _ in one.headers}
    assert not names & {*CLIENT_HEADERS_REMOVED, *INTERNAL_HEADERS, *HOP_BY_HOP}
    for name in names:
        if name.startswith(INTERNAL_PREFIXES):
            assert one.values(name) == [line[TOLD[name]]]
    assert len(one.values("content-length") + one.values("transfer-encoding")) <= 1
    assert one.values("transfer-encoding") in ([], ["chunked"])
    assert not one.trailers
    assert one.plain


def _one(seen: Seen, name: str) -> str:
    [value] = seen.values(name)
    return value
