"""Proves that every issuer's subjects come out to the letter, and that what cannot be exact is refused."""

import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lakelatch.access import subjects

UUID = "2f1e0d9c-8b7a-4695-8473-625140312e1d"
WORKFLOW = "acme/shared/.github/workflows/deploy.yaml@"
COMMIT = "1b2c3d4e5f60718293a4b5c6d7e8f9012a3b4c5d"


def github_job(repository: str, kind: str, name: str) -> str:
    """The subject of a GitHub job, from what the model says of it."""
    if kind == "environment":
        return subjects.github(repository, subjects.github_environment(name))
    return subjects.github(repository, f"ref:{subjects.git_ref(kind, name)}")


@pytest.mark.parametrize(
    ("built", "subject"),
    [
        pytest.param(
            subjects.kubernetes("reports", "nightly-report"),
            "system:serviceaccount:reports:nightly-report",
            id="kubernetes",
        ),
        pytest.param(subjects.kubernetes("a", "b.c"), "system:serviceaccount:a:b.c", id="kubernetes dotted name"),
        pytest.param(
            github_job("acme/etl", "environment", "production"),
            "repo:acme/etl:environment:production",
            id="github environment",
        ),
        pytest.param(
            github_job("acme/etl", "environment", "eu:Prod 1"),
            "repo:acme/etl:environment:eu%3AProd 1",
            id="github colon in an environment",
        ),
        pytest.param(github_job("acme/etl", "heads", "main"), "repo:acme/etl:ref:refs/heads/main", id="github branch"),
        pytest.param(
            github_job("acme/etl", "heads", "feature/a#1"),
            "repo:acme/etl:ref:refs/heads/feature/a#1",
            id="github branch with a slash",
        ),
        pytest.param(github_job("acme/etl", "tags", "v1.4.0"), "repo:acme/etl:ref:refs/tags/v1.4.0", id="github tag"),
        pytest.param(
            subjects.github("acme/etl", "pull_request"), "repo:acme/etl:pull_request", id="github pull request"
        ),
        pytest.param(
            subjects.github("acme_corp/.github", "pull_request"),
            "repo:acme_corp/.github:pull_request",
            id="github managed owner",
        ),
        pytest.param(
            subjects.github("acme/etl", "environment:production", "12345", "67890"),
            "repo:acme@12345/etl@67890:environment:production",
            id="github immutable",
        ),
        pytest.param(
            subjects.github_reusable_workflow(WORKFLOW + "refs/heads/main"),
            "acme/shared/.github/workflows/deploy.yaml@refs/heads/main",
            id="github reusable workflow",
        ),
        pytest.param(
            subjects.github_reusable_workflow(WORKFLOW + "refs/tags/v1"),
            "acme/shared/.github/workflows/deploy.yaml@refs/tags/v1",
            id="github reusable workflow at a tag",
        ),
        pytest.param(
            subjects.github_reusable_workflow(WORKFLOW + COMMIT),
            f"acme/shared/.github/workflows/deploy.yaml@{COMMIT}",
            id="github reusable workflow at a commit",
        ),
        pytest.param(
            subjects.gitlab("acme/data/etl", "branch", "main"),
            "project_path:acme/data/etl:ref_type:branch:ref:main",
            id="gitlab branch",
        ),
        pytest.param(
            subjects.gitlab("acme/etl", "tag", "v1.4.0"),
            "project_path:acme/etl:ref_type:tag:ref:v1.4.0",
            id="gitlab tag",
        ),
        pytest.param(
            subjects.azure_devops("acme", "Data Platform", "p", "etl-deploy"),
            "p://acme/Data Platform/etl-deploy",
            id="azure devops pipeline",
        ),
        pytest.param(
            subjects.azure_devops("acme", "Data Platform", "sc", "databricks"),
            "sc://acme/Data Platform/databricks",
            id="azure devops service connection",
        ),
        pytest.param(subjects.circleci(UUID), UUID, id="circleci"),
        pytest.param(subjects.auth0("aB3dE5fG7"), "aB3dE5fG7@clients", id="auth0"),
        pytest.param(subjects.okta("0oa1a2b3"), "0oa1a2b3", id="okta"),
        pytest.param(subjects.google("104857600123456789012"), "104857600123456789012", id="google"),
        pytest.param(subjects.keycloak(UUID), UUID, id="keycloak"),
        pytest.param(subjects.keycloak_client("nightly-export"), "nightly-export", id="keycloak client"),
        pytest.param(
            subjects.aws("arn:aws:iam::123456789012:role/nightly-export"),
            "arn:aws:iam::123456789012:role/nightly-export",
            id="aws",
        ),
        pytest.param(
            subjects.aws("arn:aws-us-gov:iam::123456789012:role/a/b/c"),
            "arn:aws-us-gov:iam::123456789012:role/a/b/c",
            id="aws with a path",
        ),
        pytest.param(subjects.entra(UUID), UUID, id="entra"),
        pytest.param(subjects.identifier("feed-loader"), "feed-loader", id="any other"),
    ],
)
def test_the_exact_subject(built: str, subject: str) -> None:
    """Each is the string that the vendor's page shows for it."""
    assert built == subject
    assert subjects.looseness(built) is None


