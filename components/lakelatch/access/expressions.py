"""Conditions in CEL (Common Expression Language, cel-spec v0.24): what they may speak of, and what they come to.

The library is Google's `cel-cpp` with a Python face; Envoy evaluates with `cel-cpp` as well. Only a condition that
comes to `true` is proven: one that fails, because a field is missing for example, and one that is no boolean are not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

VOCABULARY: Final[Mapping[str, tuple[str, str]]] = {
    "identity.service": ("string", "Name of the service in the model"),
    "identity.environment": ("string", "Environment of its workspace"),
    "identity.issuer": ("string", "The token's `iss`"),
    "identity.subject": ("string", "The token's subject claim"),
    "identity.roles": ("list(string)", "Names of its roles"),
    "action.name": ("string", "As in the catalogue, `jobs.run_now`"),
    "action.access": ("string", "`read` or `write`"),
    "request.time": ("timestamp", "When the request came"),
    "request.method": ("string", "`GET`, `POST`, …"),
    "request.headers": ("map(string, string)", "Lower-case names; the client chooses what they say"),
    "claims": ("map(string, dyn)", "Every claim of the verified token"),
    "path": ("map(string, string)", "Variable segments of the action's path, as in `path.id`"),
    "body": ("map(string, dyn)", "What is read of the body, as in `body.row_limit`; see the reference of attributes"),
}
"""What an expression may name, each with its type and meaning."""

INSPECTED: Final = frozenset({"path", "body"})
"""Names whose values have to be read out of the request first."""


@dataclass(frozen=True)
class Expression:
    """A condition whose names and types are checked."""

    text: str
    program: Any
    """The library's compiled form."""
    names: tuple[str, ...]
    """The words of the vocabulary that stand in the text, those within quotes too: what has to be handed over."""

    def proven(self, attributes: Mapping[str, Any]) -> bool:
        """Whether it comes to `true`; `attributes` by the vocabulary's names; without one, nothing of it is."""
        try:
            told = {name: attributes[name] for name in self.names}
        except KeyError:
            told = {name: attributes[name] for name in self.names if name in attributes}
        try:
            return self.program.eval(data=told).value() is True
        except (RuntimeError, ValueError, TypeError):
            return False

    @property
    def serialized(self) -> bytes:
        """A `google.protobuf.Any` with a `cel.expr.CheckedExpr`."""
        return bytes(self.program.serialize())


_ACCUMULATORS: Final = (b"@result", b"__result__")
"""Names that the library gives to the running result of a loop, for which Envoy's evaluator has no support."""

_REFUSED: Final = re.compile(r"(?<![A-Za-z0-9_])(matches|int|uint|double|string|bytes|dyn|type)\s*\(")
"""Functions that Envoy ends a whole condition with when a value is missing, also where the rest decides: there
`missing.matches('a') && false` is no `false`. What rules speak of has its type already, so none has to be converted."""
_QUOTED: Final = re.compile(r"""(?:[rR]?)(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""")

_TEXTS: Final = re.compile(r"""('[^'\n]*'|"[^"\n]*")""")

_SPACE: Final = re.compile(r"\s+")
"""`request . headers` is `request.headers`."""


@lru_cache(maxsize=4096)
def expression(text: str) -> Expression:
    """Check and compile a condition.

    Raises:
        ValueError: it is no CEL, speaks of something that is not there, or cannot be a boolean; says where.

    """
    try:
        program = _environment().compile(text)
    except RuntimeError as error:
        raise ValueError(_first_line(str(error))) from None
    kind = program.return_type().name()
    if kind not in ("BOOL", "DYN"):
        raise ValueError(f"it comes to {kind.lower()}, not to true or false")
    if found := _REFUSED.search(_QUOTED.sub("''", text)):
        raise ValueError(
            f"it uses `{found[1]}`, which Envoy does not evaluate as CEL says; compare values as they are, with"
            " `startsWith`, `in` or `==`"
        )
    serialized = program.serialize()
    if any(name in serialized for name in _ACCUMULATORS):
        raise ValueError(
            "it uses `exists`, `all`, `map` or `filter`, which Envoy does not evaluate; write `one in [a, b]`"
        )
    return Expression(text, program, tuple(name for name in VOCABULARY if name in _SPACE.sub("", text)))


_BLANKS: Final = (
    (re.compile(r"\s+"), " "),
    (re.compile(r"(?<!\bin) (?=[(\[])"), ""),
    (re.compile(r"\bin(?=[(\[])"), "in "),
    (re.compile(r" ?(==|!=|<=|>=|&&|\|\||[<>](?!=)|[?:+*/%]) ?"), r" \1 "),
    (re.compile(r" ?\. ?"), "."),
    (re.compile(r" ?, ?"), ", "),
    (re.compile(r"([(\[!]) (?!=)"), r"\1"),
    (re.compile(r" ([)\]])"), r"\1"),
)
"""White space between tokens in one form; none is joined to another or taken apart."""


def one_form(text: str) -> str:
    """A condition with the white space that CEL ignores in one form, so that a line break is no change.

    Texts stay as they are within quotes, and as a whole where quotes cannot be told by sight: with a backslash, a quote
    of three, or a comment.
    """
    parts = _TEXTS.split(text)
    if any(mark in text for mark in ("\\", "'''", '"""')) or any("//" in code for code in parts[::2]):
        return text
    for blank, form in _BLANKS:
        parts[::2] = [blank.sub(form, code) for code in parts[::2]]
    return "".join(parts).strip()


@cache
def _environment() -> Any:
    from cel_expr_python import cel  # a large extension module: loaded where there are rules

    kinds = {
        "string": cel.Type.STRING,
        "timestamp": cel.Type.TIMESTAMP,
        "list(string)": cel.Type.List(cel.Type.STRING),
        "map(string, string)": cel.Type.Map(cel.Type.STRING, cel.Type.STRING),
        "map(string, dyn)": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
    }
    return cel.NewEnv(variables={name: kinds[kind] for name, (kind, _) in VOCABULARY.items()})


def _first_line(message: str) -> str:
    """`INVALID_ARGUMENT: ERROR: <input>:1:9: undeclared …` without what only the library knows."""
    line = message.splitlines()[0]
    _, _, told = line.rpartition("<input>:")
    position, _, reason = told.partition(": ")
    return f"{reason.split(' (in container')[0]} (at {position})" if reason else line
