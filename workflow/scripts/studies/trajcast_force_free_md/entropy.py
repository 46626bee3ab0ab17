"""Entropies of the roll-outs against those of MD, and how far the learnt map is from one that physics allows."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.entropy.gaussian import gaussian_entropy
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.trajcast_force_free_md.forecast import KEPT, starts
from studies.trajcast_force_free_md.network import World, big_step
from studies.trajcast_force_free_md.params import Params
from studies.trajcast_force_free_md.rollout import networks_of

FEW = "fewer frames than modes"
AT_ONCE = 48
"""Displaced states whose images are taken together."""


def entropy(case: Case[Params], data: Any, trained: Any, made: xr.Dataset) -> xr.Dataset:
    """Configurational and two-body entropies by seed; log|det| of the map's Jacobian and its irreversibility."""
    params, reference = case.params, data["reference"].to_dataset()
    site, exact = reference["site"].values, reference["position"].values[:, ::KEPT]
    many = made.sizes["replica"]  # as many frames on both sides: the estimate falls short by their number
    same, others = (configurational(x, site) for x in (exact[:many], exact[many : 2 * many]))
    found = [configurational(x, site) for x in made["kept"].values]
    box = params.simulate.cells * params.simulate.constant
    density, r = len(site) / box**3, made["r"].values
    log_volume, turned = jacobians(case, data, trained)
    return xr.Dataset(
        {
            "configurational": labelled("seed", found, "configurational entropy of the roll-outs", "nat", nan=DIVERGED),
            "exact_configurational": labelled((), same, "configurational entropy in MD", "nat", nan=FEW),
            "configurational_floor": labelled((), abs(same - others), "difference from other MD", "nat", nan=FEW),
            "two_body": labelled(
                "seed", [two_body(g, r, density) for g in made["g"].values], "two-body entropy", "nat", nan=DIVERGED
            ),
            "exact_two_body": labelled(
                (), two_body(made["exact_g"].values, r, density), "two-body entropy in MD", "nat"
            ),
            "log_volume": labelled(
                ("seed", "state"),
                log_volume,
                "log of what a volume in phase space is multiplied by",
                "nat",
                nan=DIVERGED,
            ),
            "irreversibility": labelled(
                ("seed", "state"), turned, "distance from the start after a step there and back", nan=DIVERGED
            ),
        },
        {"seed": np.arange(params.train.seeds)},
    )


def configurational(x: np.ndarray, site: np.ndarray) -> float:
    """Entropy of a Gaussian with the covariance of the displacements (replica, frame, atom, xyz), in nats.

    The three modes in which all atoms move together are left out (Karplus and Kushick, Macromolecules 14, 325, 1981).
    """
    moved = (x - site).astype(float)
    moved = (moved - moved.mean(-2, keepdims=True)).reshape(-1, 3 * len(site))
    if not np.isfinite(moved).all():
        return float("nan")
    whole = np.kron(np.ones((len(site), 1)), np.eye(3)) / len(site) ** 0.5
    rest = np.linalg.svd(whole.T, full_matrices=True)[2][3:]
    if len(moved) <= len(rest):
        return float("nan")
    return float(gaussian_entropy(np.cov(moved @ rest.T, rowvar=False)).value)


def two_body(g: np.ndarray, r: np.ndarray, density: float) -> float:
    """-2 pi rho times the integral of [g ln g - g + 1] r^2, over the range of r alone, in nats for each atom."""
    inner = np.where(g > 0, g * np.log(np.where(g > 0, g, 1)), 0) - g + 1
    return float(-2 * np.pi * density * (inner * r**2).sum() * (r[1] - r[0]))


@torch.no_grad()
def jacobians(case: Case[Params], data: Any, trained: Any) -> tuple[np.ndarray, np.ndarray]:
    """log|det J| by central differences and |back - start| over |there - start|, (seed, state), at held-out states.

    A true step at constant energy gives 0 for both.
    """
    params, double = case.params, torch.float64
    world = World.of(data["held_out"].to_dataset(), params, params.simulate.cells, case.device, double)
    parameters, units = networks_of(params, trained, params.simulate.stride, None, "trained", case.device, double)
    runs, nudge = params.train.seeds, params.entropy.nudge
    begin = np.stack([a.astype(float) for a in starts(data, "held_out", params.entropy.states)])

    def image(states: torch.Tensor) -> torch.Tensor:
        """(runs, copies, 2, atom, xyz), a step later."""
        parts = [
            torch.stack(big_step(parameters, world, units, *part.unbind(2)), 2) for part in states.split(AT_ONCE, 1)
        ]
        return torch.cat(parts, 1)

    volume, turned = [], []
    for state in torch.as_tensor(np.moveaxis(begin, 0, 1), device=case.device):
        size = state.numel()
        pushed = torch.eye(size, dtype=double, device=case.device).reshape(size, *state.shape) * nudge
        up, down = (image((state + sign * pushed).expand(runs, -1, -1, -1, -1)) for sign in (1, -1))
        volume.append(torch.linalg.slogdet(((up - down) / (2 * nudge)).flatten(2).mT)[1].numpy(force=True))
        flip = torch.tensor([1.0, -1.0], dtype=double, device=case.device)[:, None, None]
        there = image(state.expand(runs, 1, -1, -1, -1))
        back = image(there * flip) * flip
        gone, left = ((a - state).flatten(1).norm(dim=1) for a in (there, back))
        turned.append((left / gone).numpy(force=True))
    return np.stack(volume, 1), np.stack(turned, 1)
