"""Message passing on atoms with a leading runs axis: invariant site features, energies, forces, one scalar per site.

Each atom's features are updated by those of its neighbours, weighted by a learned filter of the distance (continuous
filters as in SchNet, Schütt et al. 2017). Energies depend on distances alone, so they don't change under rotation,
translation and exchange of like atoms; forces are their exact derivatives.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from torch.nn.functional import silu

from pesin.models.mlp import Parameters, apply_mlp, init_embedding, init_mlp


def neighbour_list(positions: np.ndarray, cells: np.ndarray, present: np.ndarray, cutoff: float):
    """Neighbours of every atom within a cutoff, periodic images included.

    Parameters
    ----------
    positions : ndarray, shape (frames, atoms, 3)
        Cartesian.
    cells : ndarray, shape (frames, 3, 3)
        Rows are lattice vectors.
    present : ndarray of bool, shape (frames, atoms)
        False for padding.
    cutoff
        Same unit as the positions.

    Returns
    -------
    index, shift, real
        Neighbour's atom, shape (frames, atoms, neighbours); what to add to its position, (..., 3); False for padding.
    """
    heights = np.abs(np.linalg.det(cells))[:, None] / np.linalg.norm(
        np.cross(np.roll(cells, -1, 1), np.roll(cells, -2, 1)), axis=-1
    )
    # Atoms may lie outside their cell by some ångström, so one image more than the cutoff asks for.
    reach = np.ceil(cutoff / heights.min(0)).astype(int) + 1
    images = np.array(list(itertools.product(*(range(-n, n + 1) for n in reach))))
    found = []
    for position, cell, there in zip(positions, cells, present, strict=True):
        shifts = images @ cell
        apart = position[None, :, None] + shifts[None, None] - position[:, None, None]
        square = (apart**2).sum(-1)
        near = (square < cutoff**2) & (square > 1e-8) & there[:, None, None] & there[None, :, None]
        found.append([(j, shifts[s]) for j, s in (np.nonzero(row) for row in near)])
    most = max(len(j) for frame in found for j, _ in frame)
    index = np.zeros((*present.shape, most), np.int64)
    shift = np.zeros((*present.shape, most, 3))
    real = np.zeros((*present.shape, most), bool)
    for f, frame in enumerate(found):
        for a, (j, vectors) in enumerate(frame):
            index[f, a, : len(j)], shift[f, a, : len(j)], real[f, a, : len(j)] = j, vectors, True
    return index, shift, real


def gaussians(distance: torch.Tensor, basis: int, cutoff: float) -> torch.Tensor:
    """Gaussians spread over (0, cutoff), times a cosine that ends at the cutoff: shape (...) -> (..., basis)."""
    centres = torch.linspace(0.0, cutoff, basis + 2, dtype=distance.dtype, device=distance.device)[1:-1]
    width = cutoff / (basis + 1)
    envelope = torch.where(distance < cutoff, 0.5 * (torch.cos(torch.pi * distance / cutoff) + 1), 0.0)
    return torch.exp(-(((distance[..., None] - centres) / width) ** 2)) * envelope[..., None]


def init_message_passing(
    runs: int, species: int, width: int, basis: int, layers: int, generator: torch.Generator, device: str = "cpu"
) -> Parameters:
    """Draw the weights of `runs` networks: embedding, `layers` rounds of messages, heads for energy and site scalar."""
    parameters = {"embedding": init_embedding(runs, species, width, generator, device)}
    parts: dict[str, tuple[int, ...]] = {f"round_{i}/filter": (basis, width) for i in range(layers)}
    parts |= {f"round_{i}/update": (width, width, width) for i in range(layers)}
    parts |= {"energy": (width, width, 1), "site": (width, width, 1)}
    for part, sizes in parts.items():
        for name, value in init_mlp(runs, sizes, generator, device).items():
            parameters[f"{part}/{name}"] = value
    return parameters


def _part(parameters: Parameters, part: str) -> Parameters:
    return {name.removeprefix(f"{part}/"): v for name, v in parameters.items() if name.startswith(f"{part}/")}


def site_features(parameters: Parameters, species, position, index, shift, real, cutoff: float) -> torch.Tensor:
    """Hidden features of every atom after all rounds.

    Parameters
    ----------
    species, index, shift, real
        Shapes (frames, atoms), (frames, atoms, neighbours), (..., 3), (...), the same for all runs.
    position
        Shape (runs, frames, atoms, 3).

    Returns
    -------
    Tensor, shape (runs, frames, atoms, width)
    """
    runs, frames, atoms, _ = position.shape
    flat = (index + atoms * torch.arange(frames, device=index.device)[:, None, None]).flatten()

    def of_neighbours(values):
        return values.flatten(1, 2).index_select(1, flat).unflatten(1, index.shape)

    apart = of_neighbours(position) + shift - position[:, :, :, None]
    distance = torch.where(real, (apart**2).sum(-1), 1.0).sqrt()
    basis = parameters["round_0/filter/weight_0"].shape[1]
    radial = (gaussians(distance, basis, cutoff) * real[..., None]).flatten(1, 3)
    hidden = parameters["embedding"][:, species]
    rounds = sum(name.endswith("filter/weight_0") for name in parameters)
    for i in range(rounds):
        weight = torch.bmm(radial, parameters[f"round_{i}/filter/weight_0"]).unflatten(1, index.shape)
        message = (weight * of_neighbours(hidden)).sum(3).flatten(1, 2)
        change = apply_mlp(_part(parameters, f"round_{i}/update"), message, silu)
        hidden = hidden + change.unflatten(1, (frames, atoms))
    return hidden


def read_out(parameters: Parameters, hidden: torch.Tensor, head: str) -> torch.Tensor:
    """One number per atom from the head `energy` or `site`: (runs, frames, atoms, width) -> (runs, frames, atoms)."""
    return apply_mlp(_part(parameters, head), hidden.flatten(1, 2), silu)[..., 0].unflatten(1, hidden.shape[1:3])


def energy_and_forces(parameters: Parameters, species, position, index, shift, real, present, cutoff: float):
    """Energies, forces and site scalars; differentiable, so that forces can be trained on.

    Parameters
    ----------
    position
        Shape (frames, atoms, 3); the rest as in `site_features`. `present` is False for padding.

    Returns
    -------
    energy (runs, frames), forces (runs, frames, atoms, 3), site scalar (runs, frames, atoms), hidden features
    """
    runs = parameters["embedding"].shape[0]
    leaf = position.expand(runs, *position.shape).clone().requires_grad_()
    hidden = site_features(parameters, species, leaf, index, shift, real, cutoff)
    energy = (read_out(parameters, hidden, "energy") * present).sum(-1)
    training = torch.is_grad_enabled() and parameters["embedding"].requires_grad
    (gradient,) = torch.autograd.grad(energy.sum(), leaf, create_graph=training, retain_graph=True)
    return energy, -gradient, read_out(parameters, hidden, "site"), hidden
