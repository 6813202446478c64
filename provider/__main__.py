"""What the engine starts: Lakelatch's own resources over the provider protocol."""

from pathlib import Path

from lakelatch.plugin.serve import serve
from lakelatch_provider import VERSION
from lakelatch_provider.pulumi_door import LakelatchProvider

if __name__ == "__main__":
    serve(LakelatchProvider(project_root=Path.cwd()), VERSION)
