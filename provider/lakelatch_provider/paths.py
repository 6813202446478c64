"""Places in plain data: what is not known yet, where two values differ, how the engine writes a place. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lakelatch.plugin.values import Unknown

Path = tuple[str | int, ...]

_PLAIN_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


def unknown_paths(data: Any, at: Path = ()) -> Iterator[Path]:
    """Where in plain data nothing is known yet."""
    if isinstance(data, Unknown):
        yield at
    elif isinstance(data, Mapping):
        for key, item in data.items():
            yield from unknown_paths(item, (*at, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from unknown_paths(item, (*at, index))


def differences(old: Any, new: Any, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """The smallest places where two values differ, each with `add`, `delete` or `update`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            if key not in old:
                yield (*at, key), "add"
            elif key not in new:
                yield (*at, key), "delete"
            else:
                yield from differences(old[key], new[key], (*at, key))
    elif _words(old) and _words(new) and set(old) != set(new):
        # One entry more at the front is one entry more, not a change of all that follow.
        gone = {index for index, one in enumerate(old) if one not in new}
        come = {index for index, one in enumerate(new) if one not in old}
        for index in sorted(gone | come):
            yield (*at, index), "update" if index in gone & come else "delete" if index in gone else "add"
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            if index >= len(old):
                yield (*at, index), "add"
            elif index >= len(new):
                yield (*at, index), "delete"
            else:
                yield from differences(old[index], new[index], (*at, index))
    elif old != new:
        yield at, "update"


def _words(value: Any) -> bool:
    """Whether it is a list of texts of which each stands once: actions, warehouses, networks."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value) and len(set(value)) == len(value)


def property_path(path: Path) -> str:
    """A path in the engine's notation: `config.services["nightly-report"].roles[0]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text
