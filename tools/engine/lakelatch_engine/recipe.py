"""What is built and how: the pinned Go modules, the command line, the environment, and the name that all of it has.

Pure but for reading the two module files that ship with this package.
"""

import hashlib
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lakelatch_engine.errors import EngineError
from lakelatch_engine.versions import Version

MODULES = Path(__file__).parent / "go"
"""`go.mod` and `go.sum`: every module of the CLI, pinned by version and hash."""

PROGRAMS = ("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml")
"""The CLI, and the language host of Pulumi YAML, which the vendor's installer has as well."""
SDK = "github.com/pulumi/pulumi/sdk/v3"
"""The module that also carries the scripts which start Python programs (Apache-2.0, taken from the module cache)."""

TAGS = "osusergo,grpcnotrace"
"""User look-ups without C, and no gRPC tracing: what the vendor's own release build uses."""


@dataclass(frozen=True)
class Recipe:
    """One reproducible build of the Pulumi CLI."""

    version: Version
    go_mod: bytes
    go_sum: bytes
    machine: str
    """The operating system and processor the result runs on, as in `Linux-x86_64`."""

    @property
    def key(self) -> str:
        """A name that changes whenever the result would: the version and a digest of everything that goes in."""
        digest = hashlib.sha256()
        command = " ".join(self.build_command("go", Path("out")))
        for part in (self.go_mod, self.go_sum, command.encode(), self.machine.encode()):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return f"{self.version}-{digest.hexdigest()[:12]}"

    def build_command(self, go: str, folder: Path) -> list[str]:
        """The `go build` that writes the executables into `folder`; `-v` names each package as it is compiled."""
        stamp = f"-s -w -X {SDK}/go/common/version.Version=v{self.version}"
        return [go, "build", "-v", "-trimpath", "-tags", TAGS, "-ldflags", stamp, "-o", f"{folder}/", *PROGRAMS]

    def packages_command(self, go: str) -> list[str]:
        """Lists every package of the build, one a line; fetches the modules on the way."""
        return [go, "list", "-deps", "-tags", TAGS, *PROGRAMS]

    def sdk_command(self, go: str) -> list[str]:
        """Prints the folder of the SDK module in the module cache."""
        return [go, "list", "-m", "-f", "{{.Dir}}", SDK]


def load(modules: Path = MODULES) -> Recipe:
    """Read the recipe from its folder."""
    go_mod = (modules / "go.mod").read_bytes()
    pin = re.search(rb"^\s+github\.com/pulumi/pulumi/pkg/v3 (v\S+)$", go_mod, re.MULTILINE)
    version = Version.found_in(pin[1].decode()) if pin else None
    if version is None:
        raise EngineError(f"`{modules / 'go.mod'}` does not pin the Pulumi CLI", hint="restore the file")
    machine = f"{platform.system()}-{platform.machine()}"
    return Recipe(version=version, go_mod=go_mod, go_sum=(modules / "go.sum").read_bytes(), machine=machine)


def go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of every `go` command of the build.

    `-mod=readonly` refuses any module that `go.sum` does not pin. A GOFLAGS of the user's would change what is built, a
    workspace file would change which modules, and GOTOOLCHAIN=local keeps `go` from downloading another Go.
    """
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    dropped = {"GOOS", "GOARCH"}
    return {name: value for name, value in environ.items() if name not in dropped} | fixed
