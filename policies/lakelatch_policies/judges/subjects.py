"""What issuers put into a subject: how narrow it is."""

import re
from typing import Final

from lakelatch.access.belonging import REPOSITORY

GITHUB: Final = "https://token.actions.githubusercontent.com"
_BROAD_CONTEXT: Final = r":(?:ref|environment|job_workflow_ref|ref_type)?(?::refs/?(?:heads|tags)?/?)?"
_BARE: Final = frozenset({"environment", "ref", "workflow", "pull_request", "repository", "actor", "job_workflow_ref"})


def breadth(subject: str, issuer: str) -> str | None:
    """Say why a subject stands for more than one workload, or None when it names one."""
    if issuer == GITHUB or subject.startswith("repo:"):
        found = re.fullmatch(REPOSITORY, subject)
        if found is None:
            return "names no repository of GitHub, so any may send it" if _names_no_repository(subject) else None
        if re.fullmatch(_BROAD_CONTEXT, found[5] or ":"):
            return "names a repository and no environment, branch or tag of it"
    if subject.startswith("project_path:"):
        parts = subject.split(":")
        if "ref" not in parts and "environment" not in parts:
            return "names a project and no branch, tag or environment of it"
    if subject.startswith("system:serviceaccount"):
        parts = subject.split(":")
        if len(parts) != 4 or not all(parts):
            return "names no single service account"
    account = issuer.endswith(".tokens.sts.global.api.aws") and re.fullmatch(r"\d{12}", subject)
    if account or re.fullmatch(r"arn:aws[a-z-]*:iam::\d*:root", subject):
        return "names a whole AWS account"
    return None


def _names_no_repository(subject: str) -> bool:
    claims = subject.split(":")
    bare = claims[0] in _BARE or subject in ("repo", "repo:") or subject.startswith("repository_owner")
    return bare and not any(claim in ("repo", "repository", "repository_id") for claim in claims[::2])


def malformed(subject: str) -> str | None:
    """Say why GitHub never sends a subject, or None when it could; custom templates are let be."""
    if not subject.startswith("repo:"):
        return None
    found = re.fullmatch(REPOSITORY, subject)
    if found is None:
        return "is not owner and repository, as in repo:OWNER/REPO:… or repo:OWNER@ID/REPO@ID:…"
    if bool(found[2]) != bool(found[4]):
        return "has the id of owner or repository only; GitHub sends both, or none"
    return None


def is_pull_request(subject: str) -> bool:
    """Whether anybody who opens a pull request gets it."""
    return subject.endswith(":pull_request") or ":event_name:pull_request" in subject
