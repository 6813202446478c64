"""Wrong inputs are told all at once, at their place; what is not known before the deployment is not judged."""

from collections.abc import Callable
from typing import Any

import pytest

from lakelatch.plugin.values import Unknown
from lakelatch_provider.findings import findings
from lakelatch_provider.paths import property_path

Make = Callable[..., dict[str, Any]]


def service(make: Make, **changes: Any) -> dict[str, Any]:
    return dict(make()["services"]["nightly-report"]) | changes


def told(inputs: dict[str, Any]) -> dict[str, str]:
    return {property_path(path): reason for path, reason in findings(inputs)}


def test_a_configuration_that_holds(config_data: Make) -> None:
    assert findings({"directory": "gateway", "config": config_data()}) == []


def test_all_at_once_with_their_places(config_data: Make) -> None:
    config = config_data(
        host="http://gateway.example.com",
        listen={"port": 0.0},
        services={"nightly-report": service(config_data, subject="system:*", owner="me")},
    )
    found = told({"directory": 3.0, "config": config, "dir": "x"})
    assert set(found) == {
        "dir",
        "directory",
        "config.host",
        "config.listen.port",
        'config.services["nightly-report"].subject',
        'config.services["nightly-report"].owner',
    }


@pytest.mark.parametrize("missing", ["directory", "config"])
def test_missing(config_data: Make, missing: str) -> None:
    inputs = {"directory": "gateway", "config": config_data()}
    del inputs[missing]
    assert set(told(inputs)) == {missing}


def test_a_rule_over_several_values(config_data: Make) -> None:
    config = config_data(services={"nightly-report": service(config_data, issuer="okta")})
    assert told({"directory": "d", "config": config}) == {
        "config": "service 'nightly-report' names the unknown issuer 'okta'; correct it"
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"services": Unknown()}, id="services"),
        pytest.param({"host": Unknown()}, id="host"),
        pytest.param({"listen": {"port": Unknown()}}, id="number"),
        pytest.param({"issuers": {"entra": {"issuer": Unknown(), "audience": Unknown()}}}, id="issuer"),
    ],
)
def test_an_unknown_is_not_judged(config_data: Make, change: dict[str, Any]) -> None:
    assert findings({"directory": Unknown(), "config": config_data(**change)}) == []


def test_two_unknown_subjects_are_not_the_same(config_data: Make) -> None:
    unknown = service(config_data, subject=Unknown(), application_id=Unknown())
    config = config_data(services={"one": unknown, "two": dict(unknown)})
    assert findings({"directory": "d", "config": config}) == []


def test_an_unknown_issuer_name_is_not_judged(config_data: Make) -> None:
    config = config_data(services={"one": service(config_data, issuer=Unknown(), roles={"r": [Unknown()]})})
    assert findings({"directory": "d", "config": config}) == []


def test_what_is_known_beside_an_unknown_is_judged(config_data: Make) -> None:
    config = config_data(services={"one": service(config_data, subject=Unknown(), owner="me")}, host="ftp://x")
    assert set(told({"directory": "d", "config": config})) == {"config.host", "config.services.one.owner"}


def test_no_value_is_quoted(config_data: Make) -> None:
    config = config_data(host="http://hidden-value.example.com", listen={"port": "hidden-value"})
    assert "hidden-value" not in str(findings({"directory": "d", "config": config}))
