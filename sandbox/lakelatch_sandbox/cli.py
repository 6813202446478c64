"""`lakelatch sandbox`: the doubles in the foreground, and certificates of their CA."""

from pathlib import Path

import click

from lakelatch_sandbox.local.cli import token
from lakelatch_sandbox.token_cli import issuer_token, user_token


@click.group()
def sandbox() -> None:
    """Loopback doubles of Databricks, Entra and Graph for development and tests."""


_STATE = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Directory that holds everything the doubles remember.",
)


@sandbox.command()
@_STATE
@click.option("--port", type=click.IntRange(1024, 65500), help="First of consecutive ports, for a fresh state.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line with every endpoint, once everything listens.")
def run(state: Path, port: int | None, as_json: bool) -> None:
    """Serve until interrupted (Ctrl-C or SIGTERM). Addresses, keys and objects survive a restart."""
    import asyncio
    import json

    from lakelatch_sandbox.endpoints import Endpoints
    from lakelatch_sandbox.server import serve

    def ready(endpoints: Endpoints) -> None:
        if as_json:
            click.echo(json.dumps(endpoints.as_json()))
        else:
            click.echo(f"Databricks account    {endpoints.account_host}   account id {endpoints.account_id}")
            click.echo(f"Databricks workspace  {endpoints.workspace_host}   warehouse {endpoints.warehouse_id}")
            click.echo(f"Entra                 {endpoints.entra_authority}   tenant {endpoints.tenant_id}")
            click.echo(f"Graph                 {endpoints.graph_base}")
            click.echo(f"Kubernetes issuer     {endpoints.cluster_issuer}")
            click.echo(f"Control               {endpoints.control_url}")
            click.echo(f"credentials and CA: {state / 'endpoints.json'}")

    asyncio.run(serve(state, port, ready))


@sandbox.command()
@_STATE
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Where `certificate.pem` and `private-key.pem` are written.",
)
def certificate(state: Path, directory: Path) -> None:
    """Issue a server certificate for localhost and 127.0.0.1 from the sandbox's CA."""
    import datetime

    from lakelatch_sandbox.authority import Authority
    from lakelatch_sandbox.errors import SandboxError

    authority = Authority(state)
    if not (authority.ca_file.exists() and authority.ca_key_file.exists()):
        raise SandboxError(
            f"`{state}` holds no CA yet", hint="start the sandbox on it first: `lakelatch sandbox run --state DIR`"
        )
    directory.mkdir(parents=True, exist_ok=True)
    authority.write_certificate(
        directory / "certificate.pem", directory / "private-key.pem", datetime.datetime.now(datetime.UTC)
    )
    click.echo(str(directory / "certificate.pem"))


sandbox.add_command(token)
sandbox.add_command(issuer_token)
sandbox.add_command(user_token)
