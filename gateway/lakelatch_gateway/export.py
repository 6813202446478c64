"""What `lakelatch gateway export` prints."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from lakelatch.access.validation import one_of
from lakelatch.errors import CommandError
from lakelatch.mesh.export import TARGETS, summary, text
from lakelatch_gateway.folder import ConfigFolder


def export_folder(
    config_dir: Path, target: str, *, gateway: str, namespace: str, jwks_uris: Sequence[str], as_json: bool
) -> None:
    """Export the configuration of a config folder.

    Raises:
        LakelatchError: it does not hold, or an option names what is not in it.

    """
    config = ConfigFolder(config_dir).read()
    uris = dict(one.partition("=")[::2] for one in jwks_uris)
    for name, uri in uris.items():
        if name not in config.issuers:
            raise CommandError(f"--jwks-uri names the issuer {name!r}, which is not there; {one_of(config.issuers)}")
        if not uri.startswith("https://"):
            raise CommandError(f"--jwks-uri of {name!r} is no https address; write {name}=https://…")
    made = TARGETS[target](config, gateway=gateway, namespace=namespace, jwks_uris=uris)
    if as_json:
        click.echo(json.dumps({"target": target, **asdict(made)}, indent=2))
        return
    click.echo(text(made), nl=False)
    for line in summary(made):
        click.echo(line, err=True)
