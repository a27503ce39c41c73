"""Print the progress of the local stack: a line for each step, with its time. A terminal gets colour and a spinner."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_PIPE_WIDTH = 150  # the width without a terminal


@dataclass
class Step:
    """A running step. The code in it sets `detail`, which is printed on the step's line at its end."""

    title: str
    detail: str = ""
    seconds: float = 0.0


@dataclass
class Narrator:
    """Print each finished step, and keep the time that it took."""

    console: Console = field(
        default_factory=lambda: Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    )
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Measure the block, and print a line for it at its end. A failed step prints no line."""
        step = Step(title)
        started = time.monotonic()
        with self.console.status(f"{title} …"):
            yield step
        step.seconds = time.monotonic() - started
        self.steps.append(step)
        self.console.print(
            f"[green]✓[/] {title:<32} [dim]{step.seconds:6.1f} s[/]  {escape(step.detail)}", soft_wrap=True
        )

    def say(self, text: str = "") -> None:
        """Print a line without wrapping it."""
        self.console.print(text, soft_wrap=True)

    def table(self, title: str, columns: list[str], rows: list[list[str]], right: frozenset[str] = frozenset()) -> None:
        """Print `rows` under `columns`; those named in `right` are aligned to the right."""
        table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1))
        for column in columns:
            table.add_column(column, justify="right" if column in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*row)
        self.console.print(table)

    def times(self, earlier: float = 0.0) -> None:
        """Print the time of each step. `earlier` is the time before this program started, in seconds."""
        rows = [["virtual environment, packages", f"{earlier:.1f} s"]] if earlier else []
        rows += [[step.title, f"{step.seconds:.1f} s"] for step in self.steps]
        rows.append(["total", f"{earlier + sum(step.seconds for step in self.steps):.1f} s"])
        self.table("Time taken", ["step", "time"], rows, right=frozenset({"time"}))
