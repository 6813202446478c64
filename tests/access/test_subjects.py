"""Proves that subjects come out to the letter, and that what cannot be exact is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakelatch.access import subjects


@pytest.mark.parametrize(
    ("namespace", "account", "subject"),
    [
        ("reports", "nightly-report", "system:serviceaccount:reports:nightly-report"),
        ("a", "b.c", "system:serviceaccount:a:b.c"),
    ],
)
def test_kubernetes(namespace: str, account: str, subject: str) -> None:
    assert subjects.kubernetes(namespace, account) == subject


@pytest.mark.parametrize(
    ("namespace", "account"),
    [
        ("", "a"),
        ("a", ""),
        ("Reports", "a"),
        ("a:b", "c"),
        ("a", "b:c"),
        ("a" * 64, "b"),
        ("-a", "b"),
        ("a", "*"),
        ("a\n", "b"),
        ("a", "b\n"),
    ],
)
def test_kubernetes_refuses_what_no_cluster_accepts(namespace: str, account: str) -> None:
    with pytest.raises(ValueError, match="is not a DNS"):
        subjects.kubernetes(namespace, account)


@given(st.text(), st.text())
def test_two_workloads_never_share_a_subject(first: str, second: str) -> None:
    """The separator cannot stand in a name, so different pairs give different subjects."""
    try:
        subject = subjects.kubernetes(first, second)
    except ValueError:
        return
    assert subject.split(":") == ["system", "serviceaccount", first, second]


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("repo:org/repo:environment:prod", None),
        ("8f2c", None),
        ("", "empty"),
        ("repo:org/*", "wildcard"),
        ("repo:org/?", "wildcard"),
        (" a", "white space"),
        ("a\n", "white space"),
        ("a b", "white space"),
    ],
)
def test_looseness(subject: str, says: str | None) -> None:
    reason = subjects.looseness(subject)
    assert (reason is None) if says is None else (reason is not None and says in reason)
