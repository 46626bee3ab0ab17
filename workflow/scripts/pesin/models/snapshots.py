"""Weights as they were at some moments of a training, for what is a mean over its history."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pesin.models.mlp import Parameters


class Snapshots:
    """Copies of weights, which a checkpoint keeps with the training (`also` of `fit_runs`).

    Parameters
    ----------
    parameters
        Changed in place by training.
    size
        How many copies there will be.

    Attributes
    ----------
    kept
        By name, (size, ...) in float32; zeros where none was taken yet.
    """

    def __init__(self, parameters: Parameters, size: int) -> None:
        self.parameters, self.taken = parameters, 0
        self.kept = {name: np.zeros((size, *value.shape), np.float32) for name, value in parameters.items()}

    def take(self) -> None:
        """Keep the weights as they are; IndexError if all copies are taken."""
        for name, value in self.parameters.items():
            self.kept[name][self.taken] = value.numpy(force=True)
        self.taken += 1

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was kept, for checkpoints."""
        return self.kept | {"taken": np.array(self.taken)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        self.taken = int(arrays["taken"])
        self.kept = {name: np.array(arrays[name]) for name in self.kept}
