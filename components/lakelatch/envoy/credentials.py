"""Credentials: the Databricks token that replaces the client's, read from a file that Envoy follows (SDS)."""

from typing import Final

from lakelatch.envoy.runtime import Json, any_of, file_source

FILTER_NAME: Final = "lakelatch.credentials"
_PACKAGE: Final = "envoy.extensions.filters.http.header_mutation.v3"
SECRET_TYPE: Final = "envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105 - a type name


def base_filter() -> Json:
    """The filter in the chain: does nothing, so a route without an injection of its own sends no token at all.

    Authentication has already taken the client's own token out of the request.
    """
    return {"name": FILTER_NAME, "typed_config": any_of(f"{_PACKAGE}.HeaderMutation", {})}


def injection(service: str, token_file: str) -> Json:
    """The per-route configuration that sets the service's Databricks token, whatever the client sent."""
    secret = {"name": service, "sds_config": file_source(token_file)}
    mutation = {
        "append": {
            "header": {"key": "authorization", "value": "Bearer %SECRET(token)%"},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
    }
    formatter = {
        "name": "envoy.formatter.generic_secret",
        "typed_config": any_of(
            "envoy.extensions.formatter.generic_secret.v3.GenericSecret", {"secret_configs": {"token": secret}}
        ),
    }
    mutations = {"request_mutations": [mutation], "formatters": [formatter]}
    return {FILTER_NAME: any_of(f"{_PACKAGE}.HeaderMutationPerRoute", {"mutations": mutations})}


def token_secret(service: str, token: str) -> Json:
    """The content of a service's token file. It is the secret itself: to be written with mode 0600."""
    return discovery(SECRET_TYPE, {"name": service, "generic_secret": {"secret": {"inline_string": token}}})


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
