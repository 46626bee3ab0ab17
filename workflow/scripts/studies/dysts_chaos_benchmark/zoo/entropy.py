"""Lyapunov spectra of every system with standard errors, and the dimensions and entropies beside them."""

from functools import partial

import numpy as np
import xarray as xr

from pesin.entropy.dimensions import correlation_dimension
from pesin.entropy.templates import joint_multiscale_entropy
from pesin.integrate.lyapunov import kaplan_yorke_dimension
from pesin.integrate.spectrum import failed, lyapunov
from pesin.integrate.trajectories import time_limit
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.steps.parallel import each
from pesin.systems import zoo
from pesin.systems.sampling import series, with_period
from studies.dysts_chaos_benchmark.chosen import chosen_systems, label
from studies.dysts_chaos_benchmark.zoo.params import Params

PER_PERIOD = 30
DRAWS = 400
SECONDS = 120.0  # processor time that one system's spectrum may take
RATE, TIME = "nat per model time", "model time"
NONE, NOT_STORED = "a system without a spectrum (its reason is given)", "dysts stores none"


def entropy(case: Case[Params], data: xr.DataTree) -> xr.Dataset:
    """The corrected annotation: dimension `system`, every system of the zoo by name."""
    p, sampled = case.params.entropy, case.params.simulate
    wanted = chosen_systems(sampled.systems, sampled.own)
    seeds = case.rng("spectra").integers(2**63, size=len(wanted))
    rows = each(partial(_measured, p=p), [(*w, s) for w, s in zip(wanted, seeds, strict=True)], case.threads)
    return _dataset(rows, p.chaos_growth)


def _measured(job, p) -> dict:
    name, kind, seed = job
    rng = np.random.default_rng(seed)
    system = zoo.get(name, kind)
    row = {
        "name": label(system.name, system.kind),
        "kind": system.kind,
        "dim": system.dim,
        "driven": int(system.driven),
        "stored": system.stored,
    }
    try:
        system = with_period(system)
        with time_limit(SECONDS):
            spectrum = lyapunov(system, rng, p.target, p.max_steps, exponents=p.delay_exponents, growth=p.chaos_growth)
    except ValueError as error:
        spectrum = failed("none", system.dim, str(error))
    except TimeoutError:
        spectrum = failed("none", system.dim, f"more than {SECONDS:g} s")
    draws = (
        rng.multivariate_normal(spectrum.exponents, spectrum.covariance, DRAWS)
        if np.isfinite(spectrum.covariance).all()
        else np.full((1, spectrum.exponents.size), np.nan)
    )
    complete = system.kind != "delay" or spectrum.exponents.sum() < 0
    dimensions = kaplan_yorke_dimension(draws) if complete else np.full(len(draws), np.nan)
    significant = spectrum.exponents > 2 * spectrum.errors
    row |= {
        "spectrum": spectrum,
        "entropy": spectrum.exponents[significant].sum() if np.isfinite(spectrum.exponents).all() else np.nan,
        "entropy_error": float(np.sqrt(spectrum.covariance[np.ix_(significant, significant)].sum())),
        "dimension": float(kaplan_yorke_dimension(spectrum.exponents)) if complete else np.nan,
        "dimension_error": float(np.std(dimensions)),
        "period": system.period,
    }
    return row | _from_a_series(system, rng, p)


