"""One step of a case with its loops cut short and timed; `paper_training.py` starts it, a process for each step.

    python benchmarks/metered_step.py '{"study": ..., "step": ..., "case": ..., "scale": ..., "inputs": {"data": path},
        "output": path, "turns": 3, "seconds": 120, "memory": 8, "resume": false, "replay": []}'

Writes beside the output what was found (`<output>.json`), and the output itself if the step came to an end. Seconds are
core seconds, so that a busy machine takes nothing away; memory is in GB.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import GeneratorType

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.config.models import Config
from pesin.plan import Plan

ROOT = Path(__file__).resolve().parents[1]
GRACE = 30  # core seconds beyond its time, then the kernel kills: compiled code hears no signal before it returns
END = object()


class TimeUp(BaseException):
    """The time of the step is over; no study may catch it."""


class Enough(BaseException):
    """The checkpoint was resumed: nothing else is asked of this process."""


@dataclass(eq=False)
class Loop:
    """Core seconds of a loop's turns, so far."""

    name: str
    turns: int | None = None
    place: int = 0
    """How many loops began before it."""
    each: list[float] = field(default_factory=list)
    """Of each turn, loops in it at their full length."""
    raw: float = 0.0
    """Of all turns, as they were run."""
    aside: float = 0.0
    """Of the present turn: what measuring cost, less what the loops in it would have cost beyond what was run."""
    since: float | None = None
    """When the present turn began."""
    nested: bool = False
    cut: bool = False
    closed: bool = False

    @property
    def turn(self) -> float:
        return sum(self.each) / len(self.each) if self.nested else min(self.each)

    @property
    def whole(self) -> float:
        return self.turn * max(self.turns or 0, len(self.each)) if self.cut else sum(self.each)


class Meter:
    """Stands in for `Case.progress` and `Checkpoint.over`."""

    def __init__(self, job: dict) -> None:
        self.most, self.half, self.resume = job["turns"], job["seconds"] / 2, job["resume"]
        self.start = time.process_time()
        self.replay: list[int] = job["replay"]
        self.open = [Loop("")]
        self.begun: list[Loop] = []
        self.unended, self.resumed, self.over_time = "", "", False
        self.streams: list[str] = []

    def progress(self, case, iterable, total: int | None = None, what: str = "") -> Iterator:
        """The iterable, cut short and timed; the time that it takes to give an item is part of the turn."""
        turns = total if total is not None else len(iterable) if hasattr(iterable, "__len__") else None
        loop, items = Loop(what or getattr(case, "step", "loop"), turns, len(self.begun)), iter(iterable)
        self.open[-1].nested = True
        self.open.append(loop)
        self.begun.append(loop)
        try:
            while not self._enough(loop):
                loop.since, loop.aside = time.process_time(), 0.0
                if (item := next(items, END)) is END:
                    loop.since = None
                    return
                yield item
                self._turn_ended(loop)
        except GeneratorExit:
            if loop.since is not None and not self.over_time:  # the study has enough of it
                self._turn_ended(loop)
            raise
        finally:
            self._close(loop)

    @staticmethod
    def _turn_ended(loop: Loop) -> None:
        elapsed = time.process_time() - loop.since
        loop.raw, loop.since = loop.raw + elapsed, None
        loop.each.append(elapsed - loop.aside)

    def _enough(self, loop: Loop) -> bool:
        """Whether the loop ends here: a few turns are done, and the rest wouldn't fit into half of the time."""
        done, now = len(loop.each), time.process_time() - self.start
        if done == 0 or done == loop.turns:
            return False  # its end is the iterable's to say
        if self.replay:
            enough = loop.place < len(self.replay) and done >= self.replay[loop.place]
        else:
            left = loop.raw / done * (loop.turns - done) if loop.turns else float("inf")
            enough = now > 1.5 * self.half or (done >= self.most and now + left > self.half)
        loop.cut = enough
        return enough

    def _close(self, loop: Loop) -> None:
        if loop.closed:
            return
        loop.closed = True
        if loop.since is not None:  # ended in the middle of a turn
            loop.cut = True
            self._turn_ended(loop)
            if len(loop.each) > 1:
                loop.each.pop()
            else:
                self.unended = self.unended or loop.name
        if loop in self.open:
            del self.open[self.open.index(loop) :]
        if loop.each:
            self.open[-1].aside += loop.raw - loop.whole

    def time_up(self, *_) -> None:
        """Handler of a signal."""
        self.over_time = True
        raise TimeUp

    def finish(self) -> None:
        """Close the loops that are open still, the innermost first."""
        for loop in reversed(self.open[1:]):
            self._close(loop)

    def over(self, checkpoint, turns, state) -> Iterator[int]:
        """`Checkpoint.over`: the states after the last two of a few turns are kept beside the step's output."""
        path = checkpoint._path
        timed = turns if isinstance(turns, GeneratorType) else self.progress(None, turns)
        for count, turn in enumerate(timed, start=1):
            yield turn
            if path is None or count > self.most:
                continue
            start, kept = time.process_time(), path.with_suffix(".kept")
            if self.resume:
                self.resumed = compared(checkpoint, turn + 1, state(), kept)
                raise Enough
            if kept.exists():
                kept.replace(path.with_suffix(".before"))
            checkpoint._write(turn + 1, state())
            path.replace(kept)
            if path.name not in self.streams:
                self.streams.append(path.name)
            self.open[-1].aside += time.process_time() - start