def test_the_claim_unless_another_is_named() -> None:
    """RFC 7519 §4.1.2."""
    assert subjects.SUBJECT == "sub"


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


@pytest.mark.parametrize(
    ("repository", "context", "ids", "says"),
    [
        ("acme", "pull_request", (None, None), "owner/name"),
        ("acme/*", "pull_request", (None, None), "owner/name"),
        ("acme/etl/x", "pull_request", (None, None), "owner/name"),
        ("acme:x/etl", "pull_request", (None, None), "owner/name"),
        ("acme@1/etl", "pull_request", (None, None), "owner/name"),
        ("-acme/etl", "pull_request", (None, None), "owner/name"),
        ("acme/" + "a" * 101, "pull_request", (None, None), "owner/name"),
        ("acme/etl\n", "pull_request", (None, None), "owner/name"),
        ("acme/etl", "pull_request", ("1", None), "both"),
        ("acme/etl", "pull_request", (None, "1"), "both"),
        ("acme/etl", "pull_request", ("x", "1"), "owner_id is not a number"),
        ("acme/etl", "pull_request", ("1", ""), "repository_id is not a number"),
        ("acme/etl", "*", (None, None), "not one of GitHub's"),
        ("acme/etl", "", (None, None), "not one of GitHub's"),
        ("acme/etl", "pull_request:1", (None, None), "not one of GitHub's"),
        ("acme/etl", "environment:*", (None, None), "wildcard"),
        ("acme/etl", "ref:refs/heads/*", (None, None), "wildcard"),
        ("acme/etl", "ref:refs/tags/*", (None, None), "wildcard"),
    ],
)
def test_github_refuses(repository: str, context: str, ids: tuple[str | None, str | None], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        subjects.github(repository, context, *ids)
    assert len(str(caught.value).split("; ")) == 2, "what is wrong, and what would be right"


@pytest.mark.parametrize(
    ("environment", "says"),
    [("", "empty"), ("*", "wildcard"), ("a ", "white space"), ("a%3Ab", "escaped"), ("a%3ab", "escaped")],
)
def test_github_environments_that_are_refused(environment: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        subjects.github_environment(environment)


@pytest.mark.parametrize(
    ("workflow", "says"),
    [
        ("", "not a file at a ref"),
        ("deploy.yaml@refs/heads/main", "not a file at a ref"),
        ("acme/shared/.github/workflows/deploy.yaml", "not a file at a ref"),
        ("acme/shared/.github/workflows/deploy.sh@refs/heads/main", "not a file at a ref"),
        ("*/*/.github/workflows/deploy.yaml@refs/heads/main", "owner/name"),
        (WORKFLOW + "main", "not whole"),
        (WORKFLOW + "1b2c3d4", "not whole"),
        (WORKFLOW + "refs/heads/*", "branch is not a name"),
        (WORKFLOW + "refs/tags/a b", "tag is not a name"),
    ],
)
def test_reusable_workflows_that_are_refused(workflow: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        subjects.github_reusable_workflow(workflow)


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "a b", "*", "a*", "a?", "a:b", "a~1", "a^", "a\\b", "a[0]", "a..b", "a//b", "a@{b}", "/a", "a/"),
        *(".a", "a.", "a/.b", "a.lock", "a.lock/b", "a\n", "a\x7f", "a\u00a0b"),
    ],
)
@pytest.mark.parametrize(("kind", "what"), [("heads", "branch"), ("tags", "tag")])
def test_refs_that_git_does_not_take(kind: str, what: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"the {what} is not a name that git takes"):
        subjects.git_ref(kind, name)


