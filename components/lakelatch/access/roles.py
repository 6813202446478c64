"""What a role is: actions at the gateway, and a group with its rights at Databricks."""

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, StringConstraints, model_validator

from lakelatch.access.parts import Part, Text
from lakelatch.access.validation import Name

Entitlement = Literal[
    "workspace-access",
    "databricks-sql-access",
    "allow-cluster-create",
    "allow-instance-pool-create",
    "workspace-consume",
]
"""What a group may use in a workspace (Databricks, "Manage entitlements"); the names are those of its SCIM API."""

Privilege = Literal[
    "ACCESS",
    "ALL_PRIVILEGES",
    "APPLY_TAG",
    "BROWSE",
    "CREATE_CATALOG",
    "CREATE_CONNECTION",
    "CREATE_EXTERNAL_LOCATION",
    "CREATE_EXTERNAL_TABLE",
    "CREATE_EXTERNAL_VOLUME",
    "CREATE_FOREIGN_CATALOG",
    "CREATE_FOREIGN_SECURABLE",
    "CREATE_FUNCTION",
    "CREATE_MANAGED_STORAGE",
    "CREATE_MATERIALIZED_VIEW",
    "CREATE_MODEL",
    "CREATE_SCHEMA",
    "CREATE_STORAGE_CREDENTIAL",
    "CREATE_TABLE",
    "CREATE_VOLUME",
    "EXECUTE",
    "EXTERNAL_USE_SCHEMA",
    "MANAGE",
    "MODIFY",
    "READ_FILES",
    "READ_VOLUME",
    "REFRESH",
    "SELECT",
    "USE_CATALOG",
    "USE_CONNECTION",
    "USE_SCHEMA",
    "WRITE_FILES",
    "WRITE_VOLUME",
]
"""Privileges of Unity Catalog (databricks-sdk-py `service/catalog.py`, `Privilege`), those of sharing left out."""

PRIVILEGES: Final[tuple[str, ...]] = get_args(Privilege)

SECURABLES: Final = {
    "catalog": 1,
    "schema": 2,
    "table": 3,
    "volume": 3,
    "function": 3,
    "model": 3,
    "external_location": 1,
    "storage_credential": 1,
    "foreign_connection": 1,
}
"""Kinds of object that a grant is on, each with the number of parts in its full name."""

GroupName = Annotated[str, StringConstraints(pattern=r"^[^\s](?:.{0,253}[^\s])?$")]


class Group(Part):
    """A Databricks group of the account: made here, or taken as it is. Exactly one of the two keys."""

    create: GroupName | None = None
    """A group of this name is made; it must not be there yet."""
    adopt: GroupName | None = None
    """A group of this name is there, and is left as it is when everything else goes."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.create is None) == (self.adopt is None):
            raise ValueError("says neither or both of `create` and `adopt`; say which, with the group's name")
        return self

    @property
    def name(self) -> str:
        """The group's display name."""
        return self.create or self.adopt or ""


class Grant(Part):
    """Privileges of Unity Catalog on one object, named by exactly one of the first keys."""

    catalog: Text | None = None
    """A catalog."""
    schema_: Annotated[Text | None, Field(alias="schema")] = None
    """A schema, as `catalog.schema`."""
    table: Text | None = None
    """A table or view, as `catalog.schema.table`."""
    volume: Text | None = None
    """A volume, as `catalog.schema.volume`."""
    function: Text | None = None
    """A function, as `catalog.schema.function`."""
    model: Text | None = None
    """A registered model, as `catalog.schema.model`."""
    external_location: Text | None = None
    """An external location."""
    storage_credential: Text | None = None
    """A storage credential."""
    foreign_connection: Text | None = None
    """A connection to a foreign database."""
    privileges: Annotated[tuple[Privilege, ...], Field(min_length=1)]
    """What the group may do with it."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        kinds = [kind for kind in SECURABLES if self._named(kind) is not None]
        if len(kinds) != 1:
            found = " and ".join(f"`{kind}`" for kind in kinds) or "no object"
            raise ValueError(f"names {found}; name exactly one, as in `catalog: main`")
        kind, name = self.securable
        if len(name.split(".")) != SECURABLES[kind] or not all(name.split(".")):
            raise ValueError(
                f"names a {kind} that does not have {SECURABLES[kind]} part(s); write {_EXAMPLES[SECURABLES[kind]]}"
            )
        if len(set(self.privileges)) != len(self.privileges):
            raise ValueError("names a privilege a second time; keep one")
        return self

    def _named(self, kind: str) -> str | None:
        return getattr(self, "schema_" if kind == "schema" else kind)  # type: ignore[no-any-return]

    @property
    def securable(self) -> tuple[str, str]:
        """Kind and full name of the object."""
        return next((kind, name) for kind in SECURABLES if (name := self._named(kind)) is not None)


_EXAMPLES: Final = {1: "its name alone", 2: "`catalog.schema`", 3: "`catalog.schema.name`"}


class Role(Part):
    """What somebody may do, under a name."""

    description: str = ""
    """A sentence for people who read the report."""
    workspace: Name | None = None
    """Where the group has its rights; may be left out when the model has one workspace."""
    actions: tuple[str, ...] = ()
    """What the gateway lets through: actions of the catalogue, `service.*` for all of a service, or groups of them."""
    group: Group | None = None
    """The Databricks group that stands for the role; needed for entitlements and grants."""
    entitlements: tuple[Entitlement, ...] = ()
    """What the group may use in the workspace."""
    grants: tuple[Grant, ...] = ()
    """What the group may do in Unity Catalog."""
