"""Reading properties, and judges that many checks share."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from lakelatch_policies.check import Finding, Judge, Props, Resource, Settings

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
REDACTED: Final = "[secret]"
"""What `policy analyze` puts in place of a secret that it cannot decrypt."""
Clock = Callable[[], datetime]

_ISO = r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
_ISO_UNITS = (365 * DAY, 30 * DAY, 7 * DAY, DAY, HOUR, MINUTE, 1)
_GO = r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?"
_GO_UNITS = (DAY, HOUR, MINUTE, 1)


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def at(props: Props, path: str) -> Any:
    """The value at a dotted path; None where any part of the way is missing.

    Raises:
        UnknownValueError: when it is known only after apply, or the engine could not decrypt it.

    """
    value: Any = props
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    if value == REDACTED:
        raise UnknownValueError(UNKNOWN_STRING_VALUE, path.split("."))
    return value


def stands(props: Props, path: str) -> bool:
    """Whether something stands there, known or not."""
    try:
        return at(props, path) not in (None, "")
    except UnknownValueError:
        return True


def items(value: Any) -> Iterator[Any]:
    """The members of a list; a single value counts as a list of one, nothing as none."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from (value[index] for index in range(len(value)))
    elif value is not None:
        yield value


def switch(value: Any) -> bool | None:
    """A boolean, also as providers and workspace settings write it: in text. None for nothing, or neither."""
    return {"true": True, "false": False}.get(str(value).lower())


def seconds(value: Any, unit: int = 1) -> float | None:
    """A length of time: a number of units, `600`, `600s`, `1h30m` or ISO 8601 (`P90D`); None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value * unit
    text = str(value).strip()
    if re.fullmatch(r"-?\d+", text):
        return int(text) * unit
    for pattern, units in ((_ISO, _ISO_UNITS), (_GO, _GO_UNITS)):
        if (found := re.fullmatch(pattern, text)) and any(found.groups()):
            return sum(int(number) * size for number, size in zip(found.groups(), units, strict=True) if number)
    return None


def moment(value: Any) -> datetime | None:
    """A date (RFC 3339, or seconds or milliseconds since 1970); None for anything else."""
    try:
        if isinstance(value, (int, float)):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        read = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def lives_at_most(path: str, unit: int = 1, absent: str | None = "never ends; say how long it lives") -> Judge:
    """A length of time within `max_seconds`; `absent` says what comes when nothing is said, None when that is fine."""

    def judge(resource: Resource, settings: Settings) -> Iterator[Finding]:
        value = at(resource.props, path)
        if value is None or value == "":
            if absent:
                yield path, absent
            return
        life, most = seconds(value, unit), settings["max_seconds"]
        if life is None:
            yield path, "is no length of time that can be read"
        elif life <= 0:
            yield path, f"is nothing, which here means for ever; at most {most} s"
        elif life > most:
            yield path, f"is longer than {most} s"

    return judge


def ends_within(path: str, start: str | None = None, absent: str = "is missing", clock: Clock = utc_now) -> Judge:
    """A date no later than `max_seconds` after the date at `start`, else after now."""

    def judge(resource: Resource, settings: Settings) -> Iterator[Finding]:
        value = at(resource.props, path)
        if value is None or value == "":
            yield path, absent
            return
        end, most = moment(value), settings["max_seconds"]
        begin = moment(at(resource.props, start)) if start else None
        if end is None:
            yield path, "is no date that can be read"
        elif end - (begin or clock()) > timedelta(seconds=most + MINUTE):  # what a program says now is judged later
            yield path, f"is more than {most} s ahead"

    return judge


def must_be(path: str, right: bool, reason: str, absent: bool = False) -> Judge:
    """A boolean with the one right value; `absent` says whether leaving it out is wrong as well."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        value = at(resource.props, path)
        if value is None:
            if absent:
                yield path, reason
        elif switch(value) is not right:
            yield path, reason

    return judge


def one_of(path: str, right: Collection[str], reason: str, absent: str | None = None) -> Judge:
    """Every value at a path (one, or a list) is among the right ones; `absent` says what is wrong with nothing."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        found = list(items(at(resource.props, path)))
        if not found and absent:
            yield path, absent
        if any(value not in right for value in found):
            yield path, reason

    return judge


def missing(*paths: str, reason: str) -> Judge:
    """Nothing may stand at these paths, known or not."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        for path in paths:
            if stands(resource.props, path):
                yield path, reason

    return judge


def present(path: str, reason: str) -> Judge:
    """Something must stand there, known or not."""

    def judge(resource: Resource, _: Settings) -> Iterator[Finding]:
        if not stands(resource.props, path):
            yield path, reason

    return judge


def all_of(*judges: Judge) -> Judge:
    """Several judges in turn."""

    def judge(resource: Resource, settings: Settings) -> Iterator[Finding]:
        for one in judges:
            yield from one(resource, settings)

    return judge
