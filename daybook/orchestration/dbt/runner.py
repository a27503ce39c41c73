"""Run dbt with prefect-dbt. Each model and test is a task of the run, and its output is in the run's log.

prefect-dbt comes with the extra `dbt`, so it is imported only when it is needed.
"""

import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from daybook.errors import DbtUnusable, ExtraMissing
from daybook.extras import extra
from daybook.integrations.dbt import profile
from daybook.integrations.dbt.results import NodeResult, outcomes
from daybook.orchestration.blocks import open as blocks

_THREADS = 4

T = TypeVar("T")


def _not_a_traceback(record: logging.LogRecord) -> bool:
    """Filter out Prefect's traceback of a failed model or test: dbt logs the failure in the line before."""
    return not (record.exc_info and getattr(record, "task_name", None) == "execute_dbt_node")


logging.getLogger("prefect.task_runs").addFilter(_not_a_traceback)


@dataclass(frozen=True)
class Dbt:
    """dbt on one project, with the profile in the folder `profiles`. Models get the day as `var('execution_date')`."""

    project: Path
    profiles: Path
    day: date

    def nodes(self, select: str | None) -> list[str]:
        """Return the unique IDs of the nodes that `select` names, and write the manifest.

        Raises:
            DbtUnusable: dbt cannot read the project or the selection, or it selects nothing. `build` raises it, too.
        """
        as_json = ("--output", "json", "--output-keys", "unique_id")
        listed = self._invoke("ls", select, *as_json, "--log-level", "error")  # the build logs the warnings
        return self._some([json.loads(line)["unique_id"] for line in listed], select)

    def manifest(self) -> dict[str, Any]:
        """Return the `manifest.json` that the last dbt command wrote."""
        path = self.project / self._settings().target_path / "manifest.json"
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return manifest

    def build(self, select: str | None, full_refresh: bool) -> list[NodeResult]:
        """Build the models, seeds and snapshots that `select` names, run their tests, and return all results."""
        return self._some(outcomes(self._invoke("build", select, *["--full-refresh"] * full_refresh).results), select)

    def _some(self, found: list[T], select: str | None) -> list[T]:
        """Return what dbt found. Refuse an empty selection, which dbt itself treats as a success."""
        if not found:
            raise DbtUnusable(f"{select!r} selects nothing in {self.project}: correct select, or leave it out")
        return found

    def _invoke(self, command: str, select: str | None, *flags: str) -> Any:
        from prefect_dbt import PrefectDbtRunner

        arguments = [command, *flags, "--no-send-anonymous-usage-stats", "--no-use-colors"]
        arguments += ["--profile", profile.NAME, "--target", profile.TARGET]
        arguments += ["--vars", json.dumps({"execution_date": self.day.isoformat()})]
        arguments += ["--select", *select.split()] if select else []
        try:
            return PrefectDbtRunner(settings=self._settings(), raise_on_failure=False).invoke(arguments).result
        except ValueError as error:  # prefect-dbt raises it for every exception of dbt
            reason = str(error).partition("': ")[2] or str(error)
            raise DbtUnusable(f"dbt {command} could not run in {self.project}: {reason}") from None
        finally:
            _wait_for_tasks()

    def _settings(self) -> Any:
        from prefect_dbt import PrefectDbtSettings

        return PrefectDbtSettings(project_dir=self.project, profiles_dir=self.profiles)


def _wait_for_tasks() -> None:
    """Wait for the nodes' tasks. prefect-dbt runs each in a thread without waiting, so they would stay `Running`."""
    for thread in threading.enumerate():
        if thread.name.endswith("(run_task)"):
            thread.join(timeout=30)


@contextmanager
def on_our_warehouse(project: Path, day: date, schema: str) -> Iterator[Dbt]:
    """Yield dbt with a profile for `SqlAlchemyConnector/warehouse`, and delete the profile afterwards.

    The profile reads the password from the environment of this process. `schema` is for models that name none.

    Raises:
        DbtUnusable: dbt is not installed, or cannot use the warehouse's URL.
        BlockUnusable: the block is missing.
    """
    try:
        with extra("dbt"):
            import prefect_dbt  # noqa: F401
    except ExtraMissing as error:
        raise DbtUnusable(
            f"dbt is not installed for {sys.executable}: {error}, or run `sh deployments/local/install.sh dbt` in the"
            " checkout that the worker was started in. See docs/guides/dbt.md"
        ) from None
    url = blocks.engine("warehouse").url
    with tempfile.TemporaryDirectory(prefix="daybook-dbt-") as folder:
        content = json.dumps(profile.profile(url, schema, _THREADS))  # which is YAML, too
        Path(folder, "profiles.yml").write_text(content, encoding="utf-8")
        os.environ[profile.PASSWORD] = url.password or ""
        try:
            yield Dbt(project, Path(folder), day)
        finally:
            os.environ.pop(profile.PASSWORD, None)