@pytest.mark.parametrize(("kind", "what"), [("heads", "branch"), ("tags", "tag")])
def test_a_whole_ref_is_not_doubled(kind: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"the {what} is a whole ref; write its name alone, without refs/{kind}/"):
        subjects.git_ref(kind, f"refs/{kind}/main")


@pytest.mark.parametrize("project", ["etl", "acme/", "/acme/etl", "acme/*", "acme/e:tl", "acme//etl", "a b/c", "-a/b"])
def test_gitlab_refuses_what_is_no_path(project: str) -> None:
    with pytest.raises(ValueError, match="the project is not a path"):
        subjects.gitlab(project, "branch", "main")


@pytest.mark.parametrize(("kind", "what"), [("branch", "branch"), ("tag", "tag")])
def test_gitlab_refuses_wildcards(kind: str, what: str) -> None:
    with pytest.raises(ValueError, match=f"the {what} is not a name"):
        subjects.gitlab("acme/etl", kind, "*")


@pytest.mark.parametrize(
    ("organization", "project", "scheme", "name", "says"),
    [
        ("", "p", "p", "n", "organization"),
        ("a/b", "p", "p", "n", "organization"),
        ("a", "*", "p", "n", "project"),
        ("a", "p ", "p", "n", "project"),
        ("a", "p", "p", "n/m", "pipeline"),
        ("a", "p", "p", "", "pipeline"),
        ("a", "p", "sc", "n\\m", "service connection"),
        ("a", "p", "sc", "n  m", "service connection"),
    ],
)
def test_azure_devops_refuses(organization: str, project: str, scheme: str, name: str, says: str) -> None:
    with pytest.raises(ValueError, match=f"the {says} is not a name that Azure DevOps takes"):
        subjects.azure_devops(organization, project, scheme, name)


