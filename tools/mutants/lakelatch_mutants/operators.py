"""A mutation that cosmic-ray lacks: text. Algorithm names, claim names and subject prefixes are text."""

from collections.abc import Iterator
from typing import Any

import parso
from cosmic_ray.operators.operator import Example, Operator

MARK = "~"
"""What is added to a text; it occurs in none that the code knows."""


class ReplaceText(Operator):  # type: ignore[misc] # cosmic-ray has no types
    """Changes a text that a program reads: an algorithm, a claim, a pattern, a piece of a subject.

    Text with a blank is for people (messages, docstrings), and is left alone.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Where a text stands."""
        if _for_programs(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002 - there is one mutation of a text
        """The node with its text changed."""
        if node.type == "fstring_string":
            node.value += MARK
        else:
            quote = '"""' if node.value.endswith('"""') else node.value[-1]
            node.value = node.value[: -len(quote)] + MARK + quote
        return node

    @classmethod
    def examples(cls) -> tuple[Any, ...]:
        """What changes into what."""
        return (
            Example('x = "RS256"', 'x = "RS256~"'),
            Example('x = ""', 'x = "~"'),
            Example('x = f"repo:{name}"', 'x = f"repo:~{name}"'),
        )


def _for_programs(node: Any) -> bool:
    if node.type == "string":
        return " " not in node.value and not _docstring(node)
    if node.type == "fstring_string":
        pieces = [piece for piece in node.parent.children if piece.type == "fstring_string"]
        return not any(" " in piece.value for piece in pieces)
    return False


def _docstring(node: Any) -> bool:
    """Whether it is a statement of its own: the text below a field, a class or a function."""
    return bool(node.parent.type in ("simple_stmt", "file_input"))


class Provider:
    """What cosmic-ray asks for, by entry point."""

    def __iter__(self) -> Iterator[str]:
        return iter(("ReplaceText",))

    def __getitem__(self, name: str) -> type[Operator]:
        return {"ReplaceText": ReplaceText}[name]


def mutants(source: str) -> list[str]:
    """Every text mutation of a module, for the operator's own tests."""
    changed = []
    for index, leaf in enumerate(_leaves(_tree(source))):
        if _for_programs(leaf):
            tree = _tree(source)
            ReplaceText().mutate(list(_leaves(tree))[index], 0)
            changed.append(tree.get_code())
    return changed


def _tree(source: str) -> Any:
    return parso.parse(source)  # type: ignore[no-untyped-call]


def _leaves(tree: Any) -> Iterator[Any]:
    leaf = tree.get_first_leaf()
    while leaf is not None:
        yield leaf
        leaf = leaf.get_next_leaf()
