"""The advisory policy on Entra's secrets: an end date that the plugin does not send is flagged, known or not."""

from collections.abc import Callable
from typing import Any

import pytest
from pulumi.runtime.rpc import UNKNOWN
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy
from pulumi_policy.policy import _NotApplicableError

from lakelatch_policies.pack import POLICIES
from lakelatch_policies.secret_end_date import RELATIVE_END, TYPES

Validate = Callable[[ResourceValidationPolicy, str, dict[str, Any]], list[str]]
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "240h"}


@pytest.mark.parametrize("token", sorted(TYPES), ids=["application", "service-principal"])
@pytest.mark.parametrize(
    ("properties", "flagged"),
    [
        pytest.param({}, False, id="absent"),
        pytest.param({"endDateRelative": None}, False, id="null"),
        pytest.param({"endDate": "2027-01-31T00:00:00Z"}, False, id="absolute"),
        pytest.param({"endDateRelative": "240h"}, True, id="relative"),
        pytest.param({"endDateRelative": UNKNOWN}, True, id="unknown"),
        pytest.param({"endDateRelative": SECRET}, True, id="secret"),
        pytest.param({"endDate": "2027-01-31T00:00:00Z", "endDateRelative": "240h"}, True, id="both"),
    ],
)
def test_an_end_that_is_not_sent(validate: Validate, token: str, properties: dict[str, Any], flagged: bool) -> None:
    found = validate(RELATIVE_END, token, properties)
    assert [text.partition(":")[0] for text in found] == ["endDateRelative"] * flagged
    assert "240h" not in "".join(found)


def test_other_types_are_none_of_its_business(validate: Validate) -> None:
    with pytest.raises(_NotApplicableError):
        validate(RELATIVE_END, "azuread:index/application:Application", {"endDateRelative": "240h"})


def test_it_flags_and_does_not_block() -> None:
    assert RELATIVE_END in POLICIES
    assert RELATIVE_END.enforcement_level is EnforcementLevel.ADVISORY
