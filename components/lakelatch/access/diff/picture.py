"""The trusts of both sides as one picture: who signs, who takes it, for whom; what comes is green, what goes is red.

Changes are thick or dashed and have a sign. Without scripts and without anything from elsewhere;
colours follow the reader's system, and no meaning is in a colour alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from lakelatch.access.diff.pieces import printable
from lakelatch.access.diff.snapshot import Snapshot
from lakelatch.access.diff.trusts import trust_changes

Kind = Literal["same", "added", "removed", "changed"]

_ROW: Final = 46
_TOP: Final = 76
_COLUMNS: Final = (20, 470, 800)
"""Where issuers, those who trust them, and those for whom they vouch begin."""
_WIDTHS: Final = (380, 220, 280)
_WIDTH: Final = 1100
ROWS: Final = 60
"""So many edges are drawn; changes before what stays."""
_SIGNS: Final[dict[Kind, str]] = {"same": "", "added": "+ ", "removed": "\N{MINUS SIGN} ", "changed": "~ "}
_ORDER: Final[tuple[Kind, ...]] = ("added", "changed", "removed", "same")


@dataclass(frozen=True)
class Edge:
    """One trust: tokens of an issuer, taken by somebody, for somebody."""

    issuer: str
    by: str
    who: str
    kind: Kind


def edges(old: Snapshot, new: Snapshot) -> list[Edge]:
    """Every trust of either side, changes first."""
    found = [
        Edge(trust.issuer, one.by, one.who, "same") for one in new.trusts if (trust := one.trust) and one in old.trusts
    ]
    for change in trust_changes(old.trusts, new.trusts):
        was, now = change.old, change.new
        if was and now and was.issuer == now.issuer:
            found.append(Edge(now.issuer, change.by, change.who, "changed"))
        else:
            found += [Edge(now.issuer, change.by, change.who, "added")] if now else []
            found += [Edge(was.issuer, change.by, change.who, "removed")] if was else []
    return sorted(dict.fromkeys(found), key=lambda edge: (_ORDER.index(edge.kind), edge.issuer, edge.by, edge.who))


def picture(old: Snapshot, new: Snapshot) -> str:
    """An SVG document."""
    every = edges(old, new)
    drawn, rest = every[:ROWS], len(every) - ROWS
    columns = [list(dict.fromkeys(getattr(edge, key) for edge in drawn)) for key in ("issuer", "by", "who")]
    height = _TOP + _ROW * max(1, *map(len, columns)) + (30 if rest > 0 else 0)
    count = {kind: sum(edge.kind == kind for edge in every) for kind in _ORDER}
    told = f"{count['added']} trusts come, {count['removed']} go, {count['changed']} change, {count['same']} stay."
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title desc"'
        f' viewBox="0 0 {_WIDTH} {height}">',
        '<title id="title">Whose tokens are trusted, and what changes</title>',
        f'<desc id="desc">{told} {escape(" ".join(_sentence(edge) for edge in drawn if edge.kind != "same"))}</desc>',
        f"<style>{_STYLE}</style>",
        *(f'<text class="head" x="{x}" y="30">{title}</text>' for x, title in zip(_COLUMNS, _TITLES, strict=True)),
        f'<text class="small" x="{_COLUMNS[0]}" y="54">{told}</text>',
    ]
    lines += [line for edge in reversed(drawn) for line in _lines(edge, columns)]
    for column, names in enumerate(columns):
        kinds = [_kind(name, column, drawn) for name in names]
        lines += [_box(column, row, name, kind) for row, (name, kind) in enumerate(zip(names, kinds, strict=True))]
    if rest > 0:
        lines.append(f'<text class="small" x="{_COLUMNS[0]}" y="{height - 12}">{rest} more are not drawn.</text>')
    return "\n".join([*lines, "</svg>", ""])


_TITLES: Final = ("Who signs", "Who takes it", "For whom")


def _sentence(edge: Edge) -> str:
    verb = {"added": "now takes", "removed": "no longer takes", "changed": "takes other"}[edge.kind]
    return printable(f"{edge.by} {verb} tokens of {edge.issuer} for {edge.who}.")


def _kind(name: str, column: int, drawn: Iterable[Edge]) -> Kind:
    """A box is new or gone when everything at it is."""
    kinds = {edge.kind for edge in drawn if (edge.issuer, edge.by, edge.who)[column] == name}
    return kinds.pop() if len(kinds) == 1 and kinds <= {"added", "removed"} else "same"


def _lines(edge: Edge, columns: Sequence[list[str]]) -> list[str]:
    """From the issuer to who takes its tokens, and on to whom they stand for."""
    rows = [names.index(name) for names, name in zip(columns, (edge.issuer, edge.by, edge.who), strict=True)]
    found = []
    for left in (0, 1):
        x, end = _COLUMNS[left] + _WIDTHS[left], _COLUMNS[left + 1]
        start, stop = (_TOP + _ROW * rows[at] + 15 for at in (left, left + 1))
        middle = (x + end) / 2
        found.append(
            f'<path class="line {edge.kind}" d="M{x} {start} C{middle:g} {start} {middle:g} {stop} {end} {stop}"/>'
        )
    return found


def _box(column: int, row: int, name: str, kind: Kind) -> str:
    x, y, width = _COLUMNS[column], _TOP + _ROW * row, _WIDTHS[column]
    shown, most = printable(name), int((width - 20) / 7.2)
    short = shown if len(shown) <= most else shown[: most - 1] + "…"
    return (
        f"<g><title>{escape(shown)}</title>"
        f'<rect class="box {kind}" x="{x}" y="{y}" width="{width}" height="30" rx="6"/>'
        f'<text x="{x + 10}" y="{y + 20}">{_SIGNS[kind]}{escape(short)}</text></g>'
    )


_STYLE: Final = """
text { font: 13px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2430; }
.head { font-weight: 600; font-size: 15px; } .small { fill: #565d6d; }
.box { fill: #f6f6f7; stroke: #9aa0ad; } .line { fill: none; stroke: #9aa0ad; stroke-width: 1.5; }
.box.added { fill: #e4f5e9; stroke: #1a7f37; } .line.added { stroke: #1a7f37; stroke-width: 3; }
.box.removed { fill: #fdeceb; stroke: #c0392b; }
.line.removed { stroke: #c0392b; stroke-width: 2; stroke-dasharray: 7 5; }
.line.changed { stroke: #a87700; stroke-width: 3; stroke-dasharray: 2 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6e8ee; } .small { fill: #aab0bf; }
.box { fill: #2a2c33; stroke: #6d7382; } .line { stroke: #6d7382; }
.box.added { fill: #16321f; stroke: #4ac26b; } .line.added { stroke: #4ac26b; }
.box.removed { fill: #3d2221; stroke: #e57368; } .line.removed { stroke: #e57368; } .line.changed { stroke: #d9a520; }
svg { background: #1b1d22; }
}
"""
