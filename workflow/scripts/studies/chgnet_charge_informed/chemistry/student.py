"""The student's frames: LixMnO2 from CHGNet's dynamics, as arrays that a message-passing net takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from pesin.models.message_passing import neighbour_list

SPECIES = (3, 25, 8)  # Li, Mn, O
MANGANESE = SPECIES.index(25)


@dataclass(frozen=True)
class Frames:
    """Frames with their neighbours. `reference` is the energy of a model that is linear in the number of Li atoms."""

    lithium: np.ndarray
    atoms: torch.Tensor
    species: torch.Tensor
    present: torch.Tensor
    position: torch.Tensor
    index: torch.Tensor
    shift: torch.Tensor
    real: torch.Tensor
    energy: torch.Tensor
    force: torch.Tensor
    moment: torch.Tensor

    def inputs(self, rows) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """What `energy_and_forces` takes of the chosen frames, save the cutoff."""
        species, position, index = self.species[rows], self.position[rows], self.index[rows]
        return species, position, index, self.shift[rows], self.real[rows], self.present[rows]


def frames(dynamics: xr.Dataset, cutoff: float, device: str) -> Frames:
    """All frames of all trajectories, in their order; forces and moments of absent atoms are zero."""
    count = dynamics.sizes["frame"]
    numbers = np.repeat(dynamics["number"].values, count, 0)
    present = numbers > 0
    cells = np.repeat(dynamics["cell"].values, count, 0)

    def flat(name):
        values = dynamics[name].values.reshape(len(numbers), *dynamics[name].shape[2:])
        return np.nan_to_num(values)

    position = flat("position")
    index, shift, real = neighbour_list(position, cells, present, cutoff)
    species = np.array([[SPECIES.index(n) if n else 0 for n in row] for row in numbers])

    def single(values) -> torch.Tensor:
        return torch.as_tensor(np.asarray(values, np.float32), device=device)

    return Frames(
        lithium=np.repeat(dynamics["lithium"].values, count),
        atoms=single(present.sum(1)),
        species=torch.as_tensor(species, device=device),
        present=torch.as_tensor(present, device=device),
        position=single(position),
        index=torch.as_tensor(index, device=device),
        shift=single(shift),
        real=torch.as_tensor(real, device=device),
        energy=torch.as_tensor(flat("energy"), device=device),
        force=single(flat("force")),
        moment=single(flat("magmom")),
    )


def composition_model(lithium: np.ndarray, energy: np.ndarray) -> np.ndarray:
    """Intercept and slope of the energy in the number of Li atoms, by least squares: the baseline without positions."""
    design = np.stack([np.ones(len(lithium)), lithium], 1)
    return np.linalg.lstsq(design, energy, rcond=None)[0]
