"""The gateway's branch of the error tree (`lakelatch.errors`)."""

from lakelatch.errors import LakelatchError


class GatewayError(LakelatchError):
    """Raised when the gateway cannot start or cannot go on, for a reason that the user can mend."""


class ConfigurationRefused(GatewayError):
    """Raised when a new configuration does not hold; the one before stays in force."""


class FetchError(GatewayError):
    """Raised when a document of an issuer or of the workspace cannot be fetched or is not what it has to be."""


class TokenRefused(LakelatchError):
    """Raised when a token that was shown to the gateway is not accepted; `error` is the code of RFC 6749 §5.2."""

    def __init__(self, message: str, *, error: str = "invalid_grant") -> None:
        super().__init__(message)
        self.error = error


class ExchangeFailed(GatewayError):
    """Raised when no Databricks token was had for a service.

    `transient` tells whether trying again may help without anybody mending anything.
    """

    def __init__(self, message: str, *, transient: bool) -> None:
        super().__init__(message)
        self.transient = transient


class AuditError(GatewayError):
    """Raised when the audit trail cannot be read or written, or is not what it was sealed as."""
