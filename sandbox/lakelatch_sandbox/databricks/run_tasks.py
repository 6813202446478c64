"""What the tasks of a run come to: SQL tasks are executed, conditions decided; what needs Spark is recorded only."""

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks.errors import ApiError
from lakelatch_sandbox.databricks.job_settings import Task, kind_of, ordered
from lakelatch_sandbox.databricks.queries import Queries
from lakelatch_sandbox.databricks.run_states import skipped_because
from lakelatch_sandbox.databricks.sql_query import Query
from lakelatch_sandbox.databricks.statements import Statement, Statements
from lakelatch_sandbox.store import Document

_SKIPPED: Final = {
    "EXCLUDED": "The condition of the task's dependencies was not met.",
    "UPSTREAM_FAILED": "An upstream task failed.",
    "UPSTREAM_CANCELED": "An upstream task was canceled.",
}
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "EQUAL_TO": operator.eq,
    "NOT_EQUAL": operator.ne,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_OR_EQUAL": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_OR_EQUAL": operator.le,
}


def condition(task: Mapping[str, Any]) -> bool:
    """Whether a condition task holds: operands that both are numbers compare as numbers, else `==` and `!=` as texts.

    Raises `ValueError` when an order is asked of what are no numbers.
    """
    left, right, op = str(task.get("left", "")), str(task.get("right", "")), str(task["op"])
    if op in ("EQUAL_TO", "NOT_EQUAL"):
        # the vendor compares these as texts, so that 12 and 12.0 differ
        return _COMPARISONS[op](left, right)
    return _COMPARISONS[op](float(left), float(right))


def recorded(kind: str, parameters: Mapping[str, Any]) -> str:
    """What a task that the sandbox cannot run says of itself."""
    named = f" with parameters {', '.join(sorted(parameters))}" if parameters else ""
    return f"Recorded, not executed: the sandbox has no compute for a {kind}{named}."


class RunTasks:
    """Executes the tasks of one run after the other, in the order of their dependencies."""

    def __init__(self, statements: Statements, queries: Queries, clock: Clock) -> None:
        self._statements = statements
        self._queries = queries
        self._clock = clock
        self._live: dict[int, Statement] = {}

    def cancel(self, run_id: int) -> None:
        """End the statement that a run waits for, if it waits for one."""
        statement = self._live.get(run_id)
        if statement is not None:
            statement.cancel()

    async def outcomes(
        self,
        run: Document,
        audit_rows: Callable[[], str] | None,
        keep: Callable[[str, Document], bool],
    ) -> None:
        """Give what each task came to, by its key, to `keep`, until that says that the run is over."""
        found: dict[str, Document] = {}
        for task in ordered(run["tasks"]):
            skipped = skipped_because(task, found)
            if skipped is not None:
                outcome: Document = {"result_state": skipped, "message": _SKIPPED[skipped]}
            else:
                outcome = await self._executed(task, run, audit_rows)
            outcome["finished"] = self._clock.now()
            found[task["task_key"]] = outcome
            if not keep(task["task_key"], outcome):
                return

    async def _executed(self, task: Task, run: Document, audit_rows: Callable[[], str] | None) -> Document:
        kind = kind_of(task)
        if kind == "sql_task":
            return await self._sql(task["sql_task"], run, audit_rows)
        if kind == "condition_task":
            try:
                holds = condition(task[kind])
            except ValueError:
                return {"result_state": "FAILED", "message": "The operands of the condition are not numbers."}
            return {"result_state": "SUCCESS", "message": "", "outcome": "true" if holds else "false"}
        parameters = {**(task[kind].get("base_parameters") or {}), **run["_parameters"]}
        return {"result_state": "SUCCESS", "message": "", "info": recorded(kind, parameters)}

    async def _sql(self, task: Document, run: Document, audit_rows: Callable[[], str] | None) -> Document:
        try:
            id = (task.get("query") or {}).get("query_id")
            if id is None:
                raise ApiError(400, "INVALID_PARAMETER_VALUE", "The sandbox runs SQL tasks with a saved query only.")
            saved = self._queries.find(str(id))
            parameters = {**(task.get("parameters") or {}), **run["_parameters"]}
            query = Query(
                text=saved["query_text"],
                user=run["creator_user_name"],
                catalog=saved.get("catalog"),
                schema=saved.get("schema"),
                parameters={name: str(value) for name, value in parameters.items()},
                parameter_types=dict.fromkeys(parameters, "VARCHAR"),
                audit_rows=audit_rows,
            )
            statement = self._statements.submit(query, task["warehouse_id"])
        except ApiError as error:
            return {"result_state": "FAILED", "message": error.message}
        self._live[run["run_id"]] = statement
        await statement.ended.wait()
        del self._live[run["run_id"]]
        output = {
            "query_text": saved["query_text"],
            "endpoint_id": task["warehouse_id"],
            "warehouse_id": task["warehouse_id"],
            "sql_statements": [{"lookup_key": statement.id}],
        }
        if statement.state == "SUCCEEDED":
            return {"result_state": "SUCCESS", "message": "", "sql_output": {"query_output": output}}
        message = statement.message or "The statement was canceled."
        return {"result_state": "FAILED", "message": message, "sql_output": {"query_output": output}}
