"""The parts of the checks that parse: subjects as issuers send them, lengths of time, dates; and the corpus itself,
whose properties are the published SDKs' own."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy
from support.analyzer import Resource
from support.corpus import cases

from lakelatch.access import subjects
from lakelatch.access.belonging import workload
from lakelatch_policies.judges.subjects import GITHUB, breadth, is_pull_request, malformed
from lakelatch_policies.judging import unversioned
from lakelatch_policies.pack import GROUPS, RELATIONS
from lakelatch_policies.reading import DAY, HOUR, at, items, moment, seconds, stands, switch
from lakelatch_sandbox.plugins.check import problems
from lakelatch_sandbox.plugins.sdk import Sdk

names = st.from_regex(r"[A-Za-z0-9]{1,20}(-[A-Za-z0-9]{1,5})?", fullmatch=True)
ids = st.integers(1, 10**9).map(str)
environments = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters=" :-_/"), min_size=1)


@given(names, names, environments.filter(lambda text: not subjects.looseness(text)), ids, ids)
def test_what_the_model_builds_for_github_is_narrow(
    owner: str, name: str, environment: str, owner_id: str, repository_id: str
) -> None:
    """By names and by ids; both are one workload, and neither is a pull request's."""
    context = subjects.github_environment(environment)
    both = [
        subjects.github(f"{owner}/{name}", context),
        subjects.github(f"{owner}/{name}", context, owner_id, repository_id),
    ]
    for subject in both:
        assert breadth(subject, GITHUB) is None
        assert malformed(subject) is None
        assert not is_pull_request(subject)
    assert len({workload(subject, GITHUB) for subject in both}) == 1
    assert is_pull_request(subjects.github(f"{owner}/{name}", "pull_request", owner_id, repository_id))


@given(st.text(), st.sampled_from([GITHUB, "https://gitlab.com", "https://kubernetes.example.com"]))
def test_any_subject_is_judged(subject: str, issuer: str) -> None:
    for text in (subject, f"repo:{subject}", f"project_path:{subject}", f"system:serviceaccount:{subject}"):
        breadth(text, issuer)
        malformed(text)
        assert workload(text, issuer) == workload(text, issuer)


def test_names_of_github_are_one_whatever_their_case() -> None:
    assert workload("repo:Example/ETL:ref:refs/heads/a", GITHUB) == workload("repo:example/etl@2:environment:b", GITHUB)
    assert workload("repo:example/etl", GITHUB) != workload("repo:example/reports", GITHUB)
    assert workload("etl", GITHUB) != workload("etl", "https://gitlab.com")


@pytest.mark.parametrize(
    ("subject", "issuer", "broad"),
    [
        pytest.param("repo:a/b:ref:refs/tags/v1", GITHUB, False, id="tag"),
        pytest.param("repo:a/b:ref:refs/heads", GITHUB, True, id="every-branch"),
        pytest.param("repository_owner:a:environment:prod", GITHUB, True, id="whole-owner"),
        pytest.param("environment:prod:repo:a/b", GITHUB, False, id="custom-order"),
        pytest.param("a/b/.github/workflows/d.yml@refs/heads/main", GITHUB, False, id="reusable-workflow"),
        pytest.param("project_path:a/b:ref_type:tag:ref:v1", "https://gitlab.com", False, id="gitlab-tag"),
        pytest.param("project_path:a/b:ref_type:branch", "https://gitlab.com", True, id="gitlab-every-branch"),
        pytest.param("p://acme/etl/deploy", "https://vstoken.dev.azure.com/1", False, id="azure-pipeline"),
        pytest.param("system:serviceaccount:a:b", "https://k", False, id="service-account"),
        pytest.param("arn:aws:iam::123456789012:role/etl", "https://x.tokens.sts.global.api.aws", False, id="role"),
        pytest.param("123456789012", "https://x.tokens.sts.global.api.aws", True, id="aws-account"),
        pytest.param("123456789012", "https://accounts.google.com", False, id="number-of-google"),
    ],
)
def test_how_much_a_subject_covers(subject: str, issuer: str, broad: bool) -> None:
    assert (breadth(subject, issuer) is not None) is broad


