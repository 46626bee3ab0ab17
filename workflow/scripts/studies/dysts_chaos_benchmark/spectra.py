"""Lyapunov spectra of every system with standard errors, and the dimensions and entropies beside them."""

from functools import partial

import numpy as np
import xarray as xr

from pesin.entropy.dimensions import correlation_dimension
from pesin.entropy.templates import joint_multiscale_entropy
from pesin.integrate.lyapunov import kaplan_yorke_dimension
from pesin.integrate.spectrum import failed, lyapunov
from pesin.integrate.trajectories import time_limit
from pesin.steps.parallel import each
from pesin.systems import zoo
from pesin.systems.sampling import series, with_period
from studies.dysts_chaos_benchmark.chosen import chosen_systems, label

PER_PERIOD = 30
DRAWS = 400
SECONDS = 120.0  # processor time that one system's spectrum may take


def entropy(case, data: xr.DataTree) -> xr.Dataset:
    """The corrected annotation: dimension `system`, every system of the zoo by name."""
    p, sampled = case.params.entropy, case.params.simulate
    wanted = chosen_systems(sampled.systems, sampled.own)
    seeds = case.rng("spectra").integers(2**63, size=len(wanted))
    rows = each(partial(_measured, p=p), [(*w, s) for w, s in zip(wanted, seeds, strict=True)], case.threads)
    return _dataset(rows)


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
            spectrum = lyapunov(system, rng, p.target, p.max_steps, exponents=p.delay_exponents)
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


def _dataset(rows: list[dict]) -> xr.Dataset:
    spectra = [row["spectrum"] for row in rows]
    size = max(spectrum.exponents.size for spectrum in spectra)

    def padded(values):
        return np.array([np.pad(v, (0, size - v.size), constant_values=np.nan) for v in values])

    def stored(key):
        return np.array([row["stored"].get(key, np.nan) for row in rows], float)

    period = np.array([row["period"] for row in rows])
    top = np.array([spectrum.exponents[0] for spectrum in spectra])
    top_error = np.array([spectrum.errors[0] for spectrum in spectra])
    top_stored = stored("maximum_lyapunov_estimated")
    rate, plain = "nats per time of the model", "1"

    def of(key):
        return np.array([row[key] for row in rows], float)

    columns = {
        "lambda_1": (top, rate, "largest Lyapunov exponent"),
        "lambda_1_error": (top_error, rate, "its standard error"),
        "lambda_1_stored": (top_stored, rate, "largest Lyapunov exponent stored in dysts"),
        "sum_of_exponents": (np.array([s.exponents.sum() for s in spectra]), rate, "sum of the exponents"),
        "mean_divergence": (np.array([s.divergence for s in spectra]), rate, "mean divergence along the run"),
        "pesin_entropy": (of("entropy"), rate, "sum of the exponents that exceed two standard errors"),
        "pesin_entropy_error": (of("entropy_error"), rate, "its standard error"),
        "pesin_entropy_stored": (stored("pesin_entropy"), rate, "Pesin entropy stored in dysts"),
        "kaplan_yorke_dimension": (of("dimension"), plain, "Kaplan-Yorke dimension"),
        "kaplan_yorke_dimension_error": (of("dimension_error"), plain, "its standard error"),
        "kaplan_yorke_dimension_stored": (stored("kaplan_yorke_dimension"), plain, "Kaplan-Yorke dimension in dysts"),
        "correlation_dimension": (of("correlation"), plain, "correlation dimension"),
        "correlation_dimension_error": (of("correlation_error"), plain, "its jackknife error"),
        "correlation_dimension_stored": (stored("correlation_dimension"), plain, "correlation dimension in dysts"),
        "multiscale_entropy": (of("multiscale"), "nats", "sample entropy, mean over scales"),
        "multiscale_entropy_stored": (stored("multiscale_entropy"), plain, "multiscale entropy in dysts"),
        "period": (period, "time of the model", "dominant period"),
        "averaging_time": (np.array([s.time for s in spectra]), "time of the model", "time averaged over"),
        "lambda_1_per_period": (top * period, "nats per period", "largest Lyapunov exponent"),
        "pesin_entropy_per_period": (of("entropy") * period, "nats per period", "Pesin entropy"),
    }
    with np.errstate(invalid="ignore"):
        chaotic = top > 3 * top_error
        disagrees = np.abs(top - top_stored) > 3 * top_error
    known = np.isfinite(top_stored) & np.isfinite(top)
    data = xr.Dataset(
        {
            name: ("system", values, {"units": units, "long_name": text, "allow_nan": 1})
            for name, (values, units, text) in columns.items()
        }
        | {
            "exponents": (
                ("system", "exponent"),
                padded([s.exponents for s in spectra]),
                {"units": rate, "long_name": "Lyapunov exponents, largest first", "allow_nan": 1},
            ),
            "errors": (
                ("system", "exponent"),
                padded([s.errors for s in spectra]),
                {"units": rate, "long_name": "their standard errors", "allow_nan": 1},
            ),
            "exponents_stored": (
                ("system", "exponent"),
                _stored_spectra(rows, size),
                {"units": rate, "long_name": "Lyapunov exponents stored in dysts", "allow_nan": 1},
            ),
        },
        coords={"system": [row["name"] for row in rows], "exponent": np.arange(1, size + 1)},
    )
    for name, values, text in (
        ("dim", [row["dim"] for row in rows], "coordinates"),
        ("kind", [row["kind"] for row in rows], "flow, delay or map"),
        ("driven", [row["driven"] for row in rows], "driven (dysts' flag)"),
        ("is_chaotic", (chaotic & np.isfinite(top)).astype(np.int8), "largest exponent above 3 standard errors"),
        ("stored_disagrees", (disagrees & known).astype(np.int8), "stored exponent beyond 3 standard errors"),
        ("engine", [s.engine for s in spectra], "how the spectrum was computed"),
        ("reason", [s.reason for s in spectra], "why there is none, or why its run ended early"),
    ):
        data[name] = ("system", values, {"units": "1", "long_name": text})
    return data


def _stored_spectra(rows: list[dict], size: int) -> np.ndarray:
    out = np.full((len(rows), size), np.nan)
    for row, item in zip(out, rows, strict=True):
        values = np.sort(np.asarray(item["stored"].get("lyapunov_spectrum_estimated", []), float))[::-1][:size]
        row[: values.size] = values
    return out
