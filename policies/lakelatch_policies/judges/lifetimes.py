"""Lifetimes: how long tokens, secrets and sessions live, wherever that is set."""

from collections.abc import Iterator
from typing import Final

from lakelatch_policies.check import Finding, Judge, Resource, Settings
from lakelatch_policies.reading import (
    DAY,
    HOUR,
    at,
    ends_within,
    lives_at_most,
    switch,
)

TWO_YEARS: Final = "is missing, and Entra then makes it two years"


def entra_end(absent: str) -> Judge:
    """An end date, or where that is sent a relative one."""
    dated, relative = ends_within("endDate", "startDate", absent), lives_at_most("endDateRelative")

    def judge(resource: Resource, settings: Settings) -> Iterator[Finding]:
        yield from (dated if at(resource.props, "endDateRelative") is None else relative)(resource, settings)

    return judge


def workspace_tokens(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """The longest life of personal access tokens, where a workspace lets people have any."""
    conf = at(resource.props, "customConfig")
    if conf is None or not ({"enableTokensConfig", "maxTokenLifetimeDays"} & set(conf)):
        return
    if switch(at(conf, "enableTokensConfig")) is not False:
        yield from lives_at_most("customConfig.maxTokenLifetimeDays", DAY, "is not set, so tokens may live two years")(
            resource, settings
        )


def sign_in_frequency(resource: Resource, settings: Settings) -> Iterator[Finding]:
    """How long a sign-in lasts: `signInFrequency` hours or days, or every time."""
    session = "sessionControls"
    if at(resource.props, f"{session}.signInFrequencyInterval") == "everyTime":
        return
    if at(resource.props, f"{session}.signInFrequency") is not None:
        unit = DAY if at(resource.props, f"{session}.signInFrequencyPeriod") == "days" else HOUR
        yield from lives_at_most(f"{session}.signInFrequency", unit)(resource, settings)
