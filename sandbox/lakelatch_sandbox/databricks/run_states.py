"""Where a run stands: pure functions of what its tasks came to and of the sandbox's clock.

Source: the Jobs API's reference, `RunState`, `RunStatus` and `run_if`.

A run's document has `tasks`, `_created` (second), `_timeout` (seconds, 0: none), `_canceled` (second or None), and
`_outcomes`: what each task came to, by its key, as `result_state`, `message`, `finished` (second).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lakelatch_sandbox.databricks.job_settings import Task, ordered, upstream
from lakelatch_sandbox.store import Document

SETUP_SECONDS: Final = 1
"""How long a task is PENDING; the vendor's wait for compute, which takes minutes on new clusters."""

LEAST_SECONDS: Final = 1
"""How long a task is RUNNING at least, so that who polls each second sees it."""

_DETAILS: Final = {
    "SUCCESS": ("SUCCESS", "SUCCESS"),
    "SUCCESS_WITH_FAILURES": ("SUCCESS_WITH_FAILURES", "SUCCESS"),
    "FAILED": ("RUN_EXECUTION_ERROR", "CLIENT_ERROR"),
    "TIMEDOUT": ("CANCELED", "CLIENT_ERROR"),
    "CANCELED": ("USER_CANCELED", "SUCCESS"),
    "MAXIMUM_CONCURRENT_RUNS_REACHED": ("MAX_CONCURRENT_RUNS_EXCEEDED", "CLIENT_ERROR"),
    "EXCLUDED": ("SKIPPED", "SUCCESS"),
    "UPSTREAM_FAILED": ("SKIPPED", "CLIENT_ERROR"),
    "UPSTREAM_CANCELED": ("SKIPPED", "CLIENT_ERROR"),
}
"""Result state: code and type of the termination."""

FAILURES: Final = ("FAILED", "TIMEDOUT", "CANCELED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED")
SKIPS: Final = ("EXCLUDED", "UPSTREAM_FAILED", "UPSTREAM_CANCELED")
ENDED: Final = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")


@dataclass(frozen=True)
class Standing:
    """Of a run or of one task; times are seconds of the sandbox's clock."""

    life_cycle: str
    start: int
    result: str | None = None
    message: str = ""
    end: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.life_cycle in ENDED

    def described(self) -> dict[str, Any]:
        """As the API shows it: `state` of all versions, `status` of 2.2, and the times."""
        state: dict[str, Any] = {
            "life_cycle_state": self.life_cycle,
            "state_message": self.message,
            "user_cancelled_or_timedout": self.result in ("CANCELED", "TIMEDOUT"),
        }
        # the newer states have no names for runs that ended otherwise
        status: dict[str, Any] = {"state": "TERMINATED" if self.ended else self.life_cycle}
        if self.result is not None:
            code, type = _DETAILS[self.result]
            state["result_state"] = self.result
            status["termination_details"] = {"code": code, "type": type, "message": self.message}
        end = 0 if self.end is None else self.end * 1000
        return {
            "state": state,
            "status": status,
            "start_time": self.start * 1000,
            "end_time": end,
            "setup_duration": 0 if self.life_cycle == "PENDING" else SETUP_SECONDS * 1000,
            "execution_duration": max(0, end - (self.start + SETUP_SECONDS) * 1000),
            "cleanup_duration": 0,
            "run_duration": max(0, end - self.start * 1000),
        }


def skipped_because(task: Task, outcomes: Mapping[str, Document]) -> str | None:
    """The result state of a task that is not to run after what its upstream tasks came to; None when it is."""
    for one in task.get("depends_on") or []:
        wanted, came = one.get("outcome"), outcomes[one["task_key"]]
        if wanted is not None and came["result_state"] == "SUCCESS" and came.get("outcome") != wanted:
            return "EXCLUDED"
    results = [outcomes[key]["result_state"] for key in upstream(task)]
    failed = [one in FAILURES for one in results]
    succeeded = [one == "SUCCESS" for one in results]
    if not results:
        return None
    wanted = task.get("run_if") or "ALL_SUCCESS"
    if wanted == "ALL_SUCCESS":
        if all(succeeded):
            return None
        if any(failed):
            return "UPSTREAM_CANCELED" if "CANCELED" in results else "UPSTREAM_FAILED"
        return "EXCLUDED"
    fulfilled = {
        "AT_LEAST_ONE_SUCCESS": any(succeeded),
        "NONE_FAILED": not any(failed) and any(succeeded),
        "ALL_DONE": True,
        "AT_LEAST_ONE_FAILED": any(failed),
        "ALL_FAILED": all(failed),
    }[wanted]
    return None if fulfilled else "EXCLUDED"


def standings(run: Document, now: int) -> dict[str, Standing]:
    """Where each task stands, by its key."""
    found: dict[str, Standing] = {}
    created, canceled, timeout = run["_created"], run["_canceled"], run["_timeout"]
    stops = [(canceled, "CANCELED", "Run cancelled.")] if canceled is not None else []
    if timeout:
        stops.append((created + timeout, "TIMEDOUT", f"Run timed out after {timeout} seconds."))
    stop = min(stops) if stops else None
    for task in ordered(run["tasks"]):
        before = [found[key] for key in upstream(task)]
        begin = max((one.end for one in before if one.end is not None), default=created)
        found[task["task_key"]] = _standing(
            run["_outcomes"].get(task["task_key"]), begin, all(one.ended for one in before), stop, now
        )
    return found


def _standing(
    outcome: Document | None, begin: int, free: bool, stop: tuple[int, str, str] | None, now: int
) -> Standing:
    end = None
    if free and outcome is not None:
        skipped = outcome["result_state"] in SKIPS
        end = begin if skipped else max(begin + SETUP_SECONDS + LEAST_SECONDS, outcome["finished"])
    if stop is not None and stop[0] <= now and (end is None or stop[0] < end):
        second, result, message = stop
        return Standing("TERMINATED", min(begin, second), result, message, second)
    if end is not None and end <= now:
        assert outcome is not None  # noqa: S101
        return Standing("TERMINATED", begin, outcome["result_state"], outcome["message"], end)
    if not free:
        return Standing("BLOCKED", begin)
    return Standing("PENDING" if now < begin + SETUP_SECONDS else "RUNNING", begin)


def overall(run: Document, tasks: Mapping[str, Standing]) -> Standing:
    """Where the run stands; with a failed task at an end of its graph it ends in INTERNAL_ERROR, as the vendor's do."""
    created = run["_created"]
    if run["_skipped"]:
        return Standing("SKIPPED", created, "MAXIMUM_CONCURRENT_RUNS_REACHED", run["_skipped"], created)
    if not all(one.ended for one in tasks.values()):
        waiting = all(one.life_cycle in ("PENDING", "BLOCKED") for one in tasks.values())
        return Standing("PENDING" if waiting else "RUNNING", created)
    end = max((one.end or created for one in tasks.values()), default=created)
    for result in ("CANCELED", "TIMEDOUT"):
        message = next((one.message for one in tasks.values() if one.result == result), None)
        if message is not None:
            return Standing("TERMINATED", created, result, message, end)
    inner = {key for task in run["tasks"] for key in upstream(task)}
    failed = {key: one for key, one in tasks.items() if one.result in FAILURES}
    if failed.keys() - inner:
        key, first = next(iter(failed.items()))
        return Standing("INTERNAL_ERROR", created, "FAILED", f"Task {key} failed with message: {first.message}", end)
    return Standing("TERMINATED", created, "SUCCESS_WITH_FAILURES" if failed else "SUCCESS", "", end)
