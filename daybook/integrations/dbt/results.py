"""The results of the models and tests of a dbt project, and the error that names those that failed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from daybook.errors import DbtFailed

#: dbt's statuses of nodes that failed, and of nodes that dbt skipped because an earlier node failed.
_FAILED, _SKIPPED = {"error", "fail", "runtime error", "partial success"}, "skipped"


@dataclass(frozen=True)
class NodeResult:
    """The result of one node: a model, a test, a seed or a snapshot.

    `status` is dbt's status. `rows` is the number of rows that a model wrote, or that failed a test; None if dbt does
    not report it.
    """

    kind: str
    name: str
    status: str
    rows: int | None
    seconds: float
    message: str

    @property
    def node(self) -> str:
        """Return the kind and the name: `model nps_by_day`."""
        return f"{self.kind} {self.name}"

    @property
    def failed(self) -> bool:
        """Return True if the node itself failed."""
        return self.status in _FAILED

    @property
    def skipped(self) -> bool:
        """Return True if dbt skipped the node, because a node that it depends on failed."""
        return self.status == _SKIPPED


def outcomes(results: Iterable[Any]) -> list[NodeResult]:
    """Return the results of a dbt invocation (`dbt.contracts.results.RunExecutionResult`), in their order."""
    return [
        NodeResult(
            kind=str(result.node.resource_type),
            name=result.node.name,
            status=str(result.status),
            rows=_rows(result),
            seconds=result.execution_time,
            message=result.message or "",
        )
        for result in results
    ]


def _rows(result: Any) -> int | None:
    if result.failures is not None:
        return int(result.failures)
    rows = result.adapter_response.get("rows_affected")
    return int(rows) if rows is not None and int(rows) >= 0 else None


def check(project: str, outcomes: list[NodeResult]) -> None:
    """Check that no node failed.

    Raises:
        DbtFailed: names the nodes that failed, with their messages, and the nodes that were skipped.
    """
    failed = [outcome for outcome in outcomes if outcome.failed]
    if not failed:
        return
    skipped = [outcome.node for outcome in outcomes if outcome.skipped]
    lines = [f"dbt project {project}: {len(failed)} of {len(outcomes)} failed"]
    lines += [f"{outcome.node}: {outcome.message.strip() or outcome.status}" for outcome in failed]
    lines += [f"skipped because of these failures: {', '.join(skipped)}"] if skipped else []
    raise DbtFailed("\n- ".join(lines))
