"""What every kind of issuer shares."""

from typing import ClassVar

from lakelatch.access.parts import Part, Text

ENTRA_EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
"""What a token must be made out to before Entra takes it instead of a secret (workload identity federation page); also
the one audience of every token that Azure DevOps gives a pipeline (databricks-sdk-py `oidc_token_supplier.py`)."""


class Users(Part):
    """Everybody whose token this issuer signs may become the Databricks user that a claim names."""

    audience: Text
    """One of your own: what people's tokens for Databricks are made out to."""
    subject_claim: Text
    """The claim that holds the Databricks user name; people must not be able to change it."""
    groups_claim: Text = "groups"
    """The claim that holds the groups somebody is in; the gateway reads it."""


class IssuerPart(Part):
    """What every kind of issuer has."""

    audience: Text | None = None
    """What its tokens must be made out to; unset means the one that Databricks' clients ask for by themselves."""
    users: Users | None = None
    """Set only for an identity provider that your organisation controls wholly: an account-wide trust for people."""

    derived_audience: ClassVar[str | None] = None
    """The audience of every token of this kind of issuer, where workloads cannot choose."""

    @property
    def fixed_audience(self) -> str | None:
        """The one audience that the model or the kind of issuer gives; None when the clients' own are to be taken."""
        return self.audience or self.derived_audience

    @property
    def keys(self) -> tuple[str | None, str | None]:
        """Where its public keys are, as (`jwks_uri`, `jwks_json`); None means by discovery."""
        return None, None
