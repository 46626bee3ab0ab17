"""Structure factors, correlations and forces of simulated fields against closed forms, and what entropy they make."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.pseudospectral import correlation_function
from pesin.stats.fits import loglog_slope
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.driven_coulomb_fields import theory
from studies.driven_coulomb_fields.electrolyte.params import Entropy, Params

DIRECTIONS = {"along": 0.0, "across": 90.0}
LOWEST = 4
"""Modes along and across the field whose powers are compared."""
EMPTY = "no fluctuations, or no field"
ESTIMATES = ("closed form", "moments", "fit")


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """All that C1 to C4 ask for, and entropies; a control reads other fluctuations under the same names."""
    params, fields, vectors = case.params.entropy, data["field"].values, data["vector"].values
    moments, still = measured(params.source, data["moments"].values)
    expected = theory.structure_factors(vectors[:, 0], (vectors**2).sum(-1), fields[:, None])
    places = np.geomspace(params.near, case.params.simulate.length / 8, params.distances)
    variables = (
        structure(vectors, moments, expected)
        | in_space(case, vectors, (moments[1], still[1]), expected[1], places)
        | between_plates(params, fields)
        | entropies(case, vectors, fields, moments.mean(1), expected, trained)
    )
    names = {
        "density": ["rho", "c"],
        "direction": list(DIRECTIONS),
        "part": ["x", "y"],
        "estimate": list(ESTIMATES),
    } | {"sign": ["repulsive", "attractive"]}
    at = {"distance": places, "plates": params.plates, "run": data["run"], "field": fields, "moment": data["moment"]}
    return xr.Dataset({"vector": data["vector"], **variables}, names | at)


def structure(vectors: np.ndarray, moments: np.ndarray, expected: np.ndarray) -> dict[str, tuple]:
    """Structure factors against their closed forms (moment, field, mode), and their anisotropy."""
    dims = ("moment", "field", "mode")
    return {
        "structure_error": labelled(
            ("density", "run", "field"),
            np.median(abs(moments[:2] / expected[:2, None] - 1), -1),
            "relative error of the structure factor, median over modes",
            may_be_constant=1,
        ),
        "anisotropy": labelled(
            ("run", "field"), anisotropy(vectors, moments[1]), "S_cc along the field over S_cc across it", nan=EMPTY
        ),
        "structure": labelled(dims, moments.mean(1), "structure factor", "C0", may_be_constant=1),
        "expected": labelled(dims, expected, "structure factor, closed form", "C0"),
    }


def in_space(
    case: Case[Params],
    vectors: np.ndarray,
    power: tuple[np.ndarray, np.ndarray],
    expected: np.ndarray,
    places: np.ndarray,
) -> dict[str, tuple]:
    """Correlations of densities that the field adds, from S_cc of the driven fields and of those at rest.

    Each power has shape (run, field, mode), its closed form (field, mode).
    """
    driven, still = power
    found = correlations(case, vectors, driven - still, places)
    exact = correlations(case, vectors, expected - expected[:1], places)
    alone = correlations(case, vectors, still[:, 0] - 2, places)
    lines, units = ("direction", "run", "field"), "(C0 kappa)^2"
    return {
        "correlation": labelled((*lines, "distance"), found, "density correlation", units, may_be_constant=1),
        "expected_correlation": labelled(
            ("direction", "field", "distance"), exact, "density correlation, closed form", units
        ),
        "decay": labelled(lines, decay(found, places), "exponent of the density correlation, pseudo-value", nan=EMPTY),
        "level": labelled(
            lines,
            (found * places**2).mean(-1),
            "r^2 times the density correlation, mean over distances",
            "C0^2",
            may_be_constant=1,
        ),
        "without_field": labelled(
            lines[:2],
            (alone * places**2).mean(-1),
            "r^2 times the density correlation without field, mean over distances",
            "C0^2",
            may_be_constant=1,
        ),
    }


def between_plates(params: Entropy, fields: np.ndarray) -> dict[str, tuple]:
    """The plates' force at each field and distance, and which way it pushes."""
    drive = fields * (params.source == "driven")
    forces = np.array([[theory.excess_pressure(e, h) for h in params.plates] for e in drive])
    total = forces.sum(-1)
    said = ("pressure above that without field", "kT kappa^3")
    return {
        "force": labelled(("field", "plates", "part"), forces, *said, may_be_constant=1),
        "pressure": labelled(("field", "plates"), total, *said, may_be_constant=1),
        "amplitude": labelled(
            "field", total[:, -1] * params.plates[-1] ** 3 / theory.PREFACTOR, "force amplitude", may_be_constant=1
        ),
        "signs": labelled(
            "sign",
            [float((side * total > 0).any()) for side in (1, -1)],
            "whether plates are pushed this way at some field and distance",
            may_be_constant=1,
        ),
        "closed_amplitude": labelled("field", theory.force_amplitude(fields), "force amplitude, closed form"),
    }


