"""Secrets: none where federation does it, and none where others read them."""

from typing import Final

from pulumi_policy import Severity

from lakelatch_policies.check import ADVISORY, MANDATORY, Check
from lakelatch_policies.groups import Group
from lakelatch_policies.judges import types
from lakelatch_policies.judges.secrets import AZUREAD, DATABRICKS, plain_in, script, switched_on, unmarked, used
from lakelatch_policies.reading import missing, present

NONE_NEEDED: Final = "Federate: a Databricks federation policy, or a federated credential in Entra, needs no secret."


CHECKS: Final = (
    Check(
        "secretless",
        "Services sign in by federation, and hold no token and no secret.",
        ADVISORY,
        Severity.MEDIUM,
        "Databricks, `Assess personal access token usage` page; RFC 9700 §2.5",
        NONE_NEEDED,
        {
            types.TOKEN: used("is a personal access token"),
            types.OBO_TOKEN: used("is a token on behalf of a service principal"),
            types.PRINCIPAL_SECRET: used("is an OAuth secret"),
            **types.each(types.ENTRA_PASSWORDS, used("is a secret of an Entra application")),
        },
    ),
    Check(
        "provider-token",
        "The providers sign in without a token, password or client secret.",
        MANDATORY,
        Severity.HIGH,
        "Databricks, provider authentication; pulumi-azuread, installation and configuration",
        "Use OIDC: `auth_type` (`github-oidc`, `file-oidc`, `env-oidc`, `azure-devops-oidc`), `use_oidc` for azuread.",
        {
            DATABRICKS: missing("token", "password", reason="is a long-lived secret of whoever deploys"),
            AZUREAD: missing("clientCertificatePassword", reason="is a long-lived secret of whoever deploys"),
        },
    ),
    Check(
        "provider-client-secret",
        "The providers sign in by federation rather than by a client secret.",
        ADVISORY,
        Severity.MEDIUM,
        "Databricks, provider authentication; pulumi-azuread, installation and configuration",
        "Use OIDC as for `provider-token`.",
        {
            DATABRICKS: missing("clientSecret", "azureClientSecret", "googleCredentials", reason="can be federated"),
            AZUREAD: missing("clientSecret", reason="can be federated"),
        },
    ),
    Check(
        "provider-debug-headers",
        "The provider does not log headers, which hold credentials.",
        MANDATORY,
        Severity.HIGH,
        "terraform-provider-databricks, `docs/index.md`, `debug_headers`",
        "Leave `debug_headers` out.",
        {DATABRICKS: switched_on("debugHeaders", "writes credentials into the log")},
    ),
    Check(
        "provider-verification",
        "The provider checks whom it talks to.",
        MANDATORY,
        Severity.CRITICAL,
        "RFC 9325 §5; terraform-provider-databricks, `skip_verify`",
        "Leave `skip_verify` out; trust a private authority with `SSL_CERT_FILE`.",
        {DATABRICKS: switched_on("skipVerify", "takes any certificate, so credentials go to whoever answers")},
    ),
    Check(
        "provider-retry",
        "The provider gives up on a host that does not answer.",
        ADVISORY,
        Severity.LOW,
        "pulumi-databricks 1.106: a dead host makes it wait for ever, in a preview as well",
        "Set `retry_timeout_seconds`, as in 60.",
        {DATABRICKS: present("retryTimeoutSeconds", "is not set: a host that is down hangs the preview")},
    ),
    Check(
        "entra-secret-end-date",
        "A secret of an Entra application or service principal has `end_date`, and no `end_date_relative`.",
        MANDATORY,
        Severity.MEDIUM,
        "Microsoft Graph, application: addPassword, `endDateTime`; seen with azuread 6.10",
        "Give `end_date` (RFC 3339, as in `2027-01-31T00:00:00Z`) instead of `end_date_relative`.",
        types.each(
            types.ENTRA_PASSWORDS,
            missing("endDateRelative", reason="is not sent to Entra, which then takes its own default; set `endDate`"),
        ),
    ),
    Check(
        "secret-in-settings",
        "Settings of clusters, jobs, pipelines and endpoints hold no token and no key.",
        MANDATORY,
        Severity.CRITICAL,
        "Databricks, secrets page: `{{secrets/scope/key}}`",
        "Put it into a secret scope and refer to it. What stood there has leaked: revoke it.",
        {
            "databricks:index/cluster:Cluster": plain_in("sparkConf", "sparkEnvVars", "customTags"),
            "databricks:index/instancePool:InstancePool": plain_in("customTags"),
            "databricks:index/job:Job": plain_in("jobClusters", "tasks", "parameters", "tags", "newCluster"),
            "databricks:index/pipeline:Pipeline": plain_in("configuration", "clusters"),
            "databricks:index/modelServing:ModelServing": plain_in("config"),
            "databricks:index/globalInitScript:GlobalInitScript": script,
            "databricks:index/clusterPolicy:ClusterPolicy": plain_in("definition"),
        },
    ),
    Check(
        "unmarked-secret",
        "Secrets that the SDK does not mark are marked by the program.",
        ADVISORY,
        Severity.MEDIUM,
        "pulumi-azuread 6.11, pulumi-okta 7.0: no `additional_secret_outputs` of their own",
        "Wrap the value in `Output.secret`, and name the property in `additional_secret_outputs`.",
        {
            types.ENTRA_APPLICATION: unmarked("password"),
            "azuread:index/synchronizationSecret:SynchronizationSecret": unmarked("credentials"),
            "okta:app/connection:Connection": unmarked("profile.token"),
            DATABRICKS: unmarked("actionsIdTokenRequestToken"),
        },
    ),
)


GROUP: Final = Group(
    "secrets",
    "No secrets",
    "Nobody holds a secret that federation could spare, and none lies open.",
    NONE_NEEDED,
    CHECKS,
)
