"""The life of a cluster as a state machine: pure functions of a cluster, an operation and the sandbox's clock.

Source: the Clusters API's reference, `State` and `EventType`, and which operations it allows in which state.
A cluster is a document with the vendor's members; `_next` holds the state that it reaches by itself, and when, and
`_active` the last second in which somebody asked something of it.
"""

from dataclasses import dataclass
from typing import Final

from lakelatch_sandbox.store import Document

START_SECONDS: Final = 3
"""The vendor's clusters need minutes; this is long enough to be seen as PENDING by who polls each second."""

STOP_SECONDS: Final = 2

ALLOWED: Final = {
    "start": ("TERMINATED", "ERROR"),
    "restart": ("RUNNING",),
    "resize": ("RUNNING",),
    "edit": ("RUNNING", "TERMINATED"),
}
"""The states in which an operation is taken; elsewhere the API answers INVALID_STATE."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a cluster, at a second of the sandbox's clock."""

    second: int
    type: str
    details: Document


def _reason(code: str, kind: str = "SUCCESS", **parameters: str) -> Document:
    return {"code": code, "type": kind, "parameters": parameters}


def starting(cluster: Document, now: int, user: str, operation: str = "start") -> tuple[Document, list[Event]]:
    """On its way to RUNNING: PENDING after `create` and `start`, RESTARTING after `restart` and an edit."""
    state = "RESTARTING" if operation in ("restart", "edit") else "PENDING"
    event = {"create": "CREATING", "start": "STARTING"}.get(operation, "RESTARTING")
    changed = {
        **{name: value for name, value in cluster.items() if name not in ("termination_reason", "terminated_time")},
        "state": state,
        "state_message": "Starting the sandbox's cluster: it has no machines",
        "start_time": cluster["start_time"] if operation == "restart" else now * 1000,
        "_next": {"state": "RUNNING", "at": now + START_SECONDS},
        "_active": now,
    }
    return changed, [Event(now, event, {"user": user})]


def terminating(cluster: Document, now: int, reason: Document) -> tuple[Document, list[Event]]:
    """On its way to TERMINATED; a cluster that is there or on its way stays as it is, as the API answers a repeat."""
    if cluster["state"] in ("TERMINATED", "TERMINATING"):
        return cluster, []
    changed = {
        **cluster,
        "state": "TERMINATING",
        "state_message": "",
        "termination_reason": reason,
        "_next": {"state": "TERMINATED", "at": now + STOP_SECONDS},
    }
    return changed, [Event(now, "TERMINATING", {"reason": reason})]


def by_request(user: str) -> Document:
    """The reason of a termination that somebody asked for."""
    return _reason("USER_REQUEST", username=user)


def settled(cluster: Document, now: int) -> tuple[Document, list[Event]]:
    """The cluster as it is now: what was under way has arrived, what was idle too long has ended."""
    events: list[Event] = []
    while True:
        following = cluster.get("_next")
        if following is not None:
            if now < following["at"]:
                return cluster, events
            cluster, arrived = _arrived(cluster, following["state"], following["at"])
            events += arrived
            continue
        minutes = cluster.get("autotermination_minutes") or 0
        idle_until = cluster["_active"] + minutes * 60
        if cluster["state"] != "RUNNING" or not minutes or now < idle_until:
            return cluster, events
        reason = _reason("INACTIVITY", inactivity_duration_min=str(minutes))
        cluster, ended = terminating(cluster, idle_until, reason)
        events += ended


def _arrived(cluster: Document, state: str, second: int) -> tuple[Document, list[Event]]:
    kept = {name: value for name, value in cluster.items() if name != "_next"}
    if state == "RUNNING":
        running = {**kept, "state": state, "state_message": "", "last_state_loss_time": second * 1000}
        workers = cluster.get("num_workers") or 0
        details = {"current_num_workers": workers, "target_num_workers": workers}
        return {**running, "_active": second}, [Event(second, "RUNNING", details)]
    # the vendor has no event for the arrival in TERMINATED: its log ends with TERMINATING
    return {**kept, "state": state, "terminated_time": second * 1000}, []


def obstacle(cluster: Document, operation: str) -> str | None:
    """Why an operation is refused in this state, in the vendor's words; None when it may be done."""
    state = str(cluster["state"])
    if state in ALLOWED[operation]:
        return None
    return f"Cluster {cluster['cluster_id']} is in unexpected state {state.capitalize()}."
