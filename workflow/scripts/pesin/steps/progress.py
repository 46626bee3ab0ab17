"""One line for each study of a run: what is done, what runs, what is left."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple, TextIO

OTHER = "all studies"


class Task(NamedTuple):
    """A job of a run as a reader knows it."""

    study: str
    """Study that it belongs to, or OTHER."""
    what: str
    """Step and case, such as `train lorenz63`."""


class Progress(logging.Handler):
    """Handler of Snakemake's logger that prints a study's line whenever one of its jobs ends.

    It knows the events by name (`job_started` with `jobs`, `job_finished` with `job_id`, `job_error` with `jobid`),
    as Snakemake 9 has them.
    """

    def __init__(self, tasks: Callable[[], Mapping[int, Task]], stream: TextIO | None = None):
        """Take a function that tells all jobs of the run by number, and the stream to print to (stderr)."""
        super().__init__()
        self.tasks, self.stream = tasks, stream or sys.stderr
        self.running: dict[int, Task] = {}
        self.left: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.known: Mapping[int, Task] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take in one event; anything else is none of ours. One in another form is said, and doesn't end the run."""
        try:
            self._take(record)
        except Exception:
            self.handleError(record)

    def _take(self, record: logging.LogRecord) -> None:
        event = str(getattr(record, "event", ""))
        if event == "job_started":
            if not self.known:
                self.known = dict(self.tasks())
                self.left.update(task.study for task in self.known.values())
            self.running |= {job: self.known[job] for job in record.jobs if job in self.known}  # type: ignore[attr-defined]
        elif event == "job_finished":
            self._end(record.job_id, self.done)  # type: ignore[attr-defined]
        elif event == "job_error":
            self._end(record.jobid, self.failed)  # type: ignore[attr-defined]
            print(f"  failed; the log: {', '.join(record.log)}", file=self.stream, flush=True)  # type: ignore[attr-defined]

    def _end(self, job: int, counter: Counter[str]) -> None:
        task = self.running.pop(job, None)
        if task is None:  # all of this project's jobs start before they end; a retried one starts again
            return
        counter[task.study] += 1
        self.left[task.study] -= counter is self.done
        print(self.line(task.study), file=self.stream, flush=True)

    def line(self, study: str) -> str:
        """The line of a study."""
        running = sorted(task.what for task in self.running.values() if task.study == study)
        parts = [f"{self.done[study]:3d} done"]
        if self.failed[study]:
            parts.append(f"{self.failed[study]} failed")
        if running:
            parts.append(f"{len(running)} running ({', '.join(running)})")
        parts.append(f"{self.left[study] - len(running)} left")
        return f"{study:<34}{', '.join(parts)}"


def replace_output(logger: logging.Logger) -> None:
    """Let the terminal show warnings and errors alone, beside the lines of Progress; the log file keeps everything."""
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.addFilter(lambda record: record.levelno >= logging.WARNING)
