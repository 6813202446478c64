"""What the level `remediate` does: shorten a life, add the end. Off unless a user sets that level.

A value that cannot be read is left alone: it is a mistake for a person, or not known yet, which looks like a text here.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from lakelatch_policies.check import Remedy, Settings
from lakelatch_policies.reading import Clock, at, moment, seconds, utc_now


def shortened(path: str, unit: int = 1, form: Callable[[int], Any] = int) -> Remedy:
    """Set a length of time that is missing or too long to the limit, written by `form`; nested paths only where the
    way is there."""

    def mend(props: Any, settings: Settings) -> bool:
        *way, last = path.split(".")
        inner = at(props, ".".join(way)) if way else props
        if inner is None:
            return False
        value, most = inner.get(last), settings["max_seconds"]
        life = 0 if value in (None, "") else seconds(value, unit)
        if life is None or 0 < life <= most:
            return False
        inner[last] = form(most // unit)
        return True

    return mend


def ended(clock: Clock = utc_now) -> Remedy:
    """Give a secret of Entra an `endDate` no further than the limit; a relative one, which is not sent, becomes one."""

    def mend(props: Any, settings: Settings) -> bool:
        said, relative, most = props.get("endDate"), props.get("endDateRelative"), settings["max_seconds"]
        end, life = moment(said), most if relative is None else seconds(relative)
        if (said is not None and end is None) or life is None:
            return False
        latest = (moment(props.get("startDate")) or clock()) + timedelta(seconds=most)
        if relative is None and end is not None and end <= latest:
            return False
        props["endDate"] = min(end or clock() + timedelta(seconds=life), latest).strftime("%Y-%m-%dT%H:%M:%SZ")
        props["endDateRelative"] = None
        return True

    return mend
