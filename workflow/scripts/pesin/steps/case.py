"""What a study's function is handed: the case with its parameters, seeds, device and progress bar."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from pesin.steps.checkpoint import Checkpoint, checkpoint_path

Item = TypeVar("Item")
Params = TypeVar("Params")


@dataclass(frozen=True)
class Case(Generic[Params]):
    """One case at one step.

    Attributes
    ----------
    study, name, step, scale
        Where we are.
    params
        The parameters, an instance of the study's `Params`, frozen.
    gpu
        Number of GPUs the job asked for.
    threads
        Processors it was given.
    output, key
        The file that the step makes, and a digest of all that its numbers depend on: for checkpoints.
    replicate
        0, or the number of a whole run with other random numbers.
    streams
        Case whose random numbers are drawn: a control draws its case's. Its own if empty.
    """

    study: str
    name: str
    step: str
    scale: str
    params: Params
    gpu: int = 0
    threads: int = 1
    output: Path | None = None
    key: str = ""
    replicate: int = 0
    streams: str = ""

    def _sequence(self, stream: str) -> np.random.SeedSequence:
        name, replicate = self.streams or self.name, [f"replicate {self.replicate}"] if self.replicate else []
        words = "\0".join((self.study, name, self.step, stream, *replicate)).encode()
        return np.random.SeedSequence(list(np.frombuffer(hashlib.sha256(words).digest(), dtype=np.uint32)))

    def rng(self, stream: str) -> np.random.Generator:
        """Random generator that depends on study, case, step, stream and replicate alone."""
        return np.random.default_rng(self._sequence(stream))

    def seed(self, stream: str) -> int:
        """63-bit integer seed that depends on study, case, step, stream and replicate alone (for torch)."""
        return int(self._sequence(stream).generate_state(1, np.uint64)[0] >> 1)

    @property
    def device(self) -> str:
        """`cuda` if the job asked for a GPU, else `cpu`.

        Raises
        ------
        RuntimeError
            If the job asked for a GPU and none is visible.
        """
        if not self.gpu:
            return "cpu"
        import torch

        if not torch.cuda.is_available():
            raise RuntimeError(
                f"{self.study}/{self.name}: the {self.step} step asked for {self.gpu} GPU and none is visible. Run on a"
                f" GPU node, or set resources.{self.step}.gpu to 0 in config/studies/{self.study}.yaml."
            )
        return "cuda"

    def checkpoint(self, stream: str, generators: Sequence[np.random.Generator] = ()) -> Checkpoint:
        """The kept state of the loop named `stream`, which draws from `generators`; see `Checkpoint`."""
        path = None if self.output is None else checkpoint_path(self.output, stream)
        return Checkpoint(path, self.key, generators)

    def progress(self, iterable: Iterable[Item], total: int | None = None, what: str = "") -> Iterable[Item]:
        """Iterate with a progress bar in the step's log (at most one line in ten seconds)."""
        from tqdm import tqdm

        return tqdm(iterable, total=total, desc=what or self.step, file=sys.stderr, mininterval=10, ascii=True)
