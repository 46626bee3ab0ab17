"""The networks of one world: what tells the field of a population, and the field."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, cast

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import silu

from pesin.integrate.steppers import follow, last
from pesin.models.bridges import fourier_features, time_features
from pesin.models.mlp import Parameters, apply_mlp, init_embedding, init_mlp
from pesin.models.neighbourhoods import nearest, normalised_adjacency
from pesin.models.sets import embed_by_attention, embed_set, init_attention
from studies.meta_flow_matching.params import Arm, Learning, Train

TOLD = ("organoids",)  # worlds whose labels (treatments) are told to those that embed too
GRAPHS: tuple[Arm, ...] = ("graph", "wide_graph")


@dataclass(frozen=True)
class Runs:
    """Which network a run is: arms with all training populations first, then `graph` with fewer; seeds within.

    Attributes
    ----------
    arms, sizes
        Of each block of `seeds` runs; a size of 0 stands for all populations.
    labels
        How many labels there are.
    """

    arms: tuple[Arm, ...]
    sizes: tuple[int, ...]
    seeds: int
    labels: int
    told_labels: bool
    """Whether those that embed are told the label too (a treatment), beside the label's own arm."""

    @classmethod
    def of(cls, learning: Learning, seeds: int, labels: int, world: str) -> Runs:
        fewer: list[Arm] = ["graph"] * len(learning.sizes)
        return cls((*learning.arms, *fewer), (*[0] * len(learning.arms), *learning.sizes), seeds, labels, world in TOLD)

    @property
    def names(self) -> list[str]:
        """Of all runs, such as graph/5/2: five populations, third seed; graph/0/2 has all."""
        return [
            f"{arm}/{size}/{seed}"
            for arm, size in zip(self.arms, self.sizes, strict=True)
            for seed in range(self.seeds)
        ]

    def told(self) -> list[int]:
        """Runs whose field is told labels: the label's own arm; of a world whose labels are treatments all but FM."""
        return self.blocks(
            *[arm for arm in dict.fromkeys(self.arms) if arm != "none"] if self.told_labels else ["label"]
        )

    def blocks(self, *arms: Arm) -> list[int]:
        """Runs of these arms, block by block."""
        which = [i for i, arm in enumerate(self.arms) if arm in arms]
        return [i * self.seeds + seed for i in which for seed in range(self.seeds)]


