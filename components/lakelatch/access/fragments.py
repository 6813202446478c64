"""A model in several files: teams own theirs, and nothing is said twice.

Entries with a name merge: a service here, a role there. Parts that exist once (`account`, `gateway`, `lifetimes`) stand
in one file whole. The same entry in two files is a conflict, never an override: the order of files has no meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lakelatch.access import document
from lakelatch.access.document import Document
from lakelatch.access.validation import Location
from lakelatch.errors import Finding, ModelError

NAMED: Final = ("workspaces", "issuers", "roles", "services", "people", "rules")
"""Sections whose entries have names."""


@dataclass(frozen=True)
class Documents:
    """Several documents as one, which still knows where each value stood."""

    data: dict[str, Any]
    _main: Document
    _owners: Mapping[Location, Document]
    """Section, or section and entry, to the document that it stands in."""

    def place(self, location: Location) -> tuple[int | None, str | None]:
        """Line of a value, from 1, and its file where that is not the main one."""
        owner = self._owners.get(location[:2]) or self._owners.get(location[:1]) or self._main
        return owner.line(location), None if owner is self._main else owner.source


def read(text: str, source: str, parts: Mapping[str, str]) -> Documents:
    """Parse a model's main text and its fragments, by name.

    Raises:
        ModelError: with everything that is wrong in any of them, and every entry that stands in two.

    """
    if not parts:
        main = document.read(text, source)
        return Documents(main.data, main, {})
    found: list[Document] = []
    findings: list[Finding] = []
    for name, content in {source: text, **parts}.items():
        try:
            found.append(document.read(content, name))
        except ModelError as error:
            findings += [_elsewhere(finding, name, source) for finding in error.findings]
    if findings:
        raise ModelError(source, findings)
    data: dict[str, Any] = {}
    owners: dict[Location, Document] = {}
    for one in found:
        findings += _join(data, owners, one, source)
    if findings:
        raise ModelError(source, findings)
    return Documents(data, found[0], owners)


def _join(data: dict[str, Any], owners: dict[Location, Document], one: Document, main: str) -> list[Finding]:
    """Take what a document says into the data; returns what was said before."""
    findings: list[Finding] = []
    for section, value in one.data.items():
        here: Location = (section,)
        if section in NAMED and isinstance(value, dict) and isinstance(data.get(section, {}), dict):
            entries = data.setdefault(section, {})
            owners.setdefault(here, one)
            for name, entry in value.items():
                if name in entries:
                    findings.append(_twice((section, name), owners[section, name], one, main))
                else:
                    entries[name] = entry
                    owners[section, name] = one
        elif section in data:
            findings.append(_twice(here, owners[here], one, main))
        else:
            data[section] = value
            owners[here] = one
    return findings


def _twice(location: Location, first: Document, second: Document, main: str) -> Finding:
    path = ".".join(str(part) for part in location)
    found = f"stands in {first.source!r} line {first.line(location)} as well"
    return _elsewhere(Finding(path, found, "keep one of them", second.line(location)), second.source, main)


def _elsewhere(finding: Finding, name: str, main: str) -> Finding:
    source = None if name == main else name
    return Finding(finding.path, finding.found, finding.expected, finding.line, source)
