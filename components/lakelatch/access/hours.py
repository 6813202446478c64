"""When a rule is in force, in one form: two windows that cover the same minutes are written alike."""

from typing import Final

from lakelatch.access.rules import DAYS, Day, Window

ALWAYS: Final = ""
"""In force at every time."""
_DAY: Final = "24:00"


def hours(window: Window | None) -> str:
    """A window in words, as in `mon-fri 08:00-18:00 Europe/Berlin`; `ALWAYS` for one that covers every minute.

    A window over midnight covers, of each of its days, the minutes from `start` and those before `end`.
    """
    if window is None:
        return ALWAYS
    start, end = window.start, _DAY if window.end == "00:00" else window.end
    if start == end:
        start, end = "00:00", _DAY
    days = [day for day in _WEEK if day in window.days]
    if (start, end) == ("00:00", _DAY):
        return ALWAYS if len(days) == len(_WEEK) else f"{_listed(days)} {window.timezone}"
    return f"{_listed(days)} {start}-{end} {window.timezone}"


_WEEK: Final = (*DAYS[1:], DAYS[0])


def _listed(days: list[Day]) -> str:
    """`mon-fri, sun`: runs of three and more are drawn together."""
    runs: list[list[Day]] = []
    for day in days:
        if runs and _WEEK.index(runs[-1][-1]) + 1 == _WEEK.index(day):
            runs[-1].append(day)
        else:
            runs.append([day])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)
