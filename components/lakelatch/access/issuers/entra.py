"""Microsoft Entra ID."""

from typing import Literal

from lakelatch.access.issuers.base import IssuerPart
from lakelatch.access.parts import Uuid
from lakelatch.access.validation import HttpsOrigin

VERSION_1_HOSTS = {
    "https://login.microsoftonline.com": "https://sts.windows.net",
    "https://login.microsoftonline.us": "https://sts.windows.net",
    "https://login.partner.microsoftonline.cn": "https://sts.chinacloudapi.cn",
}
"""Authority to the host that version 1 tokens name as their issuer, cloud by cloud."""


class EntraIssuer(IssuerPart):
    """Microsoft Entra ID; its app registrations are made by Lakelatch and send version 2 tokens."""

    type: Literal["entra"]
    """This kind of issuer."""
    tenant: Uuid
    """The directory (tenant) id."""
    authority: HttpsOrigin = "https://login.microsoftonline.com"
    """Other than the default in national clouds only."""
    token_version: Literal[1, 2] = 2
    """1 for applications made by others whose registration asks for version 1 tokens."""

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens; a version 1 token's ends in a slash (Microsoft, access token claims reference)."""
        if self.token_version == 1:
            return f"{VERSION_1_HOSTS.get(self.authority, self.authority)}/{self.tenant}/"
        return f"{self.authority}/{self.tenant}/v2.0"