@pytest.mark.parametrize(
    ("text", "life"),
    [
        ("3600s", HOUR),
        ("90m", 5400),
        ("1h30m0s", 5400),
        ("2160h", 90 * DAY),
        ("90d", 90 * DAY),
        ("P90D", 90 * DAY),
        ("P1Y", 365 * DAY),
        ("P2W", 14 * DAY),
        ("P1M", 30 * DAY),
        ("PT1H", HOUR),
        ("P1DT12H", 36 * HOUR),
        ("-1", -1),
        ("", None),
        ("P", None),
        ("PT", None),
        ("1h 30m", None),
        ("for ever", None),
        (True, None),
        (None, None),
    ],
)
def test_lengths_of_time(text: Any, life: float | None) -> None:
    assert seconds(text) == life


@given(st.integers(0, 10**9), st.sampled_from([1, 60, DAY]))
def test_a_number_counts_units_as_text_or_as_a_float(number: int, unit: int) -> None:
    assert seconds(number, unit) == seconds(float(number), unit) == seconds(str(number), unit) == number * unit


@given(st.text())
def test_any_text_is_read_as_time_or_not(text: str) -> None:
    seconds(text)
    moment(text)
    switch(text)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2027-01-31T00:00:00Z", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01-31T02:00:00+02:00", datetime(2027, 1, 31, tzinfo=UTC)),
        (1801353600.0, datetime(2027, 1, 31, tzinfo=UTC)),
        (1801353600000.0, datetime(2027, 1, 31, tzinfo=UTC)),
        ("some day", None),
        (float("1e300"), None),
    ],
)
def test_dates(value: Any, read: datetime | None) -> None:
    assert moment(value) == read


def test_reading_goes_as_far_as_there_is_something() -> None:
    props = unknown_checking_proxy(
        {"a": {"b": ["c"], "d": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}, "e": "", "f": "[secret]"}
    )
    assert at(props, "a.b.c") is None
    assert list(items(at(props, "a.b"))) == ["c"]
    assert list(items(None)) == []
    for path in ("a.d", "f"):
        with pytest.raises(UnknownValueError) as unknown:
            at(props, path)
        assert unknown.value.props == path.split(".")
        assert stands(props, path)
    assert not stands(props, "e")
    assert not stands(props, "a.x")


@pytest.mark.parametrize(
    ("token", "plain"),
    [
        ("azure-native:keyvault/v20230701:Key", "azure-native:keyvault:Key"),
        ("azure-native:keyvault/v20240401preview:Vault", "azure-native:keyvault:Vault"),
        ("azure-native:keyvault:Key", "azure-native:keyvault:Key"),
        ("azure:keyvault/key:Key", "azure:keyvault/key:Key"),
    ],
)
def test_a_version_in_a_type_is_left_out(token: str, plain: str) -> None:
    assert unversioned(token) == plain


SDKS = {"databricks": Sdk("pulumi_databricks"), "azuread": Sdk("pulumi_azuread")}
LEVELS = {check.name: check.level for group in (*GROUPS, RELATIONS) for check in group.checks}
INSTALLED: dict[str, list[Resource]] = {}
for _case in cases(LEVELS):
    for _resource in _case.resources if _case.way == "passing" and not _case.whole else ():
        if _resource.type.split(":")[0] in SDKS:
            INSTALLED.setdefault(_resource.type, []).append(_resource)


@pytest.mark.parametrize("token", sorted(INSTALLED))
def test_the_corpus_speaks_the_published_sdks_language(token: str) -> None:
    """Every property is an input of that type, of its kind; what a check does not look at may be missing."""
    package, _, name = token.partition(":index/")
    module = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.partition(":")[0]).lower()
    fields = SDKS[package].resource(module).inputs
    for resource in INSTALLED[token]:
        wrong = [found for found in problems(resource.properties, fields) if found[1] != "is required and missing"]
        assert wrong == []
