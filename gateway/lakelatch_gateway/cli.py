"""`lakelatch gateway`: run the gateway, check a configuration, or explain what it decides."""

from pathlib import Path
from typing import Any

import click

from lakelatch.cli import explaining

_CONFIG_DIR = click.option(
    "--config-dir",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder whose `current` leads to the version that holds gateway.json.",
)


@click.group()
def gateway() -> None:
    """Run the access gateway."""


@gateway.command()
@_CONFIG_DIR
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the audit trail and, while it runs, sockets. Without: audit lines on standard output, not sealed,"
    " and the gateway's own events in its log alone.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Envoy's worker threads.")
@click.option(
    "--audit-failure",
    type=click.Choice(["deny", "allow"]),
    default="deny",
    show_default=True,
    help="What becomes of requests while audit lines cannot be written.",
)
@click.option(
    "--audit-segment-mib",
    type=click.IntRange(1, 4096),
    default=256,
    show_default=True,
    help="A segment of the audit trail ends when one of its files is this long.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line once it serves.")
def run(
    config_dir: Path, state_dir: Path | None, workers: int, audit_failure: str, audit_segment_mib: int, as_json: bool
) -> None:
    """Serve until stopped, following the config folder.

    The log goes to standard error, one JSON object per line. LAKELATCH_ENVOY names another Envoy than PyPI's.
    """
    from lakelatch_gateway.main import serve

    serve(
        config_dir,
        state_dir,
        workers=workers,
        as_json=as_json,
        deny_unaudited=audit_failure == "deny",
        segment_bytes=audit_segment_mib << 20,
    )


@gateway.command()
@_CONFIG_DIR
def check(config_dir: Path) -> None:
    """Check the configuration in a config folder, Envoy's own check included, and change nothing."""
    from lakelatch_gateway.main import check_folder

    check_folder(config_dir)


@gateway.command()
@_CONFIG_DIR
@explaining.options
def explain(config_dir: Path, **said: Any) -> int:
    """Say whether a service may do something by the configuration in a config folder, and why.

    As `lakelatch access explain` does for a model: this one tells what was delivered. Maintenance and revocations are
    not asked: see `lakelatch maintenance status`.

    Exit code 1 when it is denied, or not known.
    """
    from lakelatch_gateway.folder import ConfigFolder

    policy = ConfigFolder(config_dir).read().policy
    roles = {role: actions for one in policy.subjects.values() for role, actions in one.roles.items()}
    return explaining.explained(policy, roles, **said)
