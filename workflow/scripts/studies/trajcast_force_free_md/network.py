"""An equivariant network from positions and velocities to those a big step later, with a runs axis.

Messages have scalars and vectors (after PaiNN: Schütt, Unke, Gastegger 2021), and filters know how fast two atoms
approach, to first order. Beyond PaiNN, a neighbour's vectors also come in by their part along the bond, which is how
the force of a displaced neighbour acts. All inputs are differences, so that neither place nor speed of the whole
matter; under rotations and reflections outputs turn with the inputs. What is learnt is what ballistic motion leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import silu

from pesin.models.message_passing import gaussians
from pesin.models.mlp import Parameters, apply_mlp, init_embedding, init_mlp
from pesin.models.neighbourhoods import nearest


@dataclass(frozen=True)
class World:
    """What networks know of the atoms.

    Attributes
    ----------
    species, mass
        Shape (atoms,).
    index
        Neighbours of each atom, shape (atoms, neighbours): a crystal's don't change.
    box
        Edge of the periodic box; 0 for open space.
    inner, outer
        Distances between which the Gaussians lie.
    """

    species: torch.Tensor
    mass: torch.Tensor
    index: torch.Tensor
    box: float
    inner: float
    outer: float

    @classmethod
    def of(cls, data, params, cells: int, device: str = "cpu", dtype: torch.dtype = torch.float32) -> World:
        """The world of a group of simulate's results, by the parameters `simulate` and `train`."""
        box = cells * params.simulate.constant
        index = torch.as_tensor(nearest(data["site"].values, params.train.neighbours, box), device=device)
        mass = torch.as_tensor(data["mass"].values, dtype=dtype, device=device)
        species = torch.as_tensor(data["species"].values, device=device)
        return cls(species, mass, index, box, params.train.inner, params.train.cutoff)


@dataclass(frozen=True)
class Units:
    """Of each run: its big step, and the deviations of what is learnt; tensors of shape (runs, 1, 1, 1)."""

    dt: torch.Tensor
    displacement: torch.Tensor
    kick: torch.Tensor
    speed: float
    """Root mean square of a component of the velocities."""


def init_network(
    runs: int, species: int, width: int, basis: int, layers: int, generator: torch.Generator, device: str = "cpu"
) -> Parameters:
    """Draw the weights of `runs` networks."""
    parameters = {"embedding": init_embedding(runs, species, width, generator, device)}
    parts: dict[str, tuple[int, ...]] = {}
    for i in range(layers):
        wide, kinds = (width, 4) if i else (2 * basis, 2)
        if i:
            parts[f"layer_{i}/filter"] = 2 * basis, width
            parts[f"layer_{i}/source"] = width, width, width
        parts[f"layer_{i}/scalars"] = wide, width
        parts[f"layer_{i}/arrows"] = kinds * wide, width
        parts[f"layer_{i}/mix"] = width, 2 * width
        parts[f"layer_{i}/update"] = 2 * width, width, 3 * width
    parts["gate"] = width, width, 2 * width
    for part, sizes in parts.items():
        linear = not part.endswith(("source", "update", "gate"))  # filters vanish at the cutoff, vectors have no bias
        for name, value in init_mlp(runs, sizes, generator, device).items():
            if not (linear and name.startswith("bias")):
                parameters[f"{part}/{name}"] = value
    return parameters


def part_of(parameters: Parameters, part: str) -> Parameters:
    """The parameters whose names begin with `part/`, without it."""
    return {name.removeprefix(f"{part}/"): v for name, v in parameters.items() if name.startswith(f"{part}/")}


