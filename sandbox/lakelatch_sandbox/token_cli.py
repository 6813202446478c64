"""`lakelatch sandbox issuer-token` and `user-token`: tokens that only a sandbox gives, for trying by hand."""

import json
from pathlib import Path
from typing import Any

import click

_STATE = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="State directory of the running sandbox.",
)


def _order(state: Path, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the control address of a running sandbox answers; raises `SandboxError` with its reason when it refuses."""
    import ssl

    import httpx

    from lakelatch_sandbox.errors import SandboxError

    hint = "start the sandbox on it first: `lakelatch sandbox run --state DIR`"
    try:
        endpoints = json.loads((state / "endpoints.json").read_text())
    except FileNotFoundError:
        raise SandboxError(f"`{state}` holds no running sandbox", hint=hint) from None
    url = f"{endpoints['control_url']}{path}"
    try:
        trust = ssl.create_default_context(cafile=endpoints["ca_file"])
        answer = httpx.post(url, json=body, verify=trust, trust_env=False)
    except httpx.TransportError as error:
        raise SandboxError(f"the sandbox at {url} does not answer: {error}", hint=hint) from None
    found: dict[str, Any] = answer.json()
    if answer.status_code != 200:
        raise SandboxError(str(found.get("error_description") or found.get("error")))
    return found


def _claims(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Claims from `NAME=VALUE`; a value that is JSON is taken as such, anything else is text."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not name or not sign:
            raise click.BadParameter(f"`{pair}` is not NAME=VALUE", param_hint="--claim")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


@click.command("issuer-token")
@_STATE
@click.argument("issuer")
@click.option("--subject", help="The claim `sub`.")
@click.option("--audience", multiple=True, help="The claim `aud`; several make a list.")
@click.option("--claim", "claims", multiple=True, metavar="NAME=VALUE", help="Any other claim; JSON or text.")
@click.option(
    "--algorithm",
    type=click.Choice(["RS256", "ES256", "ES384", "HS256", "none"]),
    default="RS256",
    help="The last three are for seeing refusals.",
)
@click.option("--lifetime", type=click.IntRange(min=1), default=300, help="Seconds until it expires.")
def issuer_token(
    state: Path,
    issuer: str,
    subject: str | None,
    audience: tuple[str, ...],
    claims: tuple[str, ...],
    algorithm: str,
    lifetime: int,
) -> None:
    """Print a token of the sandbox's ISSUER, for example `github`, `gitlab` or `keycloak/realms/acme`."""
    usual: dict[str, Any] = {} if subject is None else {"sub": subject}
    if audience:
        usual["aud"] = audience[0] if len(audience) == 1 else list(audience)
    body = {
        "issuer": issuer,
        "claims": usual | _claims(claims),
        "algorithm": algorithm,
        "lifetime_seconds": lifetime,
    }
    click.echo(_order(state, "/issuers/tokens", body)["token"])


@click.command("user-token")
@_STATE
@click.argument("user")
@click.option("--resource", required=True, help="Client id or identifier URI of the application it is for.")
@click.option("--client", help="Client id of the application that asks; without it the resource asks for itself.")
@click.option("--scope", "scopes", multiple=True, help="A scope of the resource; may be given several times.")
@click.option(
    "--context", "contexts", multiple=True, help="An authentication context that the sign-in satisfied (`c1`)."
)
def user_token(
    state: Path, user: str, resource: str, client: str | None, scopes: tuple[str, ...], contexts: tuple[str, ...]
) -> None:
    """Print a token of the sandbox's Entra for USER (object id or user principal name), as after a sign-in."""
    body: dict[str, Any] = {"user": user, "resource": resource, "scopes": list(scopes), "acrs": list(contexts)}
    if client is not None:
        body["client_id"] = client
    click.echo(_order(state, "/entra/user-tokens", body)["access_token"])
