"""Where the doubles listen and who they are: made once for a state directory, the same after every restart."""

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lakelatch_sandbox.store import Store

HOST = "127.0.0.1"
"""The only address that the sandbox listens on. It is no option: its tokens and keys are worth nothing elsewhere."""

DOUBLES = ("databricks_account", "databricks_workspace", "entra", "graph", "cluster", "control")
"""The doubles in the order of their ports."""

_KIND = "_identity"


@dataclass(frozen=True)
class Endpoints:
    """Addresses, ids and the administrators' credentials; printed as one JSON line and kept in `endpoints.json`."""

    account_host: str
    account_id: str
    workspace_host: str
    workspace_id: str
    """Decimal, below 2^53, as the vendor's ids in samples are."""
    entra_authority: str
    tenant_id: str
    graph_base: str
    metadata_host: str
    """Host and port without a scheme, as the azuread provider wants its `metadata_host`."""
    cluster_issuer: str
    cluster_token: str
    issuers_url: str
    """Below it stand the issuers of other workloads: `/github`, `/gitlab`, `/keycloak/realms/acme`, any other."""
    ca_file: str
    ca_bundle_file: str
    """The public roots and the local CA together, for `SSL_CERT_FILE` and `REQUESTS_CA_BUNDLE`."""
    admin_client_id: str
    admin_client_secret: str
    entra_admin_client_id: str
    entra_admin_client_secret: str
    control_url: str
    warehouse_id: str
    pid: int

    def as_json(self) -> dict[str, Any]:
        """Every member by its name."""
        return asdict(self)


@dataclass(frozen=True)
class Identity:
    """The ids and credentials of one sandbox; chosen at random when its state is fresh."""

    account_id: str
    workspace_id: str
    tenant_id: str
    warehouse_id: str
    cluster_token: str
    admin_client_id: str
    admin_client_secret: str
    entra_admin_client_id: str
    entra_admin_client_secret: str


def identity(store: Store) -> Identity:
    """The identity that this state has, made and kept at the first call."""
    found = store.get(_KIND, "identity")
    if found is None:
        made = Identity(
            account_id=str(uuid.uuid4()),
            workspace_id=str(10**15 + secrets.randbelow(10**15)),
            tenant_id=str(uuid.uuid4()),
            warehouse_id=secrets.token_hex(8),
            cluster_token=secrets.token_urlsafe(32),
            admin_client_id=str(uuid.uuid4()),
            # the vendor's OAuth secrets begin with `dose`; scanners know them by it
            admin_client_secret="dose" + secrets.token_hex(16),
            entra_admin_client_id=str(uuid.uuid4()),
            entra_admin_client_secret=secrets.token_urlsafe(30),
        )
        found = store.put(_KIND, "identity", asdict(made))
    return Identity(**found)


def ports(store: Store) -> dict[str, int] | None:
    """The port of each double as this state remembers it; None while it is fresh."""
    found = store.get(_KIND, "ports")
    return None if found is None else {name: int(found[name]) for name in DOUBLES}


def remember_ports(store: Store, chosen: Mapping[str, int]) -> None:
    """Keep the ports: addresses stand in the states of those who use the sandbox."""
    store.put(_KIND, "ports", dict(chosen))


def endpoints(
    identity: Identity, ports: Mapping[str, int], *, ca_file: str, ca_bundle_file: str, pid: int
) -> Endpoints:
    """The contract that the sandbox prints, from its parts."""
    url = {name: f"https://{HOST}:{ports[name]}" for name in DOUBLES}
    return Endpoints(
        account_host=url["databricks_account"],
        workspace_host=url["databricks_workspace"],
        entra_authority=url["entra"],
        graph_base=url["graph"],
        metadata_host=f"{HOST}:{ports['graph']}",
        cluster_issuer=url["cluster"],
        issuers_url=f"{url['cluster']}/issuers",
        control_url=url["control"],
        ca_file=ca_file,
        ca_bundle_file=ca_bundle_file,
        pid=pid,
        **asdict(identity),
    )
