"""Which objects of Unity Catalog can hold grants, and which privileges each kind of object takes: pure tables.

Source: docs.databricks.com/aws/en/data-governance/unity-catalog/manage-privileges/privileges.
"""

from collections.abc import Collection, Mapping
from typing import Final

_LEAVES: Final = ("SELECT", "MODIFY", "READ_VOLUME", "WRITE_VOLUME", "EXECUTE", "REFRESH", "APPLY_TAG", "BROWSE")
_MAKES: Final = (
    "CREATE_TABLE",
    "CREATE_FUNCTION",
    "CREATE_MATERIALIZED_VIEW",
    "CREATE_MODEL",
    "CREATE_VOLUME",
    "EXTERNAL_USE_SCHEMA",
)
_ALWAYS: Final = ("ALL_PRIVILEGES", "MANAGE")

PRIVILEGES: Final[Mapping[str, Collection[str]]] = {
    "catalog": {*_ALWAYS, *_LEAVES, *_MAKES, "USE_CATALOG", "USE_SCHEMA", "CREATE_SCHEMA"},
    "schema": {*_ALWAYS, *_LEAVES, *_MAKES, "USE_SCHEMA"},
    "table": {*_ALWAYS, "SELECT", "MODIFY", "APPLY_TAG", "BROWSE", "REFRESH"},
    "volume": {*_ALWAYS, "READ_VOLUME", "WRITE_VOLUME", "APPLY_TAG", "BROWSE"},
    "function": {*_ALWAYS, "EXECUTE", "APPLY_TAG", "BROWSE"},
    "metastore": {
        "CREATE_CATALOG",
        "CREATE_CLEAN_ROOM",
        "CREATE_CONNECTION",
        "CREATE_EXTERNAL_LOCATION",
        "CREATE_PROVIDER",
        "CREATE_RECIPIENT",
        "CREATE_SERVICE_CREDENTIAL",
        "CREATE_SHARE",
        "CREATE_STORAGE_CREDENTIAL",
        "MANAGE_ALLOWLIST",
        "SET_SHARE_PERMISSION",
        "USE_MARKETPLACE_ASSETS",
        "USE_PROVIDER",
        "USE_RECIPIENT",
        "USE_SHARE",
    },
}
"""Those kinds that the double has objects of; a privilege on a catalog or schema is inherited by what is in it."""

SEEDED: Final[Mapping[str, Collection[str]]] = {
    "catalog": ("main", "samples", "system"),
    "schema": ("main.default", "main.sales", "samples.nyctaxi", "system.access"),
    "table": ("samples.nyctaxi.trips", "system.access.audit"),
}
"""What is there from the start."""


def parents(securable_type: str, full_name: str) -> list[tuple[str, str]]:
    """The objects that a securable inherits from, the nearest first."""
    parts = full_name.split(".")
    if securable_type in ("table", "volume", "function") and len(parts) == 3:
        return [("schema", ".".join(parts[:2])), ("catalog", parts[0])]
    return [("catalog", parts[0])] if securable_type == "schema" and len(parts) == 2 else []


def normalised(privilege: str) -> str:
    """A privilege in the API's form; spaces are taken for underscores, as the vendor does."""
    return privilege.upper().replace(" ", "_")


def missing(securable_type: str, full_name: str) -> tuple[str, str]:
    """Error code and message for an object that does not exist."""
    return (
        f"{securable_type.upper()}_DOES_NOT_EXIST",
        f"{securable_type.capitalize()} '{full_name[:200]}' does not exist.",
    )
