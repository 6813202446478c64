"""`lakelatch gateway`: run the gateway; check, explain or export what was delivered to it."""

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
@click.option("--metrics-port", type=click.IntRange(1, 65535), help="Port for `/metrics`. Default: none are told.")
@click.option("--metrics-address", default="127.0.0.1", show_default=True, help="Address for it; not for callers.")
@click.option(
    "--key-refresh-seconds",
    type=click.IntRange(1, 3600),
    default=300,
    show_default=True,
    help="How often issuers' keys are fetched: a key has to be published for this long before it signs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line once it serves.")
def run(
    config_dir: Path,
    state_dir: Path | None,
    workers: int,
    audit_failure: str,
    audit_segment_mib: int,
    metrics_port: int | None,
    metrics_address: str,
    key_refresh_seconds: int,
    as_json: bool,
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
        metrics=None if metrics_port is None else (metrics_address, metrics_port),
        key_refresh_seconds=key_refresh_seconds,
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
    """Say whether a service or person may do something by the configuration in a config folder, and why.

    As `lakelatch access explain` does for a model: this one tells what was delivered. Maintenance, revocations, and
    whether Databricks knows the person are not asked: see `lakelatch maintenance status`.

    Exit code 1 when it is denied, or not known.
    """
    from lakelatch_gateway.folder import ConfigFolder

    config = ConfigFolder(config_dir).read()
    policy = config.policy
    granted = [one.roles for one in policy.subjects.values()] + [one.roles for one in policy.people.values()]
    roles = {role: actions for some in granted for role, actions in some.items()}
    return explaining.explained(policy, roles, {name: config.issuers[name].issuer for name in config.people}, **said)


@gateway.command()
@click.option("--to", "target", required=True, type=click.Choice(["envoy-gateway", "istio"]), help="What to write for.")
@_CONFIG_DIR
@click.option("--gateway", "name", default="lakelatch", show_default=True, help="Name of the Gateway to attach to.")
@click.option("--namespace", default="lakelatch", show_default=True, help="Its namespace.")
@click.option(
    "--jwks-uri",
    "jwks_uris",
    multiple=True,
    metavar="ISSUER=URL",
    help="Where an issuer's keys are, for a target that does not read discovery documents.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document with all that is left out.")
def export(target: str, config_dir: Path, name: str, namespace: str, jwks_uris: tuple[str, ...], as_json: bool) -> None:
    """Write authentication and roles as Kubernetes documents for another proxy before the gateway.

    Never more than the model lets through: what the target cannot say exactly is left out, and told on standard error.
    """
    from lakelatch_gateway.export import export_folder

    export_folder(config_dir, target, gateway=name, namespace=namespace, jwks_uris=jwks_uris, as_json=as_json)
