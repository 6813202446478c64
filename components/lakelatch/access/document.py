"""Reading an access model's YAML: plain data with the line of every value, and a clear refusal of anything else.

Anchors, aliases and tags are refused: a small file could otherwise stand for a huge one, or for an object of a program.
"""

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from lakelatch.access.validation import path_of
from lakelatch.errors import Finding, ModelError

MAX_BYTES: Final = 4 * 1024 * 1024
"""Ten thousand services take about 2 MB; a file above this is a mistake, and would only be slow to refuse."""
MAX_DEPTH: Final = 20
"""The model itself is six levels deep."""
_COMPOSABLE_DEPTH: Final = 1000
"""libyaml's composer calls itself for every level, and ends the process with a fault from some ten thousand on."""

_STARTS: Final = frozenset({yaml.MappingStartEvent, yaml.SequenceStartEvent})
_ENDS: Final = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"
_PLAIN_TEXT: Final = frozenset({_TAG + "str", _TAG + "timestamp"})
_SCALARS: Final = frozenset({_TAG + kind for kind in ("str", "int", "float", "bool", "null", "timestamp")})


@dataclass(frozen=True)
class Document:
    """A YAML document as plain data, which still knows where each value stood."""

    source: str
    """Name for messages, for example the file's path."""
    data: dict[str, Any]
    _root: yaml.Node
    _children: dict[int, dict[int | str, tuple[yaml.Node, int]]] = field(default_factory=dict, repr=False)
    """Node id to its children: a model with an error in each of its services asks for thousands of lines."""

    def line(self, location: tuple[int | str, ...]) -> int | None:
        """Line of the value at a location, from 1; of the nearest value around it when there is none there."""
        node, line = self._root, self._root.start_mark.line + 1
        for part in location:
            if id(node) not in self._children:
                self._children[id(node)] = _children(node)
            child = self._children[id(node)].get(part)
            if child is None:
                break
            node, line = child
        return int(line)


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Without Python's cyclic garbage collector, which would go through every node of a large model again and again.

    The nodes all stay alive, so there is nothing to collect; it was two thirds of the time of 10,000 services.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def read(text: str, source: str) -> Document:
    """Parse one YAML document whose top is a mapping.

    Raises:
        ModelError: for what is not YAML, too large or too deep, has aliases, tags or a key twice, or is no mapping.

    """
    if len(text.encode()) > MAX_BYTES:
        raise _refusal(source, "it is larger than 4 MiB", "split the model, or look for what was pasted into it")
    loader = _Loader(text)
    try:
        if (line := _too_deep(text)) is not None:
            raise _refusal(
                source, f"it is nested more than {_COMPOSABLE_DEPTH} levels deep", "the model has six levels", line
            )
        root = loader.get_single_node()
        if root is None:
            raise _refusal(source, "it is empty", "write a model, beginning with `account:`")
        reader = _Reader(loader)
        data, findings = reader.plain(root), reader.findings
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        raise _refusal(source, f"it is not YAML: {error.problem}", "correct the syntax", line) from None
    except yaml.YAMLError:
        raise _refusal(source, "it is not YAML: it holds a character that YAML does not allow", "remove it") from None
    finally:
        loader.dispose()
    if not findings and not isinstance(data, dict):
        findings.append(Finding("", "its top is not a mapping", "write `key: value` lines, beginning with `account:`"))
    if findings:
        raise ModelError(source, findings)
    return Document(source, data, root)


def merge(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """The base with the overlay's values laid over it: mappings merge key by key, anything else is replaced."""
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _refusal(source: str, found: str, expected: str, line: int | None = None) -> ModelError:
    return ModelError(source, [Finding("", found, expected, line)])


def _too_deep(text: str) -> int | None:
    """The line on which a text is too deep to be composed; None when it nowhere is."""
    loader, depth = _Loader(text), 0
    try:
        while (kind := type(event := loader.get_event())) is not yaml.StreamEndEvent:
            if kind in _STARTS:
                depth += 1
                if depth > _COMPOSABLE_DEPTH:
                    return int(event.start_mark.line) + 1
            elif kind in _ENDS:
                depth -= 1
    finally:
        loader.dispose()
    return None


def _children(node: yaml.Node) -> dict[int | str, tuple[yaml.Node, int]]:
    """What stands in a node, by key or position, with its line."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: (value, key.start_mark.line + 1) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return {index: (item, item.start_mark.line + 1) for index, item in enumerate(node.value)}
    return {}


class _Reader:
    """Turns nodes into plain values and collects what must not stand there."""

    def __init__(self, loader: Any) -> None:
        self.findings: list[Finding] = []
        self._loader = loader
        self._seen: set[int] = set()

    def plain(self, node: yaml.Node, path: tuple[int | str, ...] = (), near: yaml.Node | None = None) -> Any:
        """The plain value of a node; None where there is none. `near` is its key, or the list that it stands in."""
        if id(node) in self._seen:  # an alias is the anchor's node again, on the anchor's line, and so is a cycle
            return self._refuse(path, near or node, "is an alias (`*name`)", "write the value out")
        self._seen.add(id(node))
        if len(path) > MAX_DEPTH:
            return self._refuse(path, node, f"is nested more than {MAX_DEPTH} levels deep", "the model has six levels")
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.plain(item, (*path, index), node) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _PLAIN_TEXT:
            return node.value
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            try:
                return self._loader.construct_object(node)
            except (ValueError, yaml.YAMLError):
                return self._refuse(path, node, "is not a number that can be read", "write it plainly, or in quotes")
        return self._refuse(path, node, "has a YAML tag", "write the plain value; tags are not allowed here")

    def _mapping(self, node: yaml.MappingNode, path: tuple[int | str, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag not in _SCALARS:
                self._refuse(path, key, "has a key that is not plain text", "use text")
            elif key.value in mapping:
                self._refuse((*path, key.value), key, "stands here a second time", "keep one of them")
            else:
                mapping[key.value] = self.plain(value, (*path, key.value), key)
        return mapping

    def _refuse(self, path: tuple[int | str, ...], node: yaml.Node, found: str, expected: str) -> None:
        self.findings.append(Finding(path_of(path), found, expected, node.start_mark.line + 1))
