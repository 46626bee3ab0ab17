"""All networks: chains of preconditioned Langevin dynamics (SG-MCMC) in one loop, deep ensembles in another.

Preconditioned SGLD: Li, Chen, Carlson, Carin (2016, arXiv 1512.07666), the term of the preconditioner's own slope left
out, as usual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr

from pesin.models.gaussian_nets import anchored, bootstrap_places, nll
from pesin.models.jets import ACTIVATIONS, scalar_gradient
from pesin.models.mlp import Parameters, init_mlp, repeat_runs
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.bayesian_uq_nn_potentials.params import Params, kept_updates
from studies.bayesian_uq_nn_potentials.simulate import SOURCES


class Arm(NamedTuple):
    """What the networks of an arm learn from."""

    size: int
    """Place in simulate.sizes."""
    source: str = "molecule"
    cold: bool = False
    bootstrap: bool = False


CHAINS = {
    "few": Arm(0),
    "middle": Arm(1),
    "many": Arm(2),
    "cold few": Arm(0, cold=True),
    "cold middle": Arm(1, cold=True),
    "biased": Arm(2, "biased"),
    "gap": Arm(1, "gap"),
}
ENSEMBLES = {
    "few": Arm(0),
    "middle": Arm(1),
    "many": Arm(2),
    "bootstrap": Arm(1, bootstrap=True),
    "gap": Arm(1, "gap"),
}


@dataclass
class Runs:
    """Data of all runs of some arms; runs are (arm, seed, member), the last fastest."""

    phi: torch.Tensor
    force: torch.Tensor
    """(arms x seeds, samples)"""
    row: np.ndarray
    """Of those, (runs,)."""
    count: np.ndarray
    """Samples that a run learns from, (runs,)."""
    places: np.ndarray
    """Which they are, (runs, samples)."""
    temperature: torch.Tensor
    learns: torch.Tensor
    """Whether the width of the likelihood is learnt, (runs, 1, 1)."""
    known: float
    """Its logarithm where it isn't."""

    @classmethod
    def of(cls, case: Case[Params], data: xr.Dataset, arms: dict[str, Arm]) -> Runs:
        params, members = case.params, case.params.train.members
        seeds, most = params.simulate.seeds, params.simulate.sizes[-1]
        each = seeds * members
        source = [SOURCES.index(arm.source) for arm in arms.values()]
        phi, force = (
            torch.as_tensor(data[name].values[source].reshape(-1, most), dtype=torch.float32, device=case.device)
            for name in ("phi", "force")
        )
        count = np.repeat([params.simulate.sizes[arm.size] for arm in arms.values()], each)
        places = np.tile(np.arange(most), (count.size, 1))
        rng = case.rng("bootstrap")
        for i, arm in enumerate(arms.values()):
            if arm.bootstrap:
                n = params.simulate.sizes[arm.size]
                places[i * each : (i + 1) * each, :n] = bootstrap_places(rng, each, n)
        temperature = np.repeat([params.train.cold if arm.cold else 1.0 for arm in arms.values()], each)
        return cls(
            phi,
            force,
            np.repeat(np.arange(len(arms) * seeds), members),
            count,
            places,
            torch.as_tensor(temperature, dtype=torch.float32, device=case.device),
            torch.as_tensor(count == most, device=case.device).view(-1, 1, 1),
            math.log(float(data["width"])),
        )

    def batch(self, rng: np.random.Generator, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Angles and forces drawn anew with replacement, each (runs, batch, 1)."""
        drawn = (rng.random((self.count.size, size)) * self.count[:, None]).astype(int)
        place = self.row[:, None], np.take_along_axis(self.places, drawn, 1)
        return self.phi[place][..., None], self.force[place][..., None]

    def log_std(self, parameters: Parameters) -> torch.Tensor:
        """Logarithm of the likelihood's width, (runs, 1, 1)."""
        return torch.where(self.learns, parameters["log_width"], self.known)


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """What all sampled networks say on the grid, before the first update (`start_`) and after; losses; updates."""
    params, seeds = case.params.train, case.params.simulate.seeds
    generator = torch.Generator().manual_seed(case.seed("networks"))
    sizes = [2, *[params.width] * params.layers, 1]
    start = init_mlp(seeds * params.members, sizes, generator, case.device)
    start["log_width"] = torch.zeros(seeds * params.members, 1, 1, device=case.device)
    grid = torch.as_tensor(data["angle"].values, dtype=torch.float32, device=case.device)
    groups = {}
    for name, arms, fit in (("chains", CHAINS, sample_chains), ("ensembles", ENSEMBLES, fit_ensembles)):
        runs, parameters = Runs.of(case, data, arms), repeat_runs(start, len(arms))
        before = said(parameters, runs, grid)
        found, losses = fit(case, runs, parameters, grid)
        groups[name] = dataset(case, list(arms), found, before, losses, data["angle"].values)
    return xr.DataTree.from_dict(groups)


def said(parameters: Parameters, runs: Runs, grid: torch.Tensor) -> dict[str, np.ndarray]:
    """Potential and force on the grid, (runs, grid), and the likelihood's width, (runs,)."""
    with torch.no_grad():
        potential, force = potential_and_force(parameters, grid.view(1, -1, 1).expand(len(runs.count), -1, 1))
        width = runs.log_std(parameters).exp().flatten()
    return {
        "potential": potential.numpy(force=True),
        "force": force.numpy(force=True),
        "width": width.numpy(force=True),
    }


def potential_and_force(parameters: Parameters, phi: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """U and -dU/dphi of networks of (cos phi, sin phi): (runs, samples, 1) -> (runs, samples) each."""
    x = torch.cat([phi.cos(), phi.sin()], -1)
    potential, slope = scalar_gradient(parameters, x, ACTIVATIONS["tanh"])
    return potential, slope[..., 0] * x[..., 1] - slope[..., 1] * x[..., 0]


def loss_of(case: Case[Params], runs: Runs, parameters: Parameters, rng: np.random.Generator) -> torch.Tensor:
    """Negative log posterior over the number of samples, (runs,): a missing 1 / n would be another temperature."""
    params = case.params.train
    phi, force = runs.batch(rng, params.batch)
    _, mean = potential_and_force(parameters, phi)
    prior = anchored(parameters, None, 1 / (2 * params.prior**2))
    return nll(mean[..., None], runs.log_std(parameters), force) + prior / torch.as_tensor(
        runs.count, device=case.device
    )


class Chains:
    """Preconditioned Langevin dynamics of all runs at once, in place.

    Parameters
    ----------
    floor
        Added to the root of the gradient's second moment: what the step of a parameter with no gradient is held by.
    """

    def __init__(self, parameters: Parameters, floor: float) -> None:
        self.parameters, self.floor = parameters, floor
        self.second = {name: torch.zeros_like(value) for name, value in parameters.items()}

    @torch.no_grad()
    def step(self, gradients, rate: float, spread: torch.Tensor, rng: np.random.Generator) -> None:
        """theta <- theta - rate / 2 G g + N(0, rate G spread), where g is of the mean log posterior, spread T / n."""
        for (name, value), gradient in zip(self.parameters.items(), gradients, strict=True):
            second = self.second[name].mul_(0.99).addcmul_(gradient, gradient, value=0.01)
            scale = 1 / (second.sqrt() + self.floor)
            noise = torch.as_tensor(rng.standard_normal(value.shape, dtype=np.float32), device=value.device)
            size = (rate * spread).view(-1, *[1] * (value.dim() - 1))
            value.sub_(rate / 2 * scale * gradient).add_((size * scale).sqrt() * noise)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that a step changes, for checkpoints."""
        kept = {"parameter": self.parameters, "second": self.second}
        return {f"{part}_{name}": v.numpy(force=True) for part, values in kept.items() for name, v in values.items()}

    @torch.no_grad()
    def restore(self, arrays) -> None:
        """Set what `arrays` gave."""
        for part, values in (("parameter", self.parameters), ("second", self.second)):
            for name, value in values.items():
                value.copy_(torch.as_tensor(arrays[f"{part}_{name}"]))


def sample_chains(case: Case[Params], runs: Runs, parameters: Parameters, grid: torch.Tensor):
    """Kept samples, (samples, runs, ...) by name, and the losses of the kept updates, (runs, samples)."""
    params, rng = case.params.train, case.rng("chains")
    chains, seen = Chains(parameters, params.floor), Seen()
    kept = set(kept_updates(params.chain_steps, params.burn, params.thin))
    spread = runs.temperature / torch.as_tensor(runs.count, dtype=torch.float32, device=case.device)
    checkpoint = case.checkpoint("chains", [rng])
    for step in checkpoint.turns(params.chain_steps, chains, seen, progress=case.progress):
        loss = loss_of(case, runs, parameters, rng)
        gradients = torch.autograd.grad(loss.sum(), list(parameters.values()), materialize_grads=True)
        chains.step(gradients, params.step / math.sqrt(1 + 10 * step / params.chain_steps), spread, rng)
        if step in kept:
            seen.add(said(parameters, runs, grid) | {"loss": loss.numpy(force=True)})
    found = seen.arrays()
    return found, found.pop("loss").T


def fit_ensembles(case: Case[Params], runs: Runs, parameters: Parameters, grid: torch.Tensor):
    """One sample of each network, where its training ends, (1, runs, ...) by name; losses, (runs, updates)."""
    params, rng = case.params.train, case.rng("ensembles")
    losses, _ = fit_runs(
        RunsOptimiser(parameters, "adam"),
        lambda _: loss_of(case, runs, parameters, rng),
        lambda step: torch.full((len(runs.count),), params.lr * half_cosine(step, params.steps), device=case.device),
        params.steps,
        case.progress,
        case.checkpoint("ensembles", [rng]),
    )
    return {name: values[None] for name, values in said(parameters, runs, grid).items()}, losses


def dataset(case: Case[Params], arms: list[str], found, before, losses: np.ndarray, angle: np.ndarray) -> xr.Dataset:
    """Everything by (arm, seed, member, draw, angle)."""
    runs = (len(arms), case.params.simulate.seeds, case.params.train.members)
    said_of = {
        "potential": ("potential", "kT"),
        "force": ("force", "kT/rad"),
        "width": ("likelihood's width", "kT/rad"),
    }
    variables = {}
    for name, (text, units) in said_of.items():
        dims = ("arm", "seed", "member", "draw", "angle")[: 5 if name != "width" else 4]
        values = np.moveaxis(found[name], 0, 1)
        variables[name] = labelled(dims, values.reshape(*runs, *values.shape[1:]), text, units, nan=DIVERGED)
        dims = tuple(d for d in dims if d != "draw")
        variables[f"start_{name}"] = labelled(
            dims, before[name].reshape(*runs, *before[name].shape[1:]), f"{text} before the first update", units
        )
    variables["loss"] = labelled(("arm", "seed", "member", "update"), losses.reshape(*runs, -1), "loss", nan=DIVERGED)
    steps = case.params.train.steps if "bootstrap" in arms else case.params.train.chain_steps
    variables["updates"] = labelled((), steps * case.params.train.members, "updates of all networks of an arm")
    return xr.Dataset(variables, {"arm": arms, "seed": np.arange(runs[1]), "angle": angle})