def bonds(world: World, apart: torch.Tensor, relative: torch.Tensor, basis: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Features (..., neighbours, 2 basis) and unit vectors of the bonds, from what neighbours are off and how fast."""
    if world.box:
        apart = apart - world.box * torch.round(apart / world.box)
    distance = apart.norm(dim=-1)
    direction = apart / distance[..., None]
    radial = gaussians(distance - world.inner, basis, world.outer - world.inner) / apart.shape[-2] ** 0.5
    return torch.cat([radial, radial * (relative * direction).sum(-1, keepdim=True)], -1), direction


def whole_and_along(direction: torch.Tensor) -> torch.Tensor:
    """What sums neighbours' vectors, and their parts along bonds: (..., neighbours, 3) -> (..., 6, 3 neighbours)."""
    along = direction[..., None] * direction[..., None, :]
    whole = torch.eye(3, dtype=along.dtype, device=along.device).expand_as(along)
    return torch.cat([whole, along], -2).transpose(-3, -2).flatten(-2)


def output(parameters: Parameters, world: World, x: torch.Tensor, v: torch.Tensor, speed: float) -> torch.Tensor:
    """Two vectors for each atom: (runs, frames, atoms, 3) twice -> (runs, frames, atoms, 2, 3).

    Parameters
    ----------
    x, v
        Positions, wrapped or not, and velocities.
    speed
        By which velocities are divided.
    """
    frames, atoms = x.shape[1:3]
    near, count = world.index.flatten(), world.index.shape[-1]

    def of_neighbours(values: torch.Tensor) -> torch.Tensor:
        return values.index_select(2, near).unflatten(2, (atoms, count))

    def nodes(values: torch.Tensor, part: str) -> torch.Tensor:
        return apply_mlp(part_of(parameters, part), values.flatten(1, 2), silu).unflatten(1, (frames, atoms))

    def linear(values: torch.Tensor, part: str) -> torch.Tensor:
        weight = parameters[f"{part}/weight_0"]
        return torch.bmm(values.flatten(1, -2), weight).unflatten(1, values.shape[1:-1])

    apart, relative = of_neighbours(x) - x[:, :, :, None], (of_neighbours(v) - v[:, :, :, None]) / speed
    edges, direction = bonds(world, apart, relative, parameters["layer_0/scalars/weight_0"].shape[1] // 2)
    pulls = whole_and_along(direction)
    rows = torch.cat([torch.ones_like(direction[..., :1]), direction, relative], -1).mT
    scalars = parameters["embedding"][:, world.species][:, None].expand(-1, frames, -1, -1)
    vectors = x.new_zeros((*x.shape, scalars.shape[-1]))
    for i in range(sum(name.endswith("mix/weight_0") for name in parameters)):
        message = edges
        if i:
            message = linear(edges, f"layer_{i}/filter") * of_neighbours(nodes(scalars, f"layer_{i}/source"))
        summed = rows @ message
        found = [summed[..., 1:4, :], summed[..., 4:, :]]
        if i:
            near_vectors = message.unsqueeze(-2) * of_neighbours(vectors)
            found += (pulls @ near_vectors.flatten(3, 4)).chunk(2, -2)
        scalars = scalars + linear(summed[..., 0, :], f"layer_{i}/scalars")
        vectors = vectors + linear(torch.cat(found, -1), f"layer_{i}/arrows")
        one, other = linear(vectors, f"layer_{i}/mix").chunk(2, -1)
        norm = ((other**2).sum(-2) + 1e-6).sqrt()
        update, share, gain = nodes(torch.cat([scalars, norm], -1), f"layer_{i}/update").chunk(3, -1)
        scalars = scalars + update + share * (one * other).sum(-2)
        vectors = vectors + gain.unsqueeze(-2) * one
    gate = nodes(scalars, "gate").unflatten(-1, (2, -1))
    return torch.einsum("rnahw,rnaxw->rnahx", gate, vectors)


def without_mean(change: torch.Tensor, mass: torch.Tensor) -> torch.Tensor:
    """Changes (..., atoms, 3) less that of the centre of mass: the momentum, or the centre's straight path, is kept."""
    share = (mass / mass.sum())[:, None]
    return change - (share * change).sum(-2, keepdim=True)


def big_step(
    parameters: Parameters | None,
    world: World,
    units: Units,
    x: torch.Tensor,
    v: torch.Tensor,
    conserve: bool = True,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions and velocities a big step later; without parameters along straight lines.

    Parameters
    ----------
    x, v
        Shape (runs, frames, atoms, 3).
    conserve
        Whether the momentum is held by projection.
    """
    straight = x + units.dt * v
    if parameters is None:
        return straight, v
    displacement, kick = output(parameters, world, x, v, units.speed).unbind(-2)
    displacement, kick = units.displacement * displacement, units.kick * kick
    if conserve:
        displacement, kick = without_mean(displacement, world.mass), without_mean(kick, world.mass)
    return straight + displacement, v + kick


def as_tensors(trained, group: str, runs, device: str = "cpu", dtype: torch.dtype = torch.float32) -> Parameters:
    """The parameters of some runs of a group of train's results; names have `.` for `/` in files."""
    found = trained[group].to_dataset()
    return {
        str(name).replace(".", "/"): torch.as_tensor(np.asarray(v.values[list(runs)]), dtype=dtype, device=device)
        for name, v in found.data_vars.items()
    }
