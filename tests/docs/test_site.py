"""Proves what the built site promises: it builds strictly, needs no network, and everybody can read its pictures."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.pages import DOCS, ROOT

PICTURES = sorted(DOCS.glob("pictures/*"))
SVG = "{http://www.w3.org/2000/svg}"
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href"), ("object", "data")}
"""What a browser fetches by itself; where a reader may click is another matter."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        check=True,
    )
    return folder


class _Loaded(HTMLParser):
    """Collects the addresses that a page makes a browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.classes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if (tag, name) in LOADED and value and ("rel", "canonical") not in attrs:
                self.addresses.append(value)
            if name == "class" and value:
                self.classes.update(value.split())


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        found = _Loaded()
        found.feed(page.read_text(encoding="utf-8"))
        assert found.addresses
        assert [address for address in found.addresses if urlsplit(address).netloc] == [], page
        # The theme's script fetches a drawing library for these, and the repository's stars for that.
        assert not found.classes & {"mermaid", "md-source"}, page


def test_no_stylesheet_loads_anything_from_elsewhere(site: Path) -> None:
    sheets = sorted(site.rglob("*.css"))
    assert sheets
    for sheet in sheets:
        text = sheet.read_text(encoding="utf-8")
        assert not re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//[^)\"']+", text), sheet


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
class TestPictures:
    def test_it_is_a_drawing_with_a_title_and_a_description(self, picture: Path) -> None:
        drawing = ElementTree.parse(picture).getroot()
        assert drawing.tag == f"{SVG}svg"
        assert drawing.get("role") == "img"
        for part in ("title", "desc"):
            found = drawing.find(f"{SVG}{part}")
            assert found is not None
            assert found.text
            assert found.get("id") in str(drawing.get("aria-labelledby")).split()

    def test_it_can_be_read_in_the_dark(self, picture: Path) -> None:
        assert "@media (prefers-color-scheme: dark)" in picture.read_text(encoding="utf-8")

    def test_it_holds_nothing_that_runs_or_loads(self, picture: Path) -> None:
        drawing = ElementTree.parse(picture)
        for element in drawing.iter():
            assert element.tag.removeprefix(SVG) not in ("script", "image", "foreignObject", "use", "a")
            assert not any(name.endswith("href") or name.startswith("on") for name in element.attrib)

    def test_a_page_shows_it_and_says_what_it_shows(self, picture: Path) -> None:
        shown = [
            page for page in DOCS.rglob("*.md") if re.search(rf"!\[.{{20,}}\]\([^)]*{picture.name}\)", page.read_text())
        ]
        assert shown
