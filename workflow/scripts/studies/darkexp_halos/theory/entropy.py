"""The entropy that DARKexp maximises, that of its phase-space density, and the Shannon entropy of measured energies."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import digamma

from pesin.entropy.amplitude import shannon_entropy
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.darkexp_halos.theory.params import Params

CELLS = 400
"""Cells of energy."""
SIZE = 0.2
"""Changes of n, as a share of n + 1."""


def entropy(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """`loss` (phi0, trial), `ablated` (phi0), `boltzmann` (phi0), `exact` and `measured` (phi0)."""
    params, rng = case.params.entropy, case.rng("particles")
    losses, ablated, boltzmann, exact, measured = [], [], [], [], []
    for phi0 in data.phi0.values:
        e, n = occupation(phi0)
        losses.append(entropy_of(n, e) - entropy_of(changed(case.rng("changes"), e, n, params.trials), e))
        ablated.append(np.trapezoid(np.abs(gamma_occupation(phi0, e) - n), e) / np.trapezoid(n, e))
        one = data.sel(phi0=phi0)
        boltzmann.append(phase_entropy(one))
        edges = np.linspace(0, 1, params.bins + 1)
        share = np.diff([below(phi0, edge) for edge in edges])
        exact.append(-np.sum(share * np.log(share)))
        found = sampled_energies(rng, one, params.particles) / float(one.energy[0] + one.depth[0])
        measured.append(shannon_entropy(np.histogram(np.clip(found, 0, 1), edges)[0]))
    lines = {
        "loss": labelled(("phi0", "trial"), losses, "entropy lost by a change of N(e)", "nat"),
        "ablated": labelled("phi0", ablated, "share of N(e) that differs when ln n! is kept exactly"),
        "boltzmann": labelled("phi0", boltzmann, "entropy of the phase-space density", "nat"),
        "exact": labelled("phi0", exact, "Shannon entropy of binned N(e)", "nat"),
        "measured": labelled("phi0", [float(one.value) for one in measured], "the same from drawn particles", "nat"),
    }
    return xr.Dataset(lines, {"phi0": data.phi0.values})


def occupation(phi0: float) -> tuple[np.ndarray, np.ndarray]:
    """Energies from 0 to phi0, and DARKexp's n(e) = exp(phi0 - e) - 1."""
    e = np.linspace(0, phi0, CELLS)
    return e, np.expm1(phi0 - e)


def entropy_of(n: np.ndarray, e: np.ndarray) -> np.ndarray:
    """-int [(n + 1) ln(n + 1) - n] de (Hjorth and Williams 2010), for n of shape (..., energies)."""
    return -np.trapezoid((n + 1) * np.log(n + 1) - n, e)


def changed(rng: np.random.Generator, e: np.ndarray, n: np.ndarray, trials: int) -> np.ndarray:
    """Occupations (trials, energies) near n, of the same number int n de and the same energy int n e de."""
    weight = np.gradient(e)
    weight[[0, -1]] = (e[1] - e[0]) / 2
    change = rng.standard_normal((trials, e.size)) * (n + 1)
    kept = np.stack([weight, weight * e])
    q = np.linalg.qr(kept.T)[0]
    change -= change @ q @ q.T
    return n + SIZE * change / np.abs(change / (n + 1)).max(1, keepdims=True)


def gamma_occupation(phi0: float, e: np.ndarray) -> np.ndarray:
    """The n that maximises -int ln Gamma(n + 1) de: digamma(n + 1) = phi0 - e, by Newton's method; not below -1/2."""
    n = np.exp(phi0 - e) - 0.5
    for _ in range(60):
        h = 1e-6
        slope = (digamma(n + 1 + h) - digamma(n + 1 - h)) / (2 * h)
        n = np.maximum(n - (digamma(n + 1) - (phi0 - e)) / slope, -0.5)
    return n


def phase_entropy(one: xr.Dataset) -> float:
    """- int N(e) ln f(e) de, with f g = N; nats of a unit mass."""
    e, log_f = one.energy.values, one.log_f.values
    n = np.exp(log_f) * one.states.values
    return float(np.trapezoid(n * log_f, e) * np.sign(e[0] - e[-1]))


def below(phi0: float, share: float) -> float:
    """Part of the mass with e below a share of the deepest energy."""
    e = share * phi0
    return float((np.exp(phi0) - np.exp(phi0 - e) - e) / (np.expm1(phi0) - phi0))


def sampled_energies(rng: np.random.Generator, one: xr.Dataset, number: int) -> np.ndarray:
    """Energies of particles drawn in space from rho and in speed from v^2 f(psi - v^2 / 2)."""
    psi = np.interp(rng.random(number) * float(one.mass[-1]), one.mass.values, one.potential.values)
    share = (np.arange(200) + 0.5) / 200
    e = psi[:, None] * (1 - share**2)
    known = np.log(one.energy.values[::-1])
    f = np.exp(np.interp(np.log(e), known, one.log_f.values[::-1]))
    total = np.cumsum(share**2 * f, 1)
    place = (total < rng.random((number, 1)) * total[:, -1:]).sum(1)
    return psi * (1 - share[place] ** 2)
