"""Where the local stack keeps what it makes: one folder of the project, removed whole by `lakelatch down`."""

from dataclasses import dataclass
from pathlib import Path

from lakelatch_sandbox.errors import SandboxError

STACK = "local"


@dataclass(frozen=True)
class Layout:
    """The places of one project's local stack."""

    project: Path

    @classmethod
    def find(cls, start: Path) -> "Layout":
        """The project that a folder belongs to: the nearest one upwards with a `Pulumi.yaml`.

        Raises:
            SandboxError: when there is none.

        """
        for folder in (start.resolve(), *start.resolve().parents):
            if (folder / "Pulumi.yaml").is_file():
                return cls(folder)
        raise SandboxError(
            f"no `Pulumi.yaml` in {str(start)!r} or above it", hint="run this inside the project that holds the stack"
        )

    @property
    def state(self) -> Path:
        """Everything below is in here; mode 0700, because it holds credentials of the doubles."""
        return self.project / ".lakelatch"

    @property
    def sandbox(self) -> Path:
        """What the doubles remember."""
        return self.state / "sandbox"

    @property
    def pulumi_home(self) -> Path:
        """The engine's private home with the stand-in plugins."""
        return self.state / "pulumi"

    @property
    def backend(self) -> Path:
        """The engine's `file://` backend: the stack's state."""
        return self.state / "backend"

    @property
    def gateway_config(self) -> Path:
        """The folder that `pulumi up` delivers into and the gateway watches."""
        return self.state / "gateway" / "config"

    @property
    def gateway_state(self) -> Path:
        """The gateway's own folder: its signing key and its certificate."""
        return self.state / "gateway" / "state"

    @property
    def logs(self) -> Path:
        """What the processes and the engine said."""
        return self.state / "log"

    @property
    def stack_file(self) -> Path:
        """The stack's configuration, written by `lakelatch up` and ignored by git: its addresses are this machine's."""
        return self.project / "stacks" / f"Pulumi.{STACK}.yaml"

    @property
    def outputs(self) -> Path:
        """The stack's outputs after the last `lakelatch up`."""
        return self.state / "outputs.json"

    def make(self) -> None:
        """Make the folders that are missing."""
        self.state.mkdir(mode=0o700, exist_ok=True)
        for folder in (self.backend, self.logs, self.pulumi_home, self.gateway_config, self.gateway_state):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
