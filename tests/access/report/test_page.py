"""Proves in a real browser that the report opens, is searched, tells what is decided, and reaches for nothing."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from support.browser import Browser, browser
from support.wide import WIDE, text

from lakelatch.access.model import AccessModel
from lakelatch.access.report.data import data
from lakelatch.access.report.page import page

EVIL: Final = "</script><script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a model with a thousand services, rules, and texts that would like to be markup."""
    raw: Any = yaml.safe_load(WIDE)
    raw["roles"]["reader"]["description"] = EVIL
    raw["roles"]["wide"] = {"workspace": "analytics", "actions": ["jobs.*", "warehouses.*", "clusters.*"]}
    raw["rules"] = {
        "cap": {
            "description": EVIL,
            "for": {"actions": ["statement_execution.execute_statement"]},
            "limit": {"row_limit": 100},
        }
    }
    for number in range(1000):
        workload = {"client_id": f"0oa-{number}"}
        row = {"issuer": "okta", "workspace": "analytics", "roles": ["wide"], "workload": workload}
        raw["services"][f"service-{number}"] = row
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(page(data(AccessModel.read(text(raw)), "stacks/access.yaml")), encoding="utf-8")
    return file


def rows(chromium: Browser) -> list[str]:
    found: list[str] = chromium.run("[...document.querySelectorAll('ul.rows > li > a')].map((one) => one.textContent)")
    return found


