"""What became of each model and test of a dbt project, and the failure that names those that failed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from daybook.errors import DbtFailed

#: dbt's words for a node that went wrong, and for one that was not tried because of one before it.
_FAILED, _HELD_BACK = {"error", "fail", "runtime error", "partial success"}, "skipped"


@dataclass(frozen=True)
class NodeResult:
    """One node (a model, a test, a seed, a snapshot) as dbt's run left it.

    `status` is dbt's word, `rows` how many it wrote, or how many a test found to be wrong; None where dbt does not say.
    """

    kind: str
    name: str
    status: str
    rows: int | None
    seconds: float
    message: str

    @property
    def node(self) -> str:
        """What a person calls it: `model nps_by_day`."""
        return f"{self.kind} {self.name}"

    @property
    def failed(self) -> bool:
        """Whether it went wrong itself."""
        return self.status in _FAILED

    @property
    def held_back(self) -> bool:
        """Whether it was not tried, because of what failed before it."""
        return self.status == _HELD_BACK


def outcomes(results: Iterable[Any]) -> list[NodeResult]:
    """The `results` of a dbt invocation (`dbt.contracts.results.RunExecutionResult`), in the order they came."""
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
    """Raise `DbtFailed` with the names and messages of what failed, and the names of what was held back, if any was."""
    failed = [outcome for outcome in outcomes if outcome.failed]
    if not failed:
        return
    held_back = [outcome.node for outcome in outcomes if outcome.held_back]
    lines = [f"dbt project {project}: {len(failed)} of {len(outcomes)} failed"]
    lines += [f"{outcome.node}: {outcome.message.strip() or outcome.status}" for outcome in failed]
    lines += [f"held back by them: {', '.join(held_back)}"] if held_back else []
    raise DbtFailed("\n- ".join(lines))