@pytest.mark.parametrize(
    ("build", "text", "says"),
    [
        (subjects.circleci, "etl", "project's id is not a UUID"),
        (subjects.circleci, UUID.upper(), "lower case"),
        (subjects.circleci, UUID + "\n", "not a UUID"),
        (subjects.entra, "", "service principal's object id is not a UUID"),
        (subjects.keycloak, "service-account-etl", "service account's id is not a UUID"),
        (subjects.keycloak_client, "etl*", "client id is not exact: it has a wildcard"),
        (subjects.auth0, "", "client id is empty"),
        (subjects.auth0, "a@clients", "no provider"),
        (subjects.okta, "a b", "no provider"),
        (subjects.google, "etl@acme.iam.gserviceaccount.com", "not a number"),
        (subjects.google, "", "not a number"),
        (subjects.google, "1" * 26, "not a number"),
        (subjects.aws, "arn:aws:sts::123456789012:assumed-role/etl/session", "one of its sessions"),
        (subjects.aws, "arn:aws:iam::1:role/etl", "not an ARN of IAM"),
        (subjects.aws, "arn:aws:iam::123456789012:role/*", "not an ARN of IAM"),
        (subjects.aws, "arn:aws:iam::123456789012:user/etl", "not an ARN of IAM"),
        (subjects.identifier, "", "the subject is not exact: it is empty"),
        (subjects.identifier, "a?", "wildcard"),
    ],
)
def test_what_an_issuer_never_sends(build: Callable[[str], str], text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as caught:
        build(text)
    assert len(str(caught.value).split("; ")) == 2, "what is wrong, and what would be right"


WORDS = st.text(alphabet="ab1-_./:@ %3A*?\n", max_size=12)
BUILDERS: dict[str, tuple[int, Callable[..., str]]] = {
    "kubernetes": (2, subjects.kubernetes),
    "github environment": (2, lambda repository, name: github_job(f"a/{repository}", "environment", name)),
    "github branch": (2, lambda repository, name: github_job(f"a/{repository}", "heads", name)),
    "github ids": (2, lambda owner, repository: subjects.github("a/b", "pull_request", owner, repository)),
    "github contexts": (1, lambda context: subjects.github("a/b", context)),
    "github workflow": (1, subjects.github_reusable_workflow),
    "gitlab": (2, lambda project, name: subjects.gitlab(f"a/{project}", "branch", name)),
    "azure devops": (3, lambda one, two, three: subjects.azure_devops(one, two, "p", three)),
    "auth0": (1, subjects.auth0),
    "okta": (1, subjects.okta),
    "google": (1, subjects.google),
    "aws": (1, lambda role: subjects.aws(f"arn:aws:iam::123456789012:role/{role}")),
    "identifier": (1, subjects.identifier),
}


def _built(build: Callable[..., str], parts: tuple[str, ...]) -> str | None:
    try:
        return build(*parts)
    except ValueError:
        return None


@pytest.mark.parametrize("builder", BUILDERS)
@given(data=st.data())
def test_a_subject_that_is_built_is_exact(builder: str, data: st.DataObject) -> None:
    """Whatever goes in: what comes out has no wildcard and no stray white space, or nothing comes out."""
    arity, build = BUILDERS[builder]
    subject = _built(build, data.draw(st.tuples(*[WORDS] * arity)))
    assert subject is None or subjects.looseness(subject) is None


@pytest.mark.parametrize("builder", BUILDERS)
@given(data=st.data())
def test_two_workloads_never_share_a_subject(builder: str, data: st.DataObject) -> None:
    """Separators cannot stand in names, so different inputs give different subjects."""
    arity, build = BUILDERS[builder]
    short = st.tuples(*[st.text(alphabet="ab:/@%3A.-1", min_size=1, max_size=4)] * arity)
    one, other = data.draw(short), data.draw(short)
    assume(one != other)
    subject = _built(build, one)
    assert subject is None or subject != _built(build, other)


def test_kinds_of_one_issuer_never_meet() -> None:
    """A branch called like an environment, a tag or a pull request is still a branch."""
    names = ("production", "pull_request", "v1")
    built = [github_job("acme/etl", kind, name) for kind in ("environment", "heads", "tags") for name in names]
    built += [subjects.gitlab("acme/etl", kind, name) for kind in ("branch", "tag") for name in names]
    built += [subjects.azure_devops("acme", "etl", scheme, name) for scheme in ("p", "sc") for name in names]
    assert len(set(built)) == len(built)


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ("repo:org/repo:environment:prod", None),
        ("8f2c", None),
        ("p://org/two words/pipeline", None),
        ("", "empty"),
        ("repo:org/*", "wildcard"),
        ("repo:org/?", "wildcard"),
        (" a", "white space"),
        ("a ", "white space"),
        ("a\n", "white space"),
        ("a\tb", "white space"),
        ("a\u00a0b", "white space"),
        ("a  b", "white space"),
    ],
)
def test_looseness(subject: str, says: str | None) -> None:
    reason = subjects.looseness(subject)
    assert (reason is None) if says is None else (reason is not None and says in reason)
