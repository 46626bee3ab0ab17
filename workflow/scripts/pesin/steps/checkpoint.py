"""The state of a long loop, kept beside the step's output, so that a killed training goes on where it stopped.

Plain arrays in NetCDF, written whole or not at all. A checkpoint is taken up again only by the same step with the same
parameters, code, inputs, package versions and device; then the result is, bit for bit, that of a run without a stop.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, unquote

import numpy as np
import xarray as xr

from pesin.steps.files import digest, write_whole

EVERY = 300.0  # seconds between two checkpoints, where nothing else is said


class Stopped(Exception):
    """The job was told to end (SIGTERM); what it had done is kept."""


class Checkpoint:
    """State of one loop.

    Parameters
    ----------
    path
        Where it lies; None keeps nothing.
    key
        Digest of all that the numbers depend on. A file with another key is passed over.
    generators
        NumPy generators that the loop draws from; their states are kept and set again.
    every
        Seconds between two checkpoints.
    """

    def __init__(
        self,
        path: Path | None = None,
        key: str = "",
        generators: Sequence[np.random.Generator] = (),
        every: float | None = None,
    ) -> None:
        self._path, self._key, self._generators = path, key, generators
        self._every = EVERY if every is None else every
        self._told = False

    def load(self) -> tuple[int, dict[str, np.ndarray]]:
        """Turns done, and the arrays of the state after them; (0, {}) if there is nothing to go on from.

        The generators are set to where they stood.
        """
        if self._path is None or not self._path.is_file():
            return 0, {}
        try:
            with xr.open_dataset(self._path, engine="netcdf4") as handle:
                kept = handle.load()
            fits = kept.attrs["key"] == self._key and kept.attrs["digest"] == digest(kept)
        except Exception as error:  # cut off by a full disk, not ours: the training can do without
            print(f"{self._path}: passed over ({type(error).__name__}: {error})", file=sys.stderr)
            return 0, {}
        if not fits:
            print(f"{self._path}: passed over, it is of other parameters, code or inputs.", file=sys.stderr)
            return 0, {}
        for generator, state in zip(self._generators, json.loads(kept.attrs["generators"]), strict=True):
            generator.bit_generator.state = state
        print(f"{self._path}: going on after {kept.attrs['turns']} turns.", file=sys.stderr)
        return int(kept.attrs["turns"]), {unquote(str(name)): v.values for name, v in kept.data_vars.items()}

    def over(self, turns: Iterable[int], state: Callable[[], Mapping[str, np.ndarray]]) -> Iterator[int]:
        """Go through the turns of the loop; keep the state now and then, and when the job is told to end.

        Parameters
        ----------
        turns
            Numbers of the turns that are left: range(first, all).
        state
            Gives the arrays of the state after the turn that just ended.

        Raises
        ------
        Stopped
            After SIGTERM, once the state is kept.
        """
        if self._path is None:
            yield from turns
            return
        handler = _on_sigterm(self._tell)
        last = time.monotonic()
        try:
            for turn in turns:
                yield turn
                if self._told or time.monotonic() - last > self._every:
                    self._write(turn + 1, state())
                    last = time.monotonic()
                if self._told:
                    raise Stopped(f"Told to end after {turn + 1} turns. The same command goes on from here.")
        finally:
            if handler is not None:
                signal.signal(signal.SIGTERM, handler)

    def turns(
        self, count: int, *parts: Stateful, progress: Callable[[Iterable[int]], Iterable[int]] = iter
    ) -> Iterator[int]:
        """Go through the turns 0 to `count` - 1 of a loop that changes nothing but `parts` and the generators.

        What an earlier run kept is restored first, and its turns are left out.

        Raises
        ------
        Stopped
            As `over`.
        """
        done, saved = self.load()
        if saved:
            set_state(saved, *parts)
        yield from self.over(progress(range(done, count)), lambda: state_of(*parts))

    def _tell(self, *_) -> None:
        self._told = True

    def _write(self, turns: int, state: Mapping[str, np.ndarray]) -> None:
        assert self._path is not None
        # A name in a file holds no slash; names of layers do.
        values = {quote(name, safe=" "): np.array(array) for name, array in state.items()}
        data = xr.Dataset(
            {name: ([f"{name}_{axis}" for axis in range(v.ndim)], v) for name, v in values.items()},
            attrs={
                "key": self._key,
                "turns": turns,
                "generators": json.dumps([generator.bit_generator.state for generator in self._generators]),
            },
        )
        data.attrs["digest"] = digest(data)
        write_whole(xr.DataTree(data), self._path)


class Stateful(Protocol):
    """What a checkpoint can keep: `restore` sets what `arrays` gave."""

    def arrays(self) -> dict[str, np.ndarray]: ...

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None: ...


class Seen:
    """What is measured now and then in a loop, by name."""

    def __init__(self) -> None:
        self._found: dict[str, list[np.ndarray]] = {}

    def add(self, found: dict[str, np.ndarray]) -> None:
        """Take in what was measured now."""
        for name, values in found.items():
            self._found.setdefault(name, []).append(values)

    def arrays(self) -> dict[str, np.ndarray]:
        """By name: shape (times, ...)."""
        return {name: np.stack(values) for name, values in self._found.items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        self._found = {name: list(values) for name, values in arrays.items()}


def state_of(*parts: Stateful) -> dict[str, np.ndarray]:
    """Return the arrays of all parts, for a checkpoint; `set_state` sets them again."""
    return {f"{i}_{name}": values for i, part in enumerate(parts) for name, values in part.arrays().items()}


def set_state(saved: Mapping[str, np.ndarray], *parts: Stateful) -> None:
    """Restore each part from what `state_of` gave for the same parts; other arrays are passed over."""
    for i, part in enumerate(parts):
        own = f"{i}_"
        part.restore({name.removeprefix(own): values for name, values in saved.items() if name.startswith(own)})


def checkpoint_path(output: Path, stream: str) -> Path:
    """Where the state of the loop named `stream` lies: a hidden file beside the step's output."""
    return output.with_name(f".{output.stem}.{stream}.checkpoint")


def remove_checkpoints(output: Path) -> None:
    """Once the output is there its checkpoints are of no use."""
    for path in output.parent.glob(f".{output.stem}.*.checkpoint"):
        path.unlink(missing_ok=True)


def _on_sigterm(handler):
    """Set a handler; the one before, or None where none may be set (outside the main thread)."""
    if threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGTERM, handler)
