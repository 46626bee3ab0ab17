"""Measures permutation entropy and statistical complexity of every series, against what the claims vary."""

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import complexity_entropy, delay_for
from pesin.forecast.classify import area_under_curve
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.measures import ordinal_variables, surrogate_p
from studies.ordinal_orbit_complexity.series.params import Params
from studies.ordinal_orbit_complexity.series.records import NOISES


def entropy(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Return a group for each thing that the claims vary."""
    systems = _systems(case, data)
    return xr.DataTree.from_dict(
        {
            "plane": _plane(case, systems),
            "sampling": _sampling(case, data),
            "separation": _separation(case, data),
            "mixing": _mixing(case, data),
            "switched": _switched(case, data),
            "null": _null(case),
            "surrogates": _surrogates(case, systems),
        }
    )


def _systems(case: Case[Params], data) -> dict:
    """Every standard system at its delay: {name: (series of shape (seed, time), delay)}."""
    lorenz, sines = data["lorenz"].to_dataset(), data["sines"].to_dataset()
    ratio, order = case.params.train.ratio, case.params.train.order
    delays = {c: int(delay_for(ratio, lorenz.natural_period.sel(coordinate=c), lorenz.dt, order)) for c in "xyz"}
    systems = {str(name): (data["maps"].x.sel(system=name).values, 1) for name in data["maps"].system.values}
    for exponent in data["noise"].exponent.values:
        systems[NOISES[exponent]] = (data["noise"].x.sel(exponent=exponent).values, 1)
    for c in "xyz":
        systems[f"lorenz_{c}"] = (lorenz.x.sel(coordinate=c).values, delays[c])
    for scheme in ("euler", "rk4"):
        systems[f"lorenz_package_{scheme}"] = (lorenz.package_x.sel(scheme=scheme).values, delays["x"])
    systems["sine"] = (sines.sine.values, int(delay_for(ratio, 1, sines.dt, order)))
    return systems


def _plane(case: Case[Params], systems) -> xr.Dataset:
    order = case.params.train.order
    found = [complexity_entropy(x, order, delay) for x, delay in systems.values()]
    seeds = len(found[0].patterns)
    settled = [np.ptp(x[:, -x.shape[1] // 10 :], axis=1) < 1e-2 * x.std() for x, _ in systems.values()]
    return xr.Dataset(
        ordinal_variables(("system", "seed"), found, order, (len(systems), seeds))
        | {
            "delay": labelled("system", [delay for _, delay in systems.values()], "delay", "sample"),
            "has_settled": labelled(("system", "seed"), settled, "at rest over its last tenth"),
        },
        {"system": list(systems), "seed": np.arange(seeds)},
    )


def _sampling(case: Case[Params], data) -> xr.Dataset:
    """H and C against t_pat / t_nat. White noise, which has no period, gets that of the sine."""
    lorenz, sines = data["lorenz"].to_dataset(), data["sines"].to_dataset()
    swept = {"sine": (sines.sine.values, 1.0, float(sines.dt))}
    for c in "xz":
        one = lorenz.sel(coordinate=c)
        swept[f"lorenz_{c}"] = (one.x.values, float(one.natural_period), float(one.dt))
    white = np.abs(data["noise"].exponent.values).argmin()
    swept["noise"] = (data["noise"].x.values[white], 1.0, float(sines.dt))
    ratios, order = case.params.entropy.ratios, case.params.train.order
    found = [
        complexity_entropy(x, order, int(delay_for(ratio, period, dt, order)))
        for x, period, dt in case.progress(swept.values(), what="sampling")
        for ratio in ratios
    ]
    dims = ("system", "ratio", "seed")
    shape = (len(swept), len(ratios), len(found[0].patterns))
    return xr.Dataset(
        ordinal_variables(dims, found, order, shape),
        {"system": list(swept), "ratio": ratios, "seed": np.arange(shape[-1])},
    )


def _separation(case: Case[Params], data) -> xr.Dataset:
    """AUC of H for Lorenz segments against segments of a sine of the same period and sampling, seed by seed.

    Segments start at random; a ratio for which fewer than two windows fit has the AUC of a coin, 1/2.
    """
    p, order, lorenz = case.params.entropy, case.params.train.order, data["lorenz"].to_dataset()
    auc = np.full((len(p.segment_durations), 3, len(p.ratios), lorenz.sizes["seed"]), 0.5)
    for i, duration in enumerate(case.progress(p.segment_durations, what="separation")):
        rng = case.rng(f"segments {duration:g}")
        for j, c in enumerate("xyz"):
            one = lorenz.sel(coordinate=c)
            period = float(one.natural_period / one.dt)
            both = [_segments(rng, series.values, duration * period, p.segments) for series in (one.x, one.sine)]
            for k, ratio in enumerate(p.ratios):
                delay = int(delay_for(ratio, period, 1, order))
                if both[0].shape[-1] - (order - 1) * delay > 1:
                    chaotic, periodic = (complexity_entropy(x, order, delay).permutation_entropy for x in both)
                    auc[i, j, k] = area_under_curve(chaotic, periodic)
    inside = (np.array(p.ratios) >= p.window[0]) & (np.array(p.ratios) <= p.window[1])
    dims = ("segment_duration", "coordinate", "ratio", "seed")
    best = (dims[0], dims[1], dims[3])
    return xr.Dataset(
        {
            "auc": labelled(dims, auc, "AUC of H, chaotic against periodic segments"),
            "auc_inside": labelled(best, auc[:, :, inside].max(2), "largest AUC inside the recommended band"),
            "auc_outside": labelled(best, auc[:, :, ~inside].max(2), "largest AUC outside the recommended band"),
        },
        {
            "segment_duration": p.segment_durations,
            "coordinate": list("xyz"),
            "ratio": p.ratios,
            "seed": lorenz.seed.values,
        },
    )


def _segments(rng, series, length, count: int) -> np.ndarray:
    """Cut `count` segments from each series at random; (seed, time) -> (seed, count, length)."""
    length = round(length)
    if length > series.shape[1]:
        raise ValueError(
            f"a segment of {length} samples doesn't fit into a Lorenz series of {series.shape[1]}: raise"
            " simulate.lorenz.duration, or lower entropy.segment_durations"
        )
    starts = rng.integers(series.shape[1] - length + 1, size=(len(series), count, 1))
    return np.take_along_axis(series[:, None, :], starts + np.arange(length), -1)


def _mixing(case: Case[Params], data) -> xr.Dataset:
    """Sums of incommensurate sines at their own natural period; noisy sines at the sine's."""
    sines, ratio, order = data["sines"].to_dataset(), case.params.train.ratio, case.params.train.order
    delays = delay_for(ratio, sines.sum_period.values, float(sines.dt), order)
    sums = complexity_entropy(sines["sum"].values, order, delays)
    noisy = complexity_entropy(sines.noisy.values, order, int(delay_for(ratio, 1, float(sines.dt), order)))
    variables: dict = {}
    for name, dim, found in (("sum", "count", sums), ("noisy", "noise_to_signal", noisy)):
        variables |= {
            f"{name}_permutation_entropy": labelled((dim, "seed"), found.permutation_entropy, "permutation entropy H"),
            f"{name}_statistical_complexity": labelled(
                (dim, "seed"), found.statistical_complexity, "statistical complexity C"
            ),
        }
    return xr.Dataset(variables, {dim: sines[dim].values for dim in ("count", "noise_to_signal", "seed")})


def _switched(case: Case[Params], data) -> xr.Dataset:
    """H in sliding windows, half a window apart; those that hold the switch belong to neither half."""
    x, window, order = data["switched"].x.values, case.params.entropy.sliding_window, case.params.train.order
    starts = np.arange(0, x.shape[1] - window + 1, max(window // 2, 1))
    windowed = np.stack([complexity_entropy(x[:, s : s + window], order, 1).permutation_entropy for s in starts], -1)
    middle = x.shape[1] // 2
    halves = [windowed[:, starts + window <= middle].mean(1), windowed[:, starts >= middle].mean(1)]
    return xr.Dataset(
        {
            "windowed_permutation_entropy": labelled(("seed", "window"), windowed, "H in a sliding window"),
            "half_permutation_entropy": labelled(("half", "seed"), halves, "mean H of the windows in a half"),
        },
        {"seed": np.arange(len(x)), "window": starts, "half": ["first", "second"]},
    )


def _null(case: Case[Params]) -> xr.Dataset:
    """What H a sine shows at finite length: quantiles over phases and true periods within 10 % of the assumed."""
    p, order, rng = case.params, case.params.train.order, case.rng("null")
    per_period, draws = p.simulate.records.samples_per_period, p.entropy.null_draws
    delay = int(delay_for(p.train.ratio, per_period, 1, order))
    phase, stretch = rng.uniform(0, 2 * np.pi, (draws, 1)), rng.uniform(0.9, 1.1, (draws, 1))
    quantiles = []
    for duration in p.train.durations:
        time = np.arange(round(duration * per_period))
        found = complexity_entropy(np.sin(2 * np.pi * time / (per_period * stretch) + phase), order, delay)
        quantiles.append(np.quantile(found.permutation_entropy, [0.025, 0.5, 0.975, 1]))
    return xr.Dataset(
        {"permutation_entropy": labelled(("duration", "quantile"), quantiles, "H of sines of finite length")},
        {"duration": p.train.durations, "quantile": [0.025, 0.5, 0.975, 1]},
    )


def _surrogates(case: Case[Params], systems) -> xr.Dataset:
    """IAAFT test of "complex rather than coloured noise", on one sample per delay."""
    p = case.params.entropy
    values = [
        surrogate_p(
            case.rng(f"surrogates {name}"),
            x[: p.surrogate_seeds],
            delay,
            p.surrogates,
            p.surrogate_length,
            case.params.train.order,
        )
        for name, (x, delay) in case.progress(systems.items(), what="surrogates")
    ]
    return xr.Dataset(
        {"p_value": labelled(("system", "seed"), values, "p-value that H is no lower than that of its surrogates")},
        {"system": list(systems), "seed": np.arange(len(values[0]))},
    )
