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
    """A running step. The code in it sets `detail`, which is printed on the step's line at its end.

    `begin` and `end` are seconds since the narrator began.
    """

    title: str
    begin: float
    end: float = 0.0
    detail: str = ""

    @property
    def seconds(self) -> float:
        """Return how long it took."""
        return self.end - self.begin


@dataclass
class Narrator:
    """Print each finished step, and keep when it began and ended. Steps may overlap."""

    console: Console = field(
        default_factory=lambda: Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    )
    began: float = field(default_factory=lambda: time.monotonic())
    steps: list[Step] = field(default_factory=list)

    def now(self) -> float:
        """Return the seconds since the narrator began."""
        return time.monotonic() - self.began

    @contextmanager
    def step(self, title: str, begin: float | None = None) -> Iterator[Step]:
        """Wait for the block, and print a line for it at its end. A failed step prints no line.

        `begin` is when the step began, if that was before the block.
        """
        step = Step(title, self.now() if begin is None else begin)
        with self.console.status(f"{title} …"):
            yield step
        step.end = self.now()
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

    def timeline(self, earlier: float = 0.0) -> None:
        """Print when each step began and ended. `earlier` is the time before the narrator began, in seconds."""
        rows = [[step.title, step.begin + earlier, step.end + earlier, step.seconds] for step in self.steps]
        rows.insert(0, ["the program starts", 0.0, earlier, earlier])
        total = earlier + self.now()
        rows.append(["total", 0.0, total, total])
        columns = ["step", "from", "to", "time"]
        shown = [[str(title), *(f"{seconds:.1f} s" for seconds in times)] for title, *times in rows]
        self.table("Timeline", columns, shown, right=frozenset(columns[1:]))
