"""How long tokens and secrets live: what each vendor allows, and what is asked for here. All in seconds.

One table, read by the model and by policies, so that they cannot disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass(frozen=True)
class Lifetime:
    """One kind of token or secret."""

    name: str
    least: int | None
    """The shortest life that can be asked for; None where nobody can choose."""
    most: int | None
    """The longest; None where there is no limit at all."""
    default: int | None
    """What comes when nothing is said; None means for ever."""
    source: str

    def excess(self, seconds: int | None) -> str | None:
        """Say why a life does not fit, or None when it does; None for the life means that nothing was said."""
        wanted = self.default if seconds is None else seconds
        if wanted is None:
            return f"never ends; say how long it lives{f', at most {self.most} s' if self.most else ''}"
        if self.least is not None and wanted < self.least:
            return f"is {wanted} s; the least is {self.least} s"
        if self.most is not None and wanted > self.most:
            return f"is {wanted} s; the most is {self.most} s"
        return None


LIFETIMES: Final[Mapping[str, Lifetime]] = {
    row.name: row
    for row in (
        # Below two minutes, renewal at half life would meet the 30 s before expiry in which Azure Databricks refuses a
        # token; above an hour it would outlive what Databricks gives a machine. Ten minutes: never late, soon stale.
        Lifetime("gateway-token", 2 * MINUTE, HOUR, 10 * MINUTE, "RFC 8725 §3.10; databricks-sdk-py `oauth.py`"),
        Lifetime("databricks-machine-token", None, HOUR, HOUR, "Databricks, OAuth machine-to-machine page"),
        Lifetime("service-principal-secret", 1, 730 * DAY, 730 * DAY, "Databricks, OAuth machine-to-machine page"),
        Lifetime(
            "personal-access-token", 1, 730 * DAY, None, "Databricks, `maxTokenLifetimeDays` of workspace settings"
        ),
        Lifetime("on-behalf-token", 1, 730 * DAY, None, "Databricks, token management API, `lifetime_seconds`"),
        Lifetime("aws-web-identity-token", MINUTE, HOUR, 5 * MINUTE, "AWS STS, GetWebIdentityToken, DurationSeconds"),
        Lifetime(
            "okta-access-token", 5 * MINUTE, DAY, HOUR, "Okta, authorization server policy rules, 5 to 1,440 minutes"
        ),
        Lifetime("gitlab-id-token", None, None, 5 * MINUTE, "GitLab, ID tokens: the job's timeout, else five minutes"),
        Lifetime("kubernetes-service-account-token", 10 * MINUTE, None, HOUR, "Kubernetes, TokenRequest API"),
        Lifetime("entra-application-secret", 1, None, 730 * DAY, "Microsoft Graph, application: addPassword"),
    )
}

GATEWAY_TOKEN: Final = LIFETIMES["gateway-token"]
