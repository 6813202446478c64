"""The settings of a job, checked and changed: pure functions.

Source: the Jobs API's reference, 2.2 (`create`, `reset`, `update`, `runs/submit`).
"""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from lakelatch_sandbox.databricks import fields
from lakelatch_sandbox.databricks.errors import ApiError, invalid

MAX_TASKS: Final = 100
"""The vendor takes 1,000 and shows them in pages of 100; the sandbox has no pages of tasks."""

MAX_CONCURRENT: Final = 1000
DEFAULT_NAME: Final = "Untitled"

RUN_IF: Final = (
    "ALL_SUCCESS",
    "AT_LEAST_ONE_SUCCESS",
    "NONE_FAILED",
    "ALL_DONE",
    "AT_LEAST_ONE_FAILED",
    "ALL_FAILED",
)
CONDITIONS: Final = (
    "EQUAL_TO",
    "NOT_EQUAL",
    "GREATER_THAN",
    "GREATER_THAN_OR_EQUAL",
    "LESS_THAN",
    "LESS_THAN_OR_EQUAL",
)

Task = Mapping[str, Any]


def kind_of(task: Task) -> str:
    """What a task does: its one member that ends in `_task`; raises `ApiError` 400 when it has none or several."""
    kinds = [name for name, value in task.items() if name.endswith("_task") and value is not None]
    if len(kinds) != 1:
        raise invalid(f"Task {task.get('task_key')} must have exactly one kind of task, it has {len(kinds)}")
    return kinds[0]


def ordered(tasks: Sequence[Task]) -> list[Task]:
    """The tasks, each after those it depends on; raises `ApiError` 400 for a cycle."""
    by_key = {task["task_key"]: task for task in tasks}
    graph = {key: upstream(task) for key, task in by_key.items()}
    try:
        return [by_key[key] for key in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise invalid("The tasks depend on each other in a cycle") from error


def upstream(task: Task) -> list[str]:
    """The keys of the tasks that a task depends on."""
    return [str(one["task_key"]) for one in task.get("depends_on") or []]


def checked_tasks(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tasks of a job or of a single run; raises `ApiError` 400."""
    tasks = fields.objects(body, "tasks")
    if len(tasks) > MAX_TASKS:
        raise invalid(f"The sandbox takes at most {MAX_TASKS} tasks")
    keys = [fields.required(task, "task_key", most=100) for task in tasks]
    if len(set(keys)) != len(keys):
        raise invalid("Each task_key must be there only once")
    for task in tasks:
        kind = kind_of(task)
        fields.mapping(task, kind)
        for one in fields.objects(task, "depends_on"):
            if fields.required(one, "task_key") not in keys:
                raise invalid(f"Task {task['task_key']} depends on {one['task_key'][:100]}, which does not exist")
        if task.get("run_if") not in (None, *RUN_IF):
            raise invalid(f"run_if must be one of {', '.join(RUN_IF)}")
        if kind == "condition_task" and task[kind].get("op") not in CONDITIONS:
            raise invalid(f"condition_task.op must be one of {', '.join(CONDITIONS)}")
        if kind == "sql_task":
            fields.required(task[kind], "warehouse_id")
    ordered(tasks)
    return tasks


def checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the vendor's defaults; raises `ApiError` 400."""
    known = {name: value for name, value in settings.items() if not name.startswith("_")}
    fields.number(known, "max_concurrent_runs", most=MAX_CONCURRENT)
    fields.number(known, "timeout_seconds")
    fields.objects(known, "parameters")
    return {
        "email_notifications": {},
        "webhook_notifications": {},
        "timeout_seconds": 0,
        "max_concurrent_runs": 1,
        **known,
        "name": fields.text(known, "name") or DEFAULT_NAME,
        "tasks": checked_tasks(known),
        "format": "MULTI_TASK",
    }


def merged(settings: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """After an update: `new_settings` replace top-level members, tasks and job clusters by their keys.

    `fields_to_remove` are names such as `timeout_seconds` and `tasks/one`. Raises `ApiError` 400.
    """
    found = dict(settings)
    for name, value in fields.mapping(body, "new_settings").items():
        key = {"tasks": "task_key", "job_clusters": "job_cluster_key"}.get(name)
        if key is not None and isinstance(value, list):
            new = {one.get(key): one for one in fields.objects({name: value}, name)}
            kept = [new.pop(one.get(key), one) for one in found.get(name, [])]
            found[name] = [*kept, *new.values()]
        else:
            found[name] = value
    removed = body.get("fields_to_remove") or []
    if not isinstance(removed, list) or not all(isinstance(path, str) for path in removed):
        raise invalid("fields_to_remove must be a list of names")
    for path in removed:
        name, _, key = path.partition("/")
        if key and isinstance(found.get(name), list):
            found[name] = [one for one in found[name] if key not in (one.get("task_key"), one.get("job_cluster_key"))]
        else:
            found.pop(name, None)
    return checked(found)


def missing_job(id: int) -> ApiError:
    """Clients know this refusal by its words."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", f"Job {id} does not exist.")


def missing_run(id: int) -> ApiError:
    """Clients know this refusal by its words."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", f"Run {id} does not exist.")
