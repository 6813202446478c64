"""Proves that the troubleshooting pages can be used: each text stands once, with cause and fix, and is really said."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.pages import DOCS, ROOT, headings

FOLDER = DOCS / "troubleshooting"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page.name != "index.md")
ENTRIES = [(page, heading) for page in PAGES for heading in headings(page)]
OURS = sorted(
    file for room in ("components", "gateway", "policies", "provider") for file in (ROOT / room).rglob("*.py")
)
SAID_BY_PACKAGES = {
    "`cannot configure default credentials`": "databricks.sdk.credentials_provider",
    "`more than one authorization method configured`": "databricks.sdk.config",
    "`SYSTEM_ACCESSTOKEN env var not found`": "databricks.sdk.oidc_token_supplier",
}
"""Texts of packages that are installed here."""
SAID_BY_US = ["`is above 2^53 and would be rounded`", "`federation-signing-algorithm`"]
"""Texts of ours on pages of others."""


def entry(page: Path, heading: str) -> str:
    """The text below a heading, to the next."""
    _, _, rest = page.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(("page", "heading"), ENTRIES, ids=[f"{page.stem}-{heading}" for page, heading in ENTRIES])
def test_an_entry_has_a_cause_and_a_fix(page: Path, heading: str) -> None:
    text = entry(page, heading)
    assert text.count("**Cause.**") == 1
    assert text.count("**Fix.**") == 1
    assert text.index("**Cause.**") < text.index("**Fix.**")


def test_no_text_stands_twice() -> None:
    found = [heading for _, heading in ENTRIES]
    assert len(found) > 50
    assert sorted(set(found)) == sorted(found)


@pytest.mark.parametrize(
    "heading", [heading for page, heading in ENTRIES if page.stem == "gateway" and heading.startswith("`")] + SAID_BY_US
)
def test_what_the_product_is_said_to_say_it_says(heading: str) -> None:
    """A text that was reworded in the code must be reworded here too."""
    said = heading.strip("`")
    joined = (re.sub(r'"\s+f?"', "", file.read_text(encoding="utf-8")) for file in OURS)
    assert any(said in text for text in joined)


@pytest.mark.parametrize(("heading", "module"), SAID_BY_PACKAGES.items())
def test_what_a_package_is_said_to_say_it_says(heading: str, module: str) -> None:
    assert heading in [known for _, known in ENTRIES]
    spec = find_spec(module)
    assert spec is not None
    assert heading.strip("`") in Path(str(spec.origin)).read_text(encoding="utf-8")


def test_every_page_is_named_by_the_first() -> None:
    linked = set(re.findall(r"\]\((\w+\.md)\)", (FOLDER / "index.md").read_text(encoding="utf-8")))
    assert linked == {page.name for page in PAGES}