def draw(runs: Runs, params: Train, dim: int, generator: torch.Generator, device: str) -> Parameters:
    """Weights of all runs; those of one seed start alike.

    `table`, an entry for each label, is there for the runs that are told labels alone; `place`, random frequencies,
    doesn't learn.
    """
    seeds, code = runs.seeds, params.code
    inputs = dim + 2 * params.place_features + params.time_features + 2 * code
    field = init_mlp(seeds, [inputs, *params.hidden, dim], generator, device)
    embedding = init_mlp(seeds, [dim, *[code] * params.layers], generator, device)
    attention = init_attention(seeds, dim, code, code, generator, device) if "attention" in runs.arms else {}
    place = params.place_scale * torch.randn(seeds, dim, params.place_features, generator=generator).to(device)
    parts = {"field": field, "embedding": embedding, "attention": attention}
    named = {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}
    found = {name: _repeated(value, len(runs.arms)).requires_grad_() for name, value in named.items()}
    if told := runs.told():
        table = init_embedding(seeds, runs.labels, code, generator, device)
        found["table"] = _repeated(table, len(told) // seeds).requires_grad_()
    return found | {"place": _repeated(place, len(runs.arms))}


def _repeated(value: torch.Tensor, times: int) -> torch.Tensor:
    return value.detach().repeat(times, *[1] * (value.dim() - 1))


def part_of(parameters: Parameters, part: str, chosen: list[int] | None = None) -> Parameters:
    """The weights of one part, of all or of chosen runs."""
    of = {name.removeprefix(f"{part}."): value for name, value in parameters.items() if name.startswith(f"{part}.")}
    return of if chosen is None else {name: value[chosen] for name, value in of.items()}


def codes(
    runs: Runs, parameters: Parameters, params: Train, clouds: torch.Tensor, label: torch.Tensor, index=None
) -> torch.Tensor:
    """What each run's field is told of populations: an embedding and a label's entry, zero where an arm has none.

    Parameters
    ----------
    clouds : shape (runs, populations, points, dim)
    label : LongTensor, shape (runs, populations)
        -1: none, the entry is zero.
    index : tuple of LongTensor, shape (runs, populations, points, neighbours), optional
        Neighbours for `graph` and `wide_graph`, if they are known already.

    Returns
    -------
    shape (runs, populations, 2 code)
    """
    embedded = clouds.new_zeros((*label.shape, params.code))
    for arm in dict.fromkeys(runs.arms):
        chosen = runs.blocks(arm)
        if arm == "attention":
            embedded[chosen] = embed_by_attention(part_of(parameters, "attention", chosen), clouds[chosen])
        elif arm not in ("none", "label"):
            x, adjacency = clouds[chosen], None
            if arm in GRAPHS:
                which = GRAPHS.index(arm)
                found = nearest(x, params.neighbours[which]) if index is None else index[which][chosen]
                adjacency = normalised_adjacency(found)
            x = x.mean(-2, keepdim=True) if arm == "mean" else x
            embedded[chosen] = embed_set(part_of(parameters, "embedding", chosen), x, adjacency)
    entry = torch.zeros_like(embedded)
    if told := runs.told():
        known = label[told].unsqueeze(-1)
        entry[told] = torch.take_along_dim(parameters["table"], known.clamp(min=0), 1) * (known >= 0)
    return torch.cat([embedded, entry], -1)


def velocity(
    parameters: Parameters, params: Train, x: torch.Tensor, t: torch.Tensor, code: torch.Tensor
) -> torch.Tensor:
    """The fields: places (runs, populations, points, dim), times (..., 1) alike, codes (runs, populations, 2 code)."""
    place = fourier_features(x, parameters["place"].unsqueeze(1))
    when = time_features(t, params.time_features).expand(*x.shape[:-1], -1)
    told = code.unsqueeze(2).expand(*x.shape[:-1], -1)
    inputs = torch.cat([x, place, when, told], -1)
    return apply_mlp(part_of(parameters, "field"), inputs.flatten(1, 2), silu).view_as(x)


class Trained:
    """The networks of one world, for evaluation.

    Parameters
    ----------
    trained
        The train step's result.
    networks
        As they were after the training, or before.
    embedding
        `another`: a population gets the embedding of one half of them further on. Labels stay.
    arms
        Those that are wanted, with all training populations; all runs if none are named.
    """

    def __init__(
        self,
        trained: xr.DataTree,
        world: str,
        params: Train,
        networks: Literal["trained", "untrained"],
        embedding: Literal["own", "another"],
        device: str,
        arms: tuple[Arm, ...] = (),
    ) -> None:
        weights = trained[f"{world}/{'end' if networks == 'trained' else 'start'}"].to_dataset()
        names = [str(name) for name in weights["run"].values]
        seeds = len({name.rpartition("/")[2] for name in names})
        blocks = [name.rpartition("/")[0] for name in names[::seeds]]
        wanted = [i for i, block in enumerate(blocks) if not arms or block in [f"{arm}/0" for arm in arms]]
        chosen = [i * seeds + seed for i in wanted for seed in range(seeds)]
        kinds = cast("tuple[Arm, ...]", tuple(blocks[i].partition("/")[0] for i in wanted))
        sizes = tuple(int(blocks[i].partition("/")[2]) for i in wanted)
        self.runs = Runs(kinds, sizes, seeds, 0, world in TOLD)
        rows = {"run": chosen, "told": [i for i, run in enumerate(weights.get("told", ())) if run in self.runs.names]}
        self._weights = {
            str(name): torch.as_tensor(value.values[rows[str(value.dims[0])]], device=device)
            for name, value in weights.data_vars.items()
        }
        self._params, self._another, self._device = params, embedding == "another", device

    def tensor(self, values: np.ndarray) -> torch.Tensor:
        """What is given by seed, (seeds, ...), for all runs, (runs, ...), in single precision."""
        kind = torch.float32 if values.dtype.kind == "f" else torch.int64
        tensor = torch.as_tensor(values, dtype=kind, device=self._device)
        return tensor.repeat(len(self.runs.arms), *[1] * (tensor.dim() - 1))

    def by_block(self, values: torch.Tensor) -> np.ndarray:
        """What is found by run, (runs, ...), by block and seed: (blocks, seeds, ...)."""
        return values.reshape(len(self.runs.arms), self.runs.seeds, *values.shape[1:]).numpy(force=True)

    @torch.no_grad()
    def codes(self, clouds: np.ndarray, label: np.ndarray) -> torch.Tensor:
        """Codes of populations (seeds, populations, points, dim) with labels (seeds, populations), for all runs."""
        found = codes(self.runs, self._weights, self._params, self.tensor(clouds), self.tensor(label))
        if self._another:
            embedded, entry = found.chunk(2, -1)
            found = torch.cat([embedded.roll(found.shape[1] // 2, 1), entry], -1)
        return found

    @torch.no_grad()
    def field(self, x: torch.Tensor, t: Any, code: torch.Tensor) -> torch.Tensor:
        """Velocity of all runs at places (runs, populations, points, dim); a time, or times (..., points, 1)."""
        when = torch.as_tensor(t, dtype=x.dtype, device=x.device)
        return velocity(self._weights, self._params, x, when.expand(*x.shape[:-1], 1), code)

    def ends(self, clouds: np.ndarray, label: np.ndarray, steps: int) -> np.ndarray:
        """Where the points of populations get to, (blocks, seeds, populations, points, dim)."""
        code = self.codes(clouds, label)
        field = partial(self.field, code=code)
        return self.by_block(last(follow(field, self.tensor(clouds), clock(steps), "midpoint")))


def clock(steps: int) -> np.ndarray:
    """Times of the steps of a flow."""
    return np.linspace(0, 1, steps + 1)
