"""Exact subjects: the claim that each issuer puts into a workload's token, to the letter.

Databricks compares a subject without patterns (no wildcard, no case folding), so a trust is exact or it does not work.
Every builder raises ValueError with "what is wrong; what would be right" for a value that its issuer never sends, and
two different inputs of one builder never give the same subject.
"""

from lakelatch.access.subjects.exact import SUBJECT, identifier, looseness, number
from lakelatch.access.subjects.jobs import (
    azure_devops,
    circleci,
    git_ref,
    github,
    github_environment,
    github_reusable_workflow,
    gitlab,
)
from lakelatch.access.subjects.platforms import aws, google, kubernetes
from lakelatch.access.subjects.providers import auth0, entra, keycloak, keycloak_client, okta

__all__ = [
    "SUBJECT",
    "auth0",
    "aws",
    "azure_devops",
    "circleci",
    "entra",
    "git_ref",
    "github",
    "github_environment",
    "github_reusable_workflow",
    "gitlab",
    "google",
    "identifier",
    "keycloak",
    "keycloak_client",
    "kubernetes",
    "looseness",
    "number",
    "okta",
]