def compared(checkpoint, turns: int, state, kept: Path) -> str:
    """Whether the state after a resumed turn is that of the loop without a stop."""
    import xarray as xr

    checkpoint._write(turns, state)
    with xr.open_dataset(checkpoint._path) as again, xr.open_dataset(kept) as before:
        if again.attrs["turns"] == 1:
            return "not resumed: it began anew"
        if again.attrs["turns"] != before.attrs["turns"]:
            return "resumed, not compared"
        names = sorted(map(str, {*again.data_vars, *before.data_vars}))
        other = [name for name in names if name not in before or not before[name].identical(again.get(name))]
        other = [name for name in other if not name.endswith("seconds")]  # measured wall times
        other += ["generators"] * (again.attrs["generators"] != before.attrs["generators"])
        return f"resumed, other bits: {' '.join(other)}" if other else "resumed, same bits"


def limit(seconds: float, gigabytes: float, time_up) -> None:
    """Have a handler called after so many core seconds, this process ended soon after, and refused more memory."""
    signal.signal(signal.SIGPROF, time_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + GRACE,) * 2)
    resource.setrlimit(resource.RLIMIT_DATA, (int(gigabytes * 1e9),) * 2)


def run_job(job: dict) -> None:
    """Run one step under the meter, and write beside its output what was found."""
    from pesin.steps.case import Case
    from pesin.steps.checkpoint import Checkpoint
    from pesin.steps.run import run_step

    study, step, name = job["study"], job["step"], job["case"]
    plan, said = Plan(ROOT, Config(scale=job["scale"], studies=[study])), ""
    kind = plan.study(study).params_type(name)
    function = getattr(import_module(kind.__module__.replace(".params", f".{step}")), step)
    spec = {"study": study, "case": name, "step": step, "scale": job["scale"], "params_type": kind}
    spec["params"] = plan.params(study, step, name)
    inputs = {arg: [*map(Path, one)] if isinstance(one, list) else Path(one) for arg, one in job["inputs"].items()}
    meter = Meter(job)
    Case.progress = lambda *args, **more: meter.progress(*args, **more)  # type: ignore[method-assign]
    Checkpoint.over = lambda *args: meter.over(*args)  # type: ignore[method-assign]
    limit(job["seconds"], job["memory"], meter.time_up)
    try:
        run_step(function, spec, inputs, [], Path(job["output"]))
    except (TimeUp, Enough, Exception) as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        meter.finish()
        said = " ".join(f"{type(error).__name__}: {error}".split())[:150]
        if any(loop.cut for loop in meter.begun):
            said = f"loops cut, and then {said}"
        if isinstance(error, TimeUp):
            said = f"time over after {job['seconds']:g} core s"
    signal.setitimer(signal.ITIMER_PROF, 0)
    Path(job["output"]).with_suffix(".json").write_text(
        json.dumps(report(meter, said, time.process_time() - meter.start)), encoding="utf-8"
    )


def report(meter: Meter, said: str, elapsed: float) -> dict:
    """What was found: the loop that takes most of the step, and the step as a whole."""
    longest = max((loop for loop in meter.begun if loop.each), key=lambda loop: loop.whole, default=None)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return {
        "loop": longest.name if longest else "",
        "turns": longest.turns if longest else "",
        "s_a_turn": f"{longest.turn:.3g}" if longest else "",
        "core_h": f"{(elapsed - meter.open[0].aside) / 3600:.3g}",
        "bound": "at least" if said else "",
        "peak_mb": int(status.split("VmHWM:")[1].split()[0]) // 1024,
        "ended": f"no turn of '{meter.unended}' ended; {said}" if meter.unended and said else said,
        "cut": any(loop.cut for loop in meter.begun),
        "ran": [len(loop.each) for loop in meter.begun],
        "streams": meter.streams,
        "resumed": meter.resumed,
    }


if __name__ == "__main__":
    run_job(json.loads(sys.argv[1]))
