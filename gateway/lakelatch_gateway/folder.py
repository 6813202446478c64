"""The config folder: `current` is a link to the version that is in force, which holds `gateway.json`."""

import json
from dataclasses import dataclass
from pathlib import Path

from lakelatch.envoy.config import FILE_NAME, GatewayConfig
from lakelatch_gateway.errors import GatewayError

Fingerprint = tuple[str, int, int] | None
"""Where `current` leads, and inode and time of the file; None when there is nothing. Cheap to ask for."""


@dataclass(frozen=True)
class ConfigFolder:
    """Where a deployment delivers configurations."""

    path: Path

    @property
    def file(self) -> Path:
        """The configuration that is to be in force."""
        return self.path / "current" / FILE_NAME

    def fingerprint(self) -> Fingerprint:
        """Changes whenever another configuration is delivered."""
        try:
            status = self.file.stat()
            return str(self.file.resolve()), status.st_ino, status.st_mtime_ns
        except OSError:
            return None

    def read(self) -> GatewayConfig:
        """Read the configuration.

        Raises:
            GatewayError: there is none, or it is no JSON.
            ModelError: it does not hold; has every finding.

        """
        try:
            data = json.loads(self.file.read_bytes())
        except FileNotFoundError:
            raise GatewayError(
                f"no configuration at `{self.file}`",
                hint="a deployment delivers it: run `pulumi up` or `lakelatch up`, or name another folder",
            ) from None
        except OSError as error:
            raise GatewayError(f"`{self.file}` cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise GatewayError(f"`{self.file}` is no JSON: {error}") from None
        return GatewayConfig.parse(data, str(self.file))
