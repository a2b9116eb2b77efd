"""What a launch shows while it runs: a live table in a terminal, a few lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

from ensemble.cluster.jobs import Receipt
from ensemble.plan.show import duration_text

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

SECONDS_PER_DAY = 86400.0


@dataclass
class StudyProgress:
    """How far a study is."""

    runs: int
    segments: int
    """Of all its runs."""
    time_per_step: float
    """In ns, under ``lj`` in τ."""
    done: int = 0
    failed: int = 0
    segments_done: int = 0
    steps: int = 0
    """Done in this launch."""
    seconds: float = 0.0
    """That they took, on all workers together."""

    @property
    def speed(self) -> float:
        """Simulated time per day of one worker, in ns (τ under ``lj``)."""
        if self.seconds == 0:
            return 0.0
        return self.steps * self.time_per_step / self.seconds * SECONDS_PER_DAY


@dataclass
class Progress:
    """How far a launch is."""

    campaign: str
    store: str
    dashboard: str
    workers: int
    studies: dict[str, StudyProgress]
    time_unit: str
    """Of the speeds: ``ns`` or ``τ``."""
    cost: float
    """Of all that is to be done in this launch, in estimated seconds of a core."""
    estimate: float = 0.0
    """Of its wall time in seconds, from the sizes of the models, with all workers."""
    cost_done: float = 0.0
    last_failure: str = ""
    cluster: str = ""
    """Such as how many jobs wait; empty where there is nothing to say."""
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float | None:
        """From the pace of this launch; None before there is one."""
        if self.cost_done <= 0:
            return None
        elapsed = time.monotonic() - self.started
        return elapsed * max(0.0, self.cost - self.cost_done) / self.cost_done


class Reporter(Protocol):
    """Where progress is shown."""

    def start(self, progress: Progress) -> None:
        """Runs are about to be done; once more if others follow, with a progress of their own."""

    def update(self) -> None:
        """Called several times a second."""

    def failure(self, run: str, receipt: Receipt, again: bool) -> None:
        """An attempt failed, and will or will not be repeated."""

    def note(self, line: str) -> None:
        """Something was decided."""

    def stop(self, closing: str) -> None:
        """The last words."""

    def close(self) -> None:
        """Leave the screen as it was, whatever has happened; always called."""


def reporter_for(quiet: bool = False, out: TextIO | None = None) -> Reporter:
    """A live table if `out`, stdout by default, is a terminal, lines otherwise; only failures if
    `quiet`.
    """
    out = out or sys.stdout
    if quiet or not out.isatty():
        return Lines(out, quiet=quiet)
    from rich.console import Console

    return LiveTable(Console(file=out))


class Lines:
    """One line at the start, one for each failure, one at the end."""

    def __init__(self, out: TextIO | None = None, *, quiet: bool = False) -> None:
        self._out = out or sys.stdout
        self._quiet = quiet

    def start(self, progress: Progress) -> None:
        if not self._quiet:
            left = sum(s.runs - s.done - s.failed for s in progress.studies.values())
            work = f"{_count(left, 'run')} to do on {_count(progress.workers, 'worker')}"
            print(
                f"{progress.campaign}: {work}, about {duration_text(progress.estimate)}; "
                f"store {progress.store}; dashboard {progress.dashboard}",
                file=self._out,
                flush=True,
            )

    def update(self) -> None:
        pass

    def failure(self, run: str, receipt: Receipt, again: bool) -> None:
        print(failure_line(run, receipt, again), file=sys.stderr, flush=True)

    def note(self, line: str) -> None:
        if not self._quiet:
            print(line, file=self._out, flush=True)

    def stop(self, closing: str) -> None:
        if not self._quiet:
            print(closing, file=self._out, flush=True)

    def close(self) -> None:
        pass


class LiveTable:
    """A table that is drawn anew, with what failed above it."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console

        self._console = console or Console()
        self._progress: Progress | None = None
        self._live: Live | None = None

    def start(self, progress: Progress) -> None:
        from rich.live import Live

        self._progress = progress
        if self._live is not None:
            return
        self._live = Live(
            get_renderable=self._table, console=self._console, refresh_per_second=4, transient=True
        )
        self._live.start()

    def update(self) -> None:
        """Rich draws by itself."""

    def failure(self, run: str, receipt: Receipt, again: bool) -> None:
        style = "yellow" if again else "red"
        line = failure_line(run, receipt, again)
        self._console.print(line, style=style, markup=False, highlight=False)

    def note(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)

    def stop(self, closing: str) -> None:
        if self._live is not None:
            self.close()
            self._console.print(self._table())
        self._console.print(closing, markup=False, highlight=False)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _table(self) -> RenderableType:
        assert self._progress is not None
        return progress_table(self._progress)


def progress_table(progress: Progress) -> RenderableType:
    """A row for each study, and a line about the whole."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(f"{progress.campaign} → {progress.store}"), title_justify="left")
    for heading in ("study", "segments", "", "runs", "failed"):
        table.add_column(heading, justify="left" if heading in ("study", "") else "right")
    table.add_column(f"{progress.time_unit}/day/worker", justify="right")
    for name, study in progress.studies.items():
        table.add_row(
            Text(name),
            f"{study.segments_done}/{study.segments}",
            ProgressBar(max(1, study.segments), study.segments_done, width=24),
            f"{study.done}/{study.runs}",
            Text(str(study.failed or ""), style="red"),
            f"{study.speed:.3g}" if study.speed else "",
        )
    left = progress.seconds_left
    words = [f"elapsed {duration_text(time.monotonic() - progress.started)}"]
    words += [f"left about {duration_text(left)}"] if left is not None else []
    words += [progress.cluster] if progress.cluster else []
    words += [f"dashboard {progress.dashboard}"]
    lines: list[RenderableType] = [table, Text(" · ".join(words), style="dim")]
    if progress.last_failure:
        lines.append(Text(f"last failure: {progress.last_failure}", style="yellow"))
    return Group(*lines)


def failure_line(run: str, receipt: Receipt, again: bool) -> str:
    """A failure in one line."""
    cause = receipt.cause
    line = f"{run}: {receipt.message}" + (f" ({cause})" if cause else "")
    if again:
        return f"{line}; will be tried again"
    # Where the machine is to be put right, the message says how, and the next launch goes on.
    return line if cause is not None and cause.environment else f"{line}; given up"


def closing_line(
    done: int,
    asked: int,
    failed: Iterable[Receipt],
    store: str,
    seconds: float,
    stopped: bool,
    convergence: str = "",
) -> str:
    """What became of a launch, and what to type next."""
    failures = list(failed)
    words = [f"{done} of {asked} runs done in {duration_text(seconds)}"]
    if failures:
        given_up = any(not (f.cause and f.cause.environment) for f in failures)
        hint = ", --retry-failed tries again" if given_up else ""
        words.append(f"{len(failures)} failed{hint}")
    if convergence:
        words.append(convergence)
    if done == asked:
        words.append(f"see: ensemble results {store}")
    elif stopped:
        words.append("interrupted; the same command goes on from here")
    return "; ".join(words)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
