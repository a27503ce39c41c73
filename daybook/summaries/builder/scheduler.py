"""Build summaries in the order of their dependencies, in parallel. After a failure, skip the summaries that need it."""

import contextvars
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from daybook.errors import SummariesFailed
from daybook.summaries.builder.build import Built


@dataclass
class BuildResults:
    """The outcome of each summary: built (or nothing to do), failed, or skipped because an input failed."""

    built: dict[str, Built] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)
    skipped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The skipped summaries, each with the failed summaries that it depends on."""

    def raise_for_failures(self) -> "BuildResults":
        """Return these results if no summary failed.

        Raises:
            SummariesFailed: names the summaries that failed, with their reasons, and those that were skipped.
        """
        if not self.failed:
            return self
        counted = f"{len(self.built)} succeeded, {len(self.failed)} failed, {len(self.skipped)} skipped"
        lines = [f"summaries: {counted}"]
        reasons = {name: f"{type(error).__name__}: {error}" for name, error in self.failed.items()}
        lines += [f"- {name}: {reason}" for name, reason in reasons.items()]
        lines += [
            f"- {name}: skipped, because {', '.join(causes)} failed. It keeps its last build"
            for name, causes in self.skipped.items()
        ]
        raise SummariesFailed("\n".join(lines), reasons)


def run_in_order(
    inputs: Mapping[str, tuple[str, ...]], build: Callable[[str], Built], *, at_once: int = 4
) -> BuildResults:
    """Call `build` with each summary in `inputs`, after the summaries that it reads, and return the outcomes.

    Args:
        inputs: the tables and summaries that each summary reads.
        build: builds the summary of that name.
        at_once: the number of calls that run at the same time, in threads. Each has a copy of the caller's context.
    """
    sorter = TopologicalSorter({name: [one for one in read if one in inputs] for name, read in inputs.items()})
    sorter.prepare()
    outcome, running = BuildResults(), dict[Future[Built], str]()
    with ThreadPoolExecutor(at_once) as pool:
        while sorter.is_active():
            for name in sorter.get_ready():
                if causes := _causes(inputs[name], outcome):
                    outcome.skipped[name] = causes
                    sorter.done(name)
                else:
                    running[pool.submit(contextvars.copy_context().run, build, name)] = name
            ended, _ = wait(running, return_when=FIRST_COMPLETED) if running else ((), ())
            for future in ended:
                name = running.pop(future)
                try:
                    outcome.built[name] = future.result()
                except Exception as error:
                    outcome.failed[name] = error
                sorter.done(name)
    return outcome


def _causes(inputs: tuple[str, ...], outcome: BuildResults) -> tuple[str, ...]:
    """Return the failed summaries that block a summary with these inputs, sorted."""
    failed = {name for name in inputs if name in outcome.failed}
    return tuple(sorted(failed.union(*(outcome.skipped.get(name, ()) for name in inputs))))
