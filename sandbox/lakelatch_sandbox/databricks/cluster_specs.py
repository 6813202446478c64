"""What a client may ask of a cluster, and the names it may choose from; there are no machines behind them."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from lakelatch_sandbox.databricks import fields
from lakelatch_sandbox.databricks.errors import invalid
from lakelatch_sandbox.databricks.tokens import Caller

NODE_TYPES: Final = {"m5d.large": (2.0, 8192), "m5d.xlarge": (4.0, 16384), "i3.xlarge": (4.0, 31232)}
"""Node type: cores and memory in MB."""

SPARK_VERSIONS: Final = {
    "15.4.x-scala2.12": "15.4 LTS (includes Apache Spark 3.5.0, Scala 2.12)",
    "16.4.x-scala2.12": "16.4 LTS (includes Apache Spark 3.5.2, Scala 2.12)",
}

_OWN = (
    "cluster_id",
    "state",
    "state_message",
    "start_time",
    "terminated_time",
    "termination_reason",
    "creator_user_name",
)
"""What the service says about a cluster; a client cannot set it."""


def checked(body: dict[str, Any]) -> dict[str, Any]:
    """What a client asks for; raises `ApiError` 400."""
    spec = {name: value for name, value in body.items() if name not in _OWN and not name.startswith("_")}
    fields.required(spec, "spark_version")
    name = fields.text(spec, "cluster_name", most=100)
    minutes = fields.number(spec, "autotermination_minutes", most=10_000)
    if minutes is not None and 0 < minutes < 10:
        raise invalid("autotermination_minutes must be 0, or between 10 and 10000")
    workers = fields.number(spec, "num_workers", most=100_000)
    if workers is not None and spec.get("autoscale") is not None:
        raise invalid("Only one of num_workers and autoscale may be given")
    if "node_type_id" not in spec and "instance_pool_id" not in spec and not spec.get("policy_id"):
        raise invalid("Exactly one of node_type_id and instance_pool_id must be given")
    return spec | ({} if name is None else {"cluster_name": name})


async def node_types(_request: Request, _: Caller) -> Response:
    """`GET list-node-types`: names to choose from; there are no machines behind them."""
    return JSONResponse(
        {
            "node_types": [
                {
                    "node_type_id": name,
                    "instance_type_id": name,
                    "num_cores": cores,
                    "memory_mb": memory,
                    "description": name,
                    "category": "General Purpose",
                    "is_deprecated": False,
                    "is_hidden": False,
                }
                for name, (cores, memory) in NODE_TYPES.items()
            ]
        }
    )


async def spark_versions(_request: Request, _: Caller) -> Response:
    """`GET spark-versions`."""
    return JSONResponse({"versions": [{"key": key, "name": name} for key, name in SPARK_VERSIONS.items()]})
