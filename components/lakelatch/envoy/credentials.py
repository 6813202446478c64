"""Credentials: the Databricks token that replaces the client's, a secret that the gateway serves to Envoy (SDS)."""

import hashlib
from typing import Final

from lakelatch.envoy.identity import PRINCIPAL_HEADER, RULE_HEADER
from lakelatch.envoy.runtime import Json, any_of, stream_source

FILTER_NAME: Final = "lakelatch.credentials"
_PACKAGE: Final = "envoy.extensions.filters.http.header_mutation.v3"
SECRET_TYPE: Final = "envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105 - a type name


def base_filter() -> Json:
    """The filter in the chain: does nothing, so a route without an injection of its own sends no token at all.

    Authentication has already taken the client's own token out of the request.
    """
    return {"name": FILTER_NAME, "typed_config": any_of(f"{_PACKAGE}.HeaderMutation", {})}


def secret_name(service: str, workspace: str, application_id: str) -> str:
    """The name of the secret that is one service's token for one principal of one workspace.

    Another principal means another secret, so that a route never meets the token of the principal before.
    """
    principal = hashlib.sha256(f"{workspace}\n{application_id}".encode()).hexdigest()[:16]
    return f"{service}.{principal}"


def injection(secret: str, application_id: str, rule: str | None = None) -> Json:
    """The per-route configuration that sets the Databricks token of this name, whatever the client sent, and says whose
    it is and, where the route is the decision, which role let the request through.

    Envoy brings the route into force only once it has the secret.
    """
    source = {"name": secret, "sds_config": stream_source()}
    headers = {"authorization": "Bearer %SECRET(token)%", PRINCIPAL_HEADER: application_id}
    if rule is not None:
        headers[RULE_HEADER] = rule
    written = [
        {"append": {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
        for name, value in headers.items()
    ]
    formatter = {
        "name": "envoy.formatter.generic_secret",
        "typed_config": any_of(
            "envoy.extensions.formatter.generic_secret.v3.GenericSecret", {"secret_configs": {"token": source}}
        ),
    }
    mutations = {"request_mutations": written, "formatters": [formatter]}
    return {FILTER_NAME: any_of(f"{_PACKAGE}.HeaderMutationPerRoute", {"mutations": mutations})}


def certificate_secret(name: str, certificate_file: str, private_key_file: str) -> Json:
    """The content of the certificate's file: names the PEM files, which Envoy reads again when they change."""
    certificate = {
        "certificate_chain": {"filename": certificate_file},
        "private_key": {"filename": private_key_file},
    }
    return discovery(SECRET_TYPE, {"name": name, "tls_certificate": certificate})


def discovery(type_name: str, *resources: Json) -> Json:
    """A discovery response (xDS) as a file holds it."""
    return {"resources": [any_of(type_name, resource) for resource in resources]}
