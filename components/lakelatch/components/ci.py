"""The two identities of a repository's CI: one that previews and can only read, one that deploys."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi

from lakelatch.components.arguments import (
    WorkspaceProvider,
    account_provider,
    known_later,
    require,
    workspace_provider,
)
from lakelatch.components.ci_source import KINDS, AzureDevopsCi, GithubCi, GitlabCi, source_findings, trusts
from lakelatch.components.identity import ServiceIdentityArgs, make_identity
from lakelatch.components.rights import UnityCatalogGrant, right_findings
from lakelatch.components.role import workspace_findings
from lakelatch.components.trust import TrustPolicy, make_trust
from lakelatch.errors import Finding

READING = frozenset({"BROWSE", "USE_CATALOG", "USE_SCHEMA", "SELECT", "READ_VOLUME"})
"""Privileges that change nothing. Source: Databricks, "Unity Catalog privileges and securable objects"."""


class CiIdentityArgs(TypedDict):
    """Whose jobs they are, and what each may do; exactly one of `github`, `gitlab` and `azure_devops`."""

    display_name: str
    """What people see in the account console, before ` preview` and ` deploy`."""
    account_id: str
    """The account's id: the audience that jobs of GitHub and GitLab ask for."""
    workspace_id: str
    """The numeric id of the workspace that both work in, as text."""
    github: NotRequired[GithubCi]
    """A repository on GitHub. A preview is any pull request that is not from a fork."""
    gitlab: NotRequired[GitlabCi]
    """A project on GitLab. A preview is any job of the project."""
    azure_devops: NotRequired[AzureDevopsCi]
    """A project on Azure DevOps. A preview is any run of its pipeline."""
    preview_grants: NotRequired[list[UnityCatalogGrant]]
    """What previews read: BROWSE, USE_CATALOG, USE_SCHEMA, SELECT and READ_VOLUME, nothing else. None by default."""
    deploy_groups: NotRequired[dict[str, pulumi.Input[str]]]
    """Groups that the deploying principal is a member of: a name that never changes, to the group's numeric id. That of
    previews is in none: nobody could see here what a group may do."""
    deploy_entitlements: NotRequired[list[str]]
    """All entitlements of the deploying principal's own. Left out: they are not touched."""
    deploy_grants: NotRequired[list[UnityCatalogGrant]]
    """Unity Catalog privileges of the deploying principal's own."""
    workspace_provider: NotRequired[WorkspaceProvider]
    """A databricks provider of the workspace, needed for entitlements and grants."""


class CiIdentity(pulumi.ComponentResource):
    """Two service principals without any secret: pull requests become one that only reads, and one protected
    environment, branch or service connection becomes the one that deploys.

    Needs an account-level databricks provider in `opts`.
    """

    preview_application_id: pulumi.Output[str]
    """`DATABRICKS_CLIENT_ID` of previews."""
    preview_service_principal_id: pulumi.Output[str]
    """The numeric id of the principal that previews, as text."""
    deploy_application_id: pulumi.Output[str]
    """`DATABRICKS_CLIENT_ID` of deployments."""
    deploy_service_principal_id: pulumi.Output[str]
    """The numeric id of the principal that deploys, as text; for roles that it is to have."""

    def __init__(self, name: str, args: CiIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("lakelatch:index:CiIdentity", name, None, opts)
        wrong = known_later(args, ("deploy_groups",)) or self._findings(args)
        require("CiIdentity", name, [*wrong, *account_provider(self)])
        [kind] = _named(args)
        preview, deploy = trusts(kind, args[kind], args["account_id"])  # type: ignore[literal-required]
        self.preview_service_principal_id, self.preview_application_id = self._principal(
            name, "preview", args, preview, {"grants": args.get("preview_grants") or []}
        )
        rights = {key: args[f"deploy_{key}"] for key in ("groups", "entitlements", "grants") if f"deploy_{key}" in args}  # type: ignore[literal-required]
        self.deploy_service_principal_id, self.deploy_application_id = self._principal(
            name, "deploy", args, deploy, rights
        )
        self.register_outputs({key: getattr(self, key) for key in CiIdentity.__annotations__})

    def _principal(
        self, name: str, purpose: str, args: CiIdentityArgs, trust: TrustPolicy, rights: dict[str, object]
    ) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        identity: ServiceIdentityArgs = {
            "display_name": f"{args['display_name'].strip()} {purpose}",
            "workspace_id": args["workspace_id"],
            "workspace_provider": args.get("workspace_provider"),
            **rights,  # type: ignore[typeddict-item]
        }
        principal_id, application_id = make_identity(f"{name}-{purpose}", identity, self)
        policies = {"service_principal_id": principal_id, "policies": {purpose: trust}}
        make_trust(f"{name}-{purpose}", policies, self)  # type: ignore[arg-type]
        return principal_id, application_id

    def _findings(self, args: CiIdentityArgs) -> list[Finding]:
        findings = workspace_findings(args["workspace_id"])
        for key in ("display_name", "account_id"):
            if not args[key].strip():
                findings.append(Finding(key, "is empty", "write it as the account console shows it"))
        named = _named(args)
        if len(named) != 1:
            found = f"stands beside {', '.join(named[1:])}" if named else "is missing, and so are the others"
            findings.append(Finding(named[0] if named else KINDS[0], found, f"name one of {', '.join(KINDS)}"))
        for kind in named:
            findings += source_findings(kind, args[kind])  # type: ignore[literal-required]
        reading, grants = args.get("preview_grants") or [], args.get("deploy_grants") or []
        entitlements = args.get("deploy_entitlements")
        findings += _under("preview_", [*right_findings([], reading), *_writing(reading)])
        findings += _under("deploy_", right_findings(entitlements or [], grants))
        needed_by = "entitlements and grants" if reading or grants or entitlements is not None else None
        account = self.get_provider("databricks:index/servicePrincipal:ServicePrincipal")
        return [*findings, *workspace_provider(args.get("workspace_provider"), needed_by, account)]


def _named(args: CiIdentityArgs) -> list[str]:
    return [kind for kind in KINDS if args.get(kind) is not None]


def _under(prefix: str, findings: Sequence[Finding]) -> list[Finding]:
    return [Finding(f"{prefix}{one.path}", one.found, one.expected) for one in findings]


def _writing(grants: Sequence[UnityCatalogGrant]) -> list[Finding]:
    """Privileges that whoever opens a pull request must not have."""
    return [
        Finding(
            f"grants[{index}].privileges[{position}]",
            "does not only read, and any pull request could use it",
            f"previews have {', '.join(sorted(READING))}; give others to the deploying principal",
        )
        for index, grant in enumerate(grants)
        for position, privilege in enumerate(grant["privileges"])
        if privilege not in READING
    ]