def _from_a_series(system, rng, p) -> dict:
    nothing = {"correlation": np.nan, "correlation_error": np.nan, "multiscale": np.nan}
    per_period = 1 if system.kind == "map" else PER_PERIOD
    try:
        _, values, run = series(system, (p.points,), per_period, rng, tolerance=1e-6)
        if run.reason[0]:
            return nothing
        x = values[0]
        if system.kind == "delay":  # one variable: its past is the state, as in dysts' ten delayed columns
            lag = max(int(system.delay / 9 * PER_PERIOD / system.period), 1)
            x = np.stack([x[k * lag : len(x) - (9 - k) * lag, 0] for k in range(10)], 1)
        dimension, error = correlation_dimension(x, per_period, rng, p.references)
        multiscale = joint_multiscale_entropy(values[0][: p.points // 4], range(1, p.scales + 1))
    except ValueError:
        return nothing
    finite = np.isfinite(multiscale)
    mean = float(multiscale[finite].mean()) if finite.any() else np.nan
    return {"correlation": dimension, "correlation_error": error, "multiscale": mean}


def _dataset(rows: list[dict], chaos_growth: float) -> xr.Dataset:
    """Every variable over `system`; the spectra over (system, exponent)."""
    spectra = [row["spectrum"] for row in rows]
    size = max(spectrum.exponents.size for spectrum in spectra)
    over = ("system", "exponent")

    def padded(values):
        return np.array([np.pad(v[:size], (0, size - v[:size].size), constant_values=np.nan) for v in values])

    own, beyond = padded([s.exponents for s in spectra]), f"beyond a system's exponents, or {NONE}"
    stored = padded([_stored_spectrum(row) for row in rows])
    return xr.Dataset(
        _measured_here(rows)
        | _stored_in_dysts(rows)
        | _facts(rows, chaos_growth)
        | {
            "exponents": labelled(over, own, "Lyapunov exponents, largest first", RATE, nan=beyond),
            "errors": labelled(
                over, padded([s.errors for s in spectra]), "standard errors of the exponents", RATE, nan=beyond
            ),
            "exponents_stored": labelled(over, stored, "Lyapunov exponents stored in dysts", RATE, nan=NOT_STORED),
        },
        {"system": [row["name"] for row in rows], "exponent": np.arange(1, size + 1)},
    )


def _measured_here(rows: list[dict]) -> dict:
    spectra = [row["spectrum"] for row in rows]

    def of(key):
        return np.array([row[key] for row in rows], float)

    top = np.array([spectrum.exponents[0] for spectrum in spectra])
    top_error = np.array([spectrum.errors[0] for spectrum in spectra])
    period = np.array([row["period"] for row in rows])
    no_dimension = f"{NONE}, or a delay system whose known exponents don't sum to less than 0"
    no_series = "a series that can't be made, or is too short for it"
    columns = {
        "lambda_1": (top, "largest Lyapunov exponent", RATE, NONE),
        "lambda_1_error": (top_error, "standard error of the largest Lyapunov exponent", RATE, NONE),
        "sum_of_exponents": (np.array([s.exponents.sum() for s in spectra]), "sum of the exponents", RATE, NONE),
        "mean_divergence": (
            np.array([s.divergence for s in spectra]),
            "mean divergence along the run",
            RATE,
            f"{NONE}, or one that was computed without the variational equations",
        ),
        "pesin_entropy": (of("entropy"), "sum of the exponents that exceed two standard errors", RATE, NONE),
        "pesin_entropy_error": (of("entropy_error"), "standard error of the Pesin entropy", RATE, NONE),
        "kaplan_yorke_dimension": (of("dimension"), "Kaplan-Yorke dimension", "1", no_dimension),
        "kaplan_yorke_dimension_error": (
            of("dimension_error"),
            "standard error of the Kaplan-Yorke dimension",
            "1",
            no_dimension,
        ),
        "correlation_dimension": (of("correlation"), "correlation dimension", "1", no_series),
        "correlation_dimension_error": (
            of("correlation_error"),
            "jackknife error of the correlation dimension",
            "1",
            no_series,
        ),
        "multiscale_entropy": (of("multiscale"), "sample entropy, mean over scales", "nat", no_series),
        "period": (period, "dominant period", TIME, "a system that can't be integrated"),
        "averaging_time": (np.array([s.time for s in spectra]), "time averaged over", TIME, ""),
        "lambda_1_per_period": (top * period, "largest Lyapunov exponent", "nat per period", NONE),
        "pesin_entropy_per_period": (of("entropy") * period, "Pesin entropy", "nat per period", NONE),
    }
    return {name: labelled("system", *said, nan=nan) for name, (*said, nan) in columns.items()}


def _stored_in_dysts(rows: list[dict]) -> dict:
    """What dysts stores of each system."""
    columns = {
        "lambda_1_stored": ("maximum_lyapunov_estimated", "largest Lyapunov exponent stored in dysts", RATE),
        "pesin_entropy_stored": ("pesin_entropy", "Pesin entropy stored in dysts", RATE),
        "kaplan_yorke_dimension_stored": ("kaplan_yorke_dimension", "Kaplan-Yorke dimension stored in dysts", "1"),
        "correlation_dimension_stored": ("correlation_dimension", "correlation dimension stored in dysts", "1"),
        "multiscale_entropy_stored": ("multiscale_entropy", "multiscale entropy stored in dysts", "nat"),
    }
    return {
        name: labelled("system", [float(row["stored"].get(key, np.nan)) for row in rows], *said, nan=NOT_STORED)
        for name, (key, *said) in columns.items()
    }


def _facts(rows: list[dict], chaos_growth: float) -> dict:
    """What kind of system each is, whether it is chaotic, and how its spectrum came about."""
    spectra = [row["spectrum"] for row in rows]
    top = np.array([spectrum.exponents[0] for spectrum in spectra])
    error = np.array([spectrum.errors[0] for spectrum in spectra])
    stored = np.array([row["stored"].get("maximum_lyapunov_estimated", np.nan) for row in rows], float)
    # Comparisons with NaN are false: without a spectrum a system isn't chaotic, nor is its stored exponent refuted.
    grown = np.array([spectrum.growth for spectrum in spectra])
    chaotic, disagrees = (top > 3 * error) & (grown > chaos_growth), np.abs(top - stored) > 3 * error
    return {
        "dim": labelled("system", [row["dim"] for row in rows], "coordinates"),
        "kind": labelled("system", [row["kind"] for row in rows], "flow, delay or map"),
        "driven": labelled(
            "system", [row["driven"] for row in rows], "driven: dysts' flag, or rates that depend on time"
        ),
        "growth": labelled("system", grown, "growth of a displacement along a member's run", "nat", nan=NONE),
        "is_chaotic": labelled(
            "system",
            chaotic.astype(np.int8),
            f"largest exponent above 3 standard errors, and seen to grow by {chaos_growth:g} nats",
        ),
        "stored_disagrees": labelled("system", disagrees.astype(np.int8), "stored exponent beyond 3 standard errors"),
        "engine": labelled("system", [s.engine for s in spectra], "how the spectrum was computed"),
        "reason": labelled("system", [s.reason for s in spectra], "why there is none, or why its run ended early"),
    }


def _stored_spectrum(row: dict) -> np.ndarray:
    """The exponents that dysts stores, largest first; none for some systems."""
    return np.sort(np.asarray(row["stored"].get("lyapunov_spectrum_estimated", []), float))[::-1]
