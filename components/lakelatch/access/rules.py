"""Attribute rules: beside what roles grant, what must hold of identity, time, network and request.

A rule narrows and never widens: without a role that grants an action no rule lets it through.
"""

import ipaddress
import re
from typing import Annotated, Final, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from lakelatch.access.expressions import expression
from lakelatch.access.parts import Part, Text
from lakelatch.access.validation import Name

Mode = Literal["enforce", "observe"]
"""`observe`: what would be refused is told in the audit trail, and goes through."""

Day = Literal["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
DAYS: Final[tuple[Day, ...]] = get_args(Day)
"""In the order in which CEL's `getDayOfWeek` counts them from 0."""


def _condition(text: str) -> str:
    try:
        expression(text)
    except ValueError as error:
        raise ValueError(f"is not a condition: {error}; write CEL, as in `identity.environment == 'staging'`") from None
    return text


def _denial(value: str | bool) -> str | bool:
    if value is False:
        raise ValueError("refuses nothing; write `true` or a condition, or take the rule away")
    return value if value is True else _condition(str(value))


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("is no network; write an address and a length, as in `10.20.0.0/16`") from None


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("is no time zone; write a name of the IANA database, as in `Europe/Berlin`") from None
    return name


Condition = Annotated[str, StringConstraints(min_length=1, max_length=4096), AfterValidator(_condition)]
"""CEL over the vocabulary of `lakelatch.access.expressions`; Envoy Gateway has the same bound of 4,096 characters."""
Denial = Annotated[str | bool, AfterValidator(_denial)]
"""A condition, or `true`."""
Network = Annotated[str, AfterValidator(_network)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$")]
EndOfTime = Annotated[str, StringConstraints(pattern=r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


class Selector(Part):
    """Whose requests a rule is about: every key that is given must fit, and one of its values."""

    services: tuple[Name, ...] = ()
    """Services by name."""
    roles: tuple[Name, ...] = ()
    """Services with one of these roles."""
    environments: tuple[Name, ...] = ()
    """Services of workspaces with one of these environments."""
    actions: tuple[str, ...] = ()
    """Actions as in a role."""


class Window(Part):
    """A stretch of time that comes again every week."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    """Days on which it is, by the clock of the time zone."""
    start: TimeOfDay = "00:00"
    """From this minute on."""
    end: EndOfTime = "24:00"
    """Until before this minute; earlier than `start` means over midnight."""
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """Name of the time zone in the IANA database."""


class Limit(Part):
    """Bounds on what a request may ask for; at least one. What cannot be seen in a request is refused."""

    model_config = ConfigDict(populate_by_name=True)

    row_limit: Annotated[int, Field(ge=1)] | None = None
    """A statement must ask for at most this many rows."""
    byte_limit: Annotated[int, Field(ge=1)] | None = None
    """A statement must ask for at most this many bytes."""
    wait_seconds: Annotated[int, Field(ge=0, le=50)] | None = None
    """A statement may hold its request this long."""
    dispositions: tuple[Literal["INLINE", "EXTERNAL_LINKS", "INLINE_OR_EXTERNAL_LINKS"], ...] = ()
    """How a statement's rows may be handed over."""
    warehouses: tuple[Text, ...] = ()
    """Ids of the warehouses that may be used."""
    catalogs: tuple[Text, ...] = ()
    """Default catalogs that a statement may name. Its text can still name others: pair it with grants."""
    schemas: tuple[Text, ...] = ()
    """Default schemas that a statement may name, as with `catalogs`."""
    jobs: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Ids of the jobs that may be run."""
    endpoints: tuple[Text, ...] = ()
    """Names of the serving endpoints that may be asked."""
    body_bytes: Annotated[int, Field(ge=1, le=1024 * 1024)] | None = None
    """The request's body may be this long."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("limits nothing; name a bound, as in `row_limit: 10000`")
        return self


class Rule(Part):
    """One rule. Every key of `deny`, `require`, `limit` and `networks` that is given has to be met."""

    model_config = ConfigDict(populate_by_name=True)

    description: str = ""
    """Why: told to whom it refuses."""
    for_: Annotated[Selector, Field(alias="for")] = Selector()
    """Whose requests it is about; unset means all."""
    during: Window | None = None
    """When it is in force; unset means always."""
    deny: Denial | None = None
    """Refused unless this is proven false; `true` refuses always."""
    require: Condition | None = None
    """Refused unless this is proven true."""
    limit: Limit | None = None
    """Refused beyond these bounds."""
    networks: tuple[Network, ...] = ()
    """Refused from elsewhere than these networks."""
    mode: Mode = "enforce"
    """`observe`: tell what would be refused, and let it through."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.deny is None and self.require is None and self.limit is None and not self.networks:
            raise ValueError("would refuse nothing; give it `deny`, `require`, `limit` or `networks`")
        if self.limit is not None and not self.for_.actions:
            raise ValueError(
                "limits every action, also those that have nothing of the kind; name some in `for.actions`"
            )
        return self


_MINUTE: Final = re.compile(r"([0-9]{2}):([0-9]{2})")


def in_window(window: Window) -> str:
    """CEL for "the request came within this window"."""
    zone = f"'{window.timezone}'"
    days = ", ".join(str(DAYS.index(day)) for day in sorted(set(window.days), key=DAYS.index))
    minute = f"request.time.getHours({zone}) * 60 + request.time.getMinutes({zone})"
    start, end = _minutes(window.start), _minutes(window.end)
    joined = "&&" if start < end else "||"
    return f"request.time.getDayOfWeek({zone}) in [{days}] && ({minute} >= {start} {joined} {minute} < {end})"


def _minutes(text: str) -> int:
    match = _MINUTE.fullmatch(text)
    assert match is not None, "the model lets no other text through"  # noqa: S101
    return int(match[1]) * 60 + int(match[2])