def entropies(
    case: Case[Params],
    vectors: np.ndarray,
    fields: np.ndarray,
    moments: np.ndarray,
    expected: np.ndarray,
    trained: xr.Dataset,
) -> dict[str, tuple]:
    """Entropy production by three estimates, and the differential entropy of the closed form; moments over all runs."""
    area = case.params.simulate.length**2
    closed = theory.entropy_production(vectors[:, 0], (vectors**2).sum(-1), fields[:, None])
    rates = np.stack([closed, from_moments(vectors, fields, moments), from_fit(vectors, trained)])
    change = 0.5 * np.log(determinant(expected) / determinant(expected[:, :1]))
    return {
        "production": labelled(
            ("estimate", "field", "mode"),
            rates,
            "entropy production rate of a wave vector",
            "nat D kappa^2",
            may_be_constant=1,
        ),
        "total_production": labelled(
            ("estimate", "field"),
            2 * rates.sum(-1) / area,
            "entropy production rate for an area",
            "nat D kappa^4",
            may_be_constant=1,
        ),
        "entropy_change": labelled(
            "field",
            2 * change.sum(-1) / area,
            "differential entropy above that without field, for an area",
            "nat kappa^2",
        ),
    }


def measured(source: str, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The moments that are judged, and those without field that they are held against: (moment, run, field, mode).

    A run is held against itself without field, under the same noise; where all are without field, against another run.
    """
    alone = np.broadcast_to(moments[:, :, :1], moments.shape)
    return {
        "driven": (moments, alone),
        "undriven": (alone, np.roll(alone, 1, axis=1)),
        "still": (np.zeros_like(moments), np.zeros_like(moments)),
    }[source]


def correlations(case: Case[Params], vectors: np.ndarray, power: np.ndarray, places: np.ndarray) -> np.ndarray:
    """C(r) of smoothed densities, mean over a narrow sector: power (..., modes) -> (direction, ..., distance)."""
    params, found = case.params.entropy, []
    smooth = np.exp(-(vectors**2).sum(-1) * params.smoothing**2 / 2)
    for towards in DIRECTIONS.values():
        angles = np.radians(towards + params.sector * np.linspace(-1, 1, 7))
        points = places[:, None, None] * np.stack([np.cos(angles), np.sin(angles)], -1)
        values = correlation_function(power * smooth, vectors, points.reshape(-1, 2), case.params.simulate.length)
        found.append(values.reshape(*values.shape[:-1], len(places), len(angles)).mean(-1))
    return np.stack(found)


def decay(correlation: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Exponents of the mean over runs, the jackknife's pseudo-values: (..., run, field, distance) -> (..., run, field).

    One run's correlations drown in chance far away, where a logarithm can't be taken of them.
    """
    total, runs = correlation.sum(-3, keepdims=True), correlation.shape[-3]
    with np.errstate(divide="ignore", invalid="ignore"):  # where there are none
        whole = loglog_slope(places, abs(total) / runs)
        without = loglog_slope(places, abs(total - correlation) / (runs - 1))
        return runs * whole - (runs - 1) * without


def anisotropy(vectors: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Power of the lowest modes along the field, over that of as many across it: (..., modes) -> (...)."""
    means = []
    for axis in (0, 1):
        on = np.flatnonzero(vectors[:, 1 - axis] == 0)
        means.append(power[..., on[np.argsort(abs(vectors[on, axis]))[:LOWEST]]].mean(-1))
    with np.errstate(invalid="ignore"):
        return means[0] / means[1]


# ----------------------------------------------------------------------------------------------------------- entropies


def determinant(moments: np.ndarray) -> np.ndarray:
    """Of the covariance of each pair of modes, (moment, ...) -> (...)."""
    return moments[0] * moments[1] - moments[2] ** 2


def from_moments(vectors: np.ndarray, fields: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Without a score: <b D^-1 b> + <div b> of the known drift, (moment, field, modes) -> (field, modes).

    Of a steady state; b = -K x has the divergence -tr K. A mode's moments are those of two real pairs.
    """
    rates = theory.relaxation(vectors, fields)
    spread = np.stack([np.stack([moments[0], moments[2]], -1), np.stack([moments[2], moments[1]], -1)], -2) / 2
    flow = np.einsum("...ij,...jk,...ik->...", rates, spread, rates)
    return flow / (vectors**2).sum(-1) - np.trace(rates, axis1=-2, axis2=-1)


def from_fit(vectors: np.ndarray, trained: xr.Dataset) -> np.ndarray:
    """Of the fitted drift, mean over runs: 4 v^2 kx^2 / (D (2 k^2 + kappa^2)) for each mode, (field, modes)."""
    fit = trained["fitted"]
    v, d, kappa2 = (fit.sel(parameter=name).values[..., None] for name in ("v", "D", "kappa2"))
    return (4 * v**2 * vectors[:, 0] ** 2 / (d * (2 * (vectors**2).sum(-1) + kappa2))).mean(0)
