"""The runs that are kept, and how each of them is shown at this second of the sandbox's clock."""

from collections.abc import Mapping
from typing import Any, Final

from lakelatch_sandbox.clock import Clock
from lakelatch_sandbox.databricks import fields, job_settings
from lakelatch_sandbox.databricks.run_states import Standing, overall, standings
from lakelatch_sandbox.store import Document, Store

RUNS: Final = "databricks/job_runs"


class RunRecords:
    """Reads runs; changes none."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def find(self, given: Mapping[str, Any]) -> tuple[Document, str | None]:
        """The run with this `run_id`, or the one that has a task with it, and then the task's key.

        Raises `ApiError` 400 when there is none, as the vendor does.
        """
        id = fields.required_number(given, "run_id")
        found = self._store.get(RUNS, str(id))
        if found is not None:
            return found, None
        for run in self._store.all(RUNS):
            for task in run["tasks"]:
                if task["run_id"] == id:
                    return run, task["task_key"]
        raise job_settings.missing_run(id)

    def standing(self, run: Document) -> tuple[Standing, dict[str, Standing]]:
        """Where a run stands, and each of its tasks by its key; a run that was skipped has begun none."""
        tasks = {} if run["_skipped"] else standings(run, self._clock.now())
        return overall(run, tasks), tasks

    def active(self, job_id: int) -> list[Document]:
        """The runs of a job that have not ended."""
        runs = (run for run in self._store.all(RUNS) if run["job_id"] == job_id)
        return [run for run in runs if not self.standing(run)[0].ended]

    def shown(self, run: Document, *, tasks: bool = True) -> Document:
        """A run as the API shows it, with or without its tasks."""
        whole, parts = self.standing(run)
        shown = {name: value for name, value in run.items() if not name.startswith("_")} | whole.described()
        if not tasks:
            del shown["tasks"]
        else:
            shown["tasks"] = [
                {**task, **(parts[task["task_key"]].described() if parts else {})} for task in shown["tasks"]
            ]
        return shown
