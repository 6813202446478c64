"""What is wrong with the inputs of a `GatewayConfig` resource, as far as they are known. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from lakelatch.access.validation import path_of
from lakelatch.envoy.config import GatewayConfig
from lakelatch.errors import ModelError
from lakelatch.plugin.values import Unknown
from lakelatch_provider.paths import Path, unknown_paths

INPUTS = ("directory", "config")


def findings(inputs: Mapping[str, Any]) -> list[tuple[Path, str]]:
    """Every finding with its property path; empty when the inputs hold.

    A place that is unknown is not judged, nor is anything that holds it: a rule over several values (two services
    with the same subject, say) waits until all of them are known.
    """
    found: list[tuple[Path, str]] = []
    found += [((key,), "is not a known input; remove it") for key in sorted(inputs.keys() - set(INPUTS))]
    found += [((key,), "is missing; add it") for key in INPUTS if inputs.get(key) is None]
    directory, config = inputs.get("directory"), inputs.get("config")
    if directory is not None and not isinstance(directory, Unknown) and not (directory and isinstance(directory, str)):
        found.append((("directory",), "is not the name of a folder; write a path, relative to the project's folder"))
    if config is None or isinstance(config, Unknown):
        return found
    unknown = [path_of(path) for path in unknown_paths(config)]
    try:
        GatewayConfig.parse(_with_placeholders(config))
    except ModelError as error:
        for finding in error.findings:
            if not _touches(finding.path, unknown):
                found.append(((*("config",), *_path(config, finding.path)), f"{finding.found}; {finding.expected}"))
    return found


def _with_placeholders(data: Any, at: Path = ()) -> Any:
    """The data with a text of its own for each unknown, so that two of them are never taken for equal."""
    if isinstance(data, Unknown):
        return f"unknown:{path_of(at)}"
    if isinstance(data, Mapping):
        return {key: _with_placeholders(item, (*at, key)) for key, item in data.items()}
    if isinstance(data, list):
        return [_with_placeholders(item, (*at, index)) for index, item in enumerate(data)]
    return data


def _touches(path: str, unknown: Iterable[str]) -> bool:
    """Whether a finding stands at, above or below a place that is unknown."""
    return any(_holds(path, place) or _holds(place, path) for place in unknown)


def _holds(outer: str, inner: str) -> bool:
    return not outer or inner == outer or inner.startswith((f"{outer}.", f"{outer}["))


def _path(data: Any, written: str) -> Path:
    """The parts of a written path, found by walking the data, since a key may hold a dot itself."""
    if not written:
        return ()
    steps: Iterable[tuple[str | int, Any]] = ()
    if isinstance(data, Mapping):
        steps = data.items()
    elif isinstance(data, list):
        steps = enumerate(data)
    for key, item in steps:
        head = path_of((key,))
        if _holds(head, written):
            return (key, *_path(item, written[len(head) :].removeprefix(".")))
    return (written,)