def test_the_page_needs_nothing_and_complains_of_nothing(chromium: Browser, file: Path) -> None:
    chromium.open(file)
    asked = [one["request"]["url"] for one in chromium.told("Network.requestWillBeSent")]
    assert asked == [file.as_uri()]
    assert not chromium.told("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
    assert not re.search(r"(?:src|href)=[\"']?https?:", file.read_text(encoding="utf-8"))


def test_the_policy_of_the_page_lets_no_other_script_run_and_nothing_be_fetched(chromium: Browser, file: Path) -> None:
    chromium.open(file)
    script = "document.head.append(Object.assign(document.createElement('script'), {text: 'window.other = 1'}))"
    chromium.run(script)
    assert chromium.run("window.other") is None
    fetched = "fetch('data:text/plain,x').then(() => 'fetched', () => 'refused')"
    assert chromium.run(fetched) == "refused"


def test_only_what_is_seen_is_drawn(chromium: Browser, file: Path) -> None:
    chromium.open(file)
    assert chromium.run("document.getElementById('status').textContent") == "1,004 identities"
    assert len(rows(chromium)) == 100
    assert chromium.run("document.querySelectorAll('*').length") < 1500
    for more in range(10):
        assert len(rows(chromium)) == min(100 * (more + 1), 1004)
        chromium.run("document.querySelector('#view > button').click()")
    assert len(rows(chromium)) == 1004
    assert chromium.run("document.querySelector('#view > button').hidden")


def test_keys_alone_find_somebody_and_go_back(chromium: Browser, file: Path) -> None:
    chromium.open(file)
    chromium.press("/")
    assert chromium.run("document.activeElement.id") == "query"
    chromium.write("0oa-77 okta")
    assert rows(chromium) == ["service-77", *(f"service-{number}" for number in range(770, 780))]
    assert chromium.run("document.getElementById('status').textContent") == "11 identities found"
    chromium.press("Enter")
    for _ in range(20):
        chromium.press("Tab")
        if chromium.run("document.activeElement.textContent") == "service-77":
            break
    chromium.press("Enter")
    assert chromium.run("location.hash") == "#who/service-77"
    assert chromium.run("document.activeElement.textContent") == "service-77"
    chromium.run("history.back()")
    chromium.settle()
    assert len(rows(chromium)) == 11


def test_somebody_is_shown_with_every_action_its_role_and_its_terms(chromium: Browser, file: Path) -> None:
    chromium.open(file, "#who/exporter")
    told: list[list[str]] = chromium.run(
        "(async () => { for (const one of document.querySelectorAll('details')) one.open = true;"
        " await new Promise((done) => setTimeout(done, 0)); await new Promise(requestAnimationFrame);"
        " return [...document.querySelectorAll('details li')].map((one) =>"
        " [one.querySelector('a').textContent, ...[...one.querySelectorAll('p')].map((p) => p.textContent)]); })()"
    )
    found = {name: rest for name, *rest in told}
    assert len(found) == len(told) == 7
    assert found["current_user.me"] == ["by the role reader"]
    assert found["statement_execution.execute_statement"] == [
        "by the role reader",
        "only if body.row_limit <= 100",
    ]


def test_whoever_goes_round_the_gateway_is_shown_as_such(chromium: Browser, file: Path) -> None:
    for address in ("#who/etl-deploy", "#people/analysts"):
        chromium.open(file, address)
        told = chromium.run("document.querySelector('.warning').textContent")
        assert told.startswith("Goes round the gateway: there nothing checks its actions")
        assert chromium.run("document.querySelectorAll('details').length") == 0


def test_an_action_is_shown_with_everybody_who_may_do_it(chromium: Browser, file: Path) -> None:
    chromium.open(file, "#action/statement_execution.execute_statement")
    assert rows(chromium) == ["nightly-report", "exporter"]
    assert "etl-deploy, analysts" in chromium.run("document.getElementById('view').textContent")
    chromium.open(file, "#action/jobs.run_now")
    assert "1,000 identities" in chromium.run("document.getElementById('view').textContent")


@pytest.mark.parametrize(
    "fragment", ["", "#who/nobody", "#action/x", "#who/%E0%A4%A", "#people/exporter", "#no/such", "#__proto__"]
)
def test_no_address_breaks_the_page(chromium: Browser, file: Path, fragment: str) -> None:
    chromium.open(file, fragment)
    assert chromium.run("document.getElementById('view').textContent.length") > 10
    assert not chromium.told("Log.entryAdded", "Runtime.exceptionThrown")


def test_no_text_of_the_model_is_taken_for_markup(chromium: Browser, file: Path) -> None:
    chromium.open(file, "#who/exporter")
    assert EVIL in chromium.run("document.getElementById('view').textContent")
    chromium.open(file, "#rules")
    assert EVIL in chromium.run("document.getElementById('view').textContent")
    assert chromium.run("window.hacked") is None
    assert chromium.run("document.querySelectorAll('img').length") == 0


CONTRAST: Final = """[...document.querySelectorAll('body *')].filter((one) => one.checkVisibility()
    && [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())).map((one) => {
  const solid = (at) => at && getComputedStyle(at).backgroundColor;
  let at = one;
  while (at && solid(at) === 'rgba(0, 0, 0, 0)') at = at.parentElement;
  return [one.textContent.trim().slice(0, 40), getComputedStyle(one).color, solid(at) || 'rgb(255, 255, 255)'];
})"""


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""

    def luminance(colour: str) -> float:
        channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


VIEWS: Final = ("", "#actions", "#trusts", "#rules", "#who/exporter", "#people/analysts")


@pytest.mark.parametrize(("scheme", "fragment"), list(itertools.product(("light", "dark"), VIEWS)))
def test_every_text_can_be_read_by_day_and_by_night(chromium: Browser, file: Path, scheme: str, fragment: str) -> None:
    """At least 4.5 to 1 (WCAG 2.2, success criterion 1.4.3)."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    chromium.call("Emulation.setEmulatedMedia", features=features)
    chromium.open(file, fragment)
    ground = chromium.run("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(22, 24, 29)")
    told = chromium.run(CONTRAST)
    assert len(told) > 10
    assert not [row for row in told if contrast(row[1], row[2]) < 4.5]


@pytest.mark.parametrize("fragment", VIEWS)
def test_a_narrow_window_has_nothing_beside_it(chromium: Browser, file: Path, fragment: str) -> None:
    """Of 320 pixels (WCAG 2.2, success criterion 1.4.10)."""
    chromium.call("Emulation.setDeviceMetricsOverride", width=320, height=600, deviceScaleFactor=1, mobile=True)
    try:
        chromium.open(file, fragment)
        assert chromium.run("document.documentElement.scrollWidth") <= 320
    finally:
        chromium.call("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize("fragment", VIEWS)
def test_whoever_hears_the_page_hears_all_of_it(chromium: Browser, file: Path, fragment: str) -> None:
    chromium.open(file, fragment)
    nodes = [one for one in chromium.call("Accessibility.getFullAXTree")["nodes"] if not one.get("ignored")]
    roles = [(one["role"]["value"], one.get("name", {}).get("value", "")) for one in nodes]
    assert ("searchbox", "Search services, people, actions, roles, subjects") in roles
    assert {("main", ""), ("navigation", "Views")} <= set(roles)
    assert not [role for role, name in roles if role in ("link", "button", "heading", "searchbox") and not name]
    levels = chromium.run("[...document.querySelectorAll('h1, h2, h3')].map((one) => +one.tagName[1])")
    assert levels[:2] == [1, 2]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_without_scripts_the_page_says_where_else_to_look(chromium: Browser, file: Path) -> None:
    chromium.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(file)
        nodes = chromium.call("Accessibility.getFullAXTree")["nodes"]
    finally:
        chromium.call("Emulation.setScriptExecutionDisabled", value=False)
    assert any("lakelatch access show" in one.get("name", {}).get("value", "") for one in nodes)
