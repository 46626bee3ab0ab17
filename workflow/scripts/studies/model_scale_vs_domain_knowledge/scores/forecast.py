"""Scores the forecasts against the future: errors, valid prediction times, and what the claims compare."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import xarray as xr

from pesin.forecast.horizon import valid_prediction_steps
from pesin.forecast.metrics import nrmse, pointwise_smape, smape
from pesin.stats.intervals import ranks, spearman
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.model_scale_vs_domain_knowledge.predictions import by_model, by_system, together
from studies.model_scale_vs_domain_knowledge.scores.params import Params

LARGE = "N-BEATS"
RIVALS = ("LinearRegression", "NaiveSeasonal", "NaiveMean", "NaiveDrift", "ESN", "NVAR")
HYBRIDS = ("NODE", "ESN", "NVAR")
LARGEST = ("N-BEATS", "N-HiTS")  # the paper's first two, foretelling every flow
CHAOS_START = 1e-3  # relative error from which the control "chaos_alone" starts
PER_PERIOD = "nat per period"
NO_EXPONENT, NOT_STORED = "a system without a recomputed spectrum", "dysts stores none"
NO_RHO = "a model with the same error on all systems"


def forecast(
    case: Case[Params],
    data: xr.Dataset,
    predicted: list[xr.Dataset],
    swept: list[xr.Dataset],
    rest: xr.Dataset,
    everywhere: xr.Dataset,
    clock: xr.Dataset,
    metrics: xr.Dataset,
    spectra: xr.Dataset,
) -> xr.Dataset:
    """Everything that the claims and figures take from the predictions."""
    p = case.params.forecast
    made = together(predicted)
    chaos = _chaos(spectra, made.system.values, p)
    result = xr.merge(
        [
            _long_task(case, data, made, chaos),
            chaos,
            _scarce(case, data, xr.concat(swept, "run", data_vars="all")),
            _everywhere(case, data, everywhere, spectra),
            _all_flows(case, data, made, rest, spectra),
            _story(case, metrics),
            _clocks(case, clock),
            _size(data, made, metrics),
        ]
    )
    return xr.merge([result, _verdict_parts(case, result)], combine_attrs="drop_conflicts")


# ------------------------------------------------------------------------------------------------------- the long task


def _truth(case: Case[Params], history, future, forecast, growth):
    """Truth and forecasts, after what a control changes. growth: lambda_1 per sample."""
    p = case.params.forecast
    if p.effect == "constant":
        return future, np.broadcast_to(history.mean(0), forecast.shape)
    later = np.roll(future, -int(p.later * len(future)), axis=0)
    if p.effect == "later_future":
        return later, forecast
    if p.effect == "chaos_alone":
        size = CHAOS_START * np.exp(np.minimum(max(growth, 0.0) * np.arange(1, len(future) + 1), 50.0))
        wrong = future + np.minimum(size, 1.0)[:, None] * (later - future)
        return future, np.broadcast_to(wrong[: forecast.shape[-2]], forecast.shape)
    return future, forecast


def _long_task(case: Case[Params], data, made, chaos) -> xr.Dataset:
    """Errors and valid prediction times of each model, the median over its seeds."""
    p, period = case.params.forecast, float(data.attrs["points_per_period"])
    per_sample = chaos.lambda_per_period.values / period
    edges = np.linspace(0, made.sizes["lead"], p.bins + 1).astype(int)
    found = _scores_of_runs(case, data, made, per_sample, edges)
    run_model = made.model.values
    models = list(dict.fromkeys(run_model))
    failures = by_model((made.reason.values != "").astype(float), run_model, models)
    steps = np.stack([by_model(of_rule, run_model, models) for of_rule in found["steps"]])
    with np.errstate(invalid="ignore"):
        vpt, vpt_stored = steps * per_sample, steps[0] * (chaos.stored_lambda_per_period.values / period)
    over, times = ("model", "system"), "valid prediction time"

    def of(name: str, dims, said: str, units: str, **attributes) -> tuple:
        return labelled(dims, by_model(found[name], run_model, models), said, units, **attributes)

    return xr.Dataset(
        {
            "smape_short": of("short", over, "sMAPE of the short lead", "%"),
            "smape_long": of("long", over, "sMAPE of the long lead", "%"),
            "nrmse_short": of("nrmse", over, "normalised error of the short lead, at most 100", "1"),
            "smape_of_run": labelled(("run", "system"), found["short"], "sMAPE of the short lead, each seed", "%"),
            "curve": of("curve", (*over, "lead"), "sMAPE in a bin of the lead", "%"),
            "vpt": labelled(("rule", *over), vpt, times, "Lyapunov times", nan=NO_EXPONENT),
            "vpt_stored": labelled(
                over, vpt_stored, f"{times} (pointwise sMAPE), stored exponent", "Lyapunov times", nan=NOT_STORED
            ),
            "vpt_periods": labelled(("rule", *over), steps / period, times, "periods"),
            "seconds_fit": of("seconds_fit", over, "wall time of the last fit", "s", role="timing"),
            "seconds_total": of("seconds_total", over, "wall time with tuning and forecasting", "s", role="timing"),
            "failures": labelled(over, failures, "1 if the forecast failed"),
        },
        {
            "model": models,
            "family": ("model", [str(made.family.values[run_model == model][0]) for model in models]),
            "system": made.system.values,
            "rule": ["pointwise_smape", "running_smape", "normalised_error"],
            "lead": (edges[:-1] + edges[1:]) / 2 / period,
            "run_model": ("run", run_model),
            "run_seed": ("run", made.seed.values),
        },
    )


def _scores_of_runs(case: Case[Params], data, made, per_sample: np.ndarray, edges: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of each run, the times it took, and what the control "shuffled" changes in both.

    Returns
    -------
    dict
        short, long, nrmse, seconds_fit, seconds_total (run, system); curve (run, system, bin), between the `edges` of
        the lead in samples; steps (rule, run, system) of the valid forecast.
    """
    p = case.params.forecast
    rows: dict[str, list] = {name: [] for name in ("short", "long", "nrmse", "curve", "steps")}
    for (_, history, future, predicted), growth in zip(by_system(data, made), per_sample, strict=True):
        true, predicted = _truth(case, history, future, predicted, growth)
        true = true[: predicted.shape[-2]]
        pointwise = pointwise_smape(true, predicted)
        rows["short"].append(smape(true[: p.short], predicted[:, : p.short]))
        rows["long"].append(smape(true, predicted))
        rows["nrmse"].append(np.minimum(nrmse(true[: p.short], predicted[:, : p.short]), 100.0))
        rows["curve"].append(np.add.reduceat(pointwise, edges[:-1], axis=-1) / np.diff(edges))
        rows["steps"].append(np.stack(list(valid_prediction_steps(true, predicted, history.std(0)).values()), -1))
    found = {name: np.stack(of_systems, 1) for name, of_systems in rows.items()}
    found["steps"] = np.moveaxis(found["steps"], -1, 0)
    found |= {name: made[name].values for name in ("seconds_fit", "seconds_total")}
    if p.effect == "shuffled":
        runs, systems = found["short"].shape
        # The model that made a forecast is drawn anew for each system.
        deal = case.rng("shuffle").permuted(np.tile(np.arange(runs)[:, None], (1, systems)), axis=0)
        for name in ("short", "long", "nrmse", "seconds_fit", "seconds_total"):
            found[name] = np.take_along_axis(found[name], deal, 0)
    return found


def _chaos(spectra, systems, p) -> xr.Dataset:
    """Recomputed exponents and entropies in units of the period, and who counts as chaotic."""
    one = spectra.sel(system=systems)
    period = one.period.values
    variables = {
        "lambda_per_period": (one.lambda_1.values * period, "largest Lyapunov exponent", PER_PERIOD, NO_EXPONENT),
        "lambda_error_per_period": (
            one.lambda_1_error.values * period,
            "standard error of the largest Lyapunov exponent",
            PER_PERIOD,
            NO_EXPONENT,
        ),
        "stored_lambda_per_period": (
            one.lambda_1_stored.values * period,
            "largest Lyapunov exponent stored in dysts",
            PER_PERIOD,
            NOT_STORED,
        ),
        "pesin_per_period": (one.pesin_entropy.values * period, "Pesin entropy", PER_PERIOD, NO_EXPONENT),
        "pesin_error_per_period": (
            one.pesin_entropy_error.values * period,
            "standard error of the Pesin entropy",
            PER_PERIOD,
            NO_EXPONENT,
        ),
    }
    for name, said, units in (
        ("kaplan_yorke_dimension", "Kaplan-Yorke dimension", "1"),
        ("correlation_dimension", "correlation dimension", "1"),
        ("multiscale_entropy", "sample entropy, mean over scales", "nat"),
    ):
        variables[name] = (one[name].values, said, units, "a system on which it couldn't be measured")
    chaotic = (one.is_chaotic.values == 1) & (variables["lambda_per_period"][0] > p.chaos_per_period)
    return xr.Dataset(
        {name: labelled("system", *said, nan=nan) for name, (*said, nan) in variables.items()}
        | {
            "chaotic": labelled("system", chaotic, "chaotic by the recomputed exponent"),
            "coordinates": labelled("system", one.dim.values, "coordinates of the system"),
        },
        {"system": systems},
    )


# --------------------------------------------------------------------------------------------- scarce data, all systems


def _short_scores(case: Case[Params], data, made) -> np.ndarray:
    """sMAPE of the short lead (run, length, system)."""
    p = case.params.forecast
    rows = []
    for _, history, future, predicted in by_system(data, made):
        true, predicted = _truth(case, history, future, predicted, 0.0)
        rows.append(smape(true[: p.short], predicted[..., : p.short, :]))
    scores = np.stack(rows, -1)
    if p.effect == "shuffled":
        scores = case.rng("shuffle sweep").permuted(scores, axis=0)
    return scores


def _scarce(case: Case[Params], data, made) -> xr.Dataset:
    """Error against the length of the history, and the gap between the best hybrid and the large network."""
    p = case.params.forecast
    run_model = made.model.values
    models = list(dict.fromkeys(run_model))
    scores = by_model(_short_scores(case, data, made), run_model, models)
    hybrids = scores[[models.index(name) for name in HYBRIDS]]
    best = np.median(hybrids, axis=-1).argmin(0)  # at each length the hybrid with the smallest median
    gap = hybrids[best, np.arange(len(best))] - scores[models.index(LARGE)]
    lengths = made.length.values
    gaps = partial(labelled, name=f"sMAPE of the best hybrid above that of {LARGE}", units="%")
    return xr.Dataset(
        {
            "sweep_smape": labelled(("sweep_model", "length", "sweep_system"), scores, "sMAPE of the short lead", "%"),
            "gap": gaps(("length", "sweep_system"), gap),
            "gap_ample": gaps("sweep_system", gap[lengths.argmax()]),
            "gap_scarce": gaps("sweep_system", gap[lengths <= p.scarce].mean(0)),
            "best_hybrid": labelled("length", np.array(HYBRIDS, object)[best], "hybrid with the smallest median"),
        },
        {"sweep_model": models, "length": lengths, "sweep_system": made.system.values},
    )


def _everywhere(case: Case[Params], data, made, spectra) -> xr.Dataset:
    """Cheap forecasters on the whole zoo."""
    made = made.isel(length=slice(0, 1))
    run_model = made.model.values
    models = list(dict.fromkeys(run_model))
    scores = by_model(_short_scores(case, data, made)[:, 0], run_model, models)
    one = spectra.sel(system=made.system.values)
    return xr.Dataset(
        {
            "zoo_smape": labelled(("zoo_model", "zoo_system"), scores, "sMAPE of the short lead", "%"),
            "zoo_lambda": labelled(
                "zoo_system",
                (one.lambda_1 * one.period).values,
                "largest Lyapunov exponent",
                PER_PERIOD,
                nan=NO_EXPONENT,
            ),
        },
        {"zoo_model": models, "zoo_system": made.system.values},
    )


def _all_flows(case: Case[Params], data, made, rest, spectra) -> xr.Dataset:
    """The paper's two largest models over the long lead on every flow, and what an orbit that knows nothing scores."""
    run_model = made.model.values
    rest = rest.isel(length=0).sel(system=~np.isin(rest.system.values, made.system.values))
    long = np.concatenate(
        [
            by_model(_long_scores(case, data, part, spectra), part.model.values, list(LARGEST))
            for part in (made.isel(run=np.isin(run_model, LARGEST)), rest)
            if part.sizes["system"]
        ],
        -1,
    )
    systems = np.concatenate([made.system.values, rest.system.values])
    one = spectra.sel(system=systems)
    rate, blind = (one.lambda_1 * one.period).values, []
    for name in systems:
        true = data.future.sel(system=name).values[:, : int(data.dim.sel(system=name))]
        blind.append(smape(true, np.roll(true, len(true) // 2, axis=0)))
    rho = [spearman(row[np.isfinite(rate)], rate[np.isfinite(rate)]) for row in long]
    return xr.Dataset(
        {
            "flow_smape": labelled(("largest", "flow"), long, "sMAPE of the long lead", "%"),
            "flow_median": labelled("largest", np.median(long, -1), "median sMAPE of the long lead over flows", "%"),
            "flow_lambda": labelled("flow", rate, "largest Lyapunov exponent", PER_PERIOD, nan=NO_EXPONENT),
            "flow_chaotic": labelled("flow", one.is_chaotic.values, "chaotic by the recomputed spectrum"),
            "flow_rho": labelled("largest", rho, "Spearman correlation of sMAPE and the largest exponent"),
            "blind_median": labelled(
                (), float(np.median(blind)), "median sMAPE of another stretch of the orbit in the forecast's place", "%"
            ),
        },
        {"largest": list(LARGEST), "flow": systems},
    )


def _long_scores(case: Case[Params], data, made, spectra) -> np.ndarray:
    """sMAPE of the whole lead (run, system)."""
    period, rows = float(data.attrs["points_per_period"]), []
    for name, history, future, predicted in by_system(data, made):
        one = spectra.sel(system=name)
        growth = float(np.nan_to_num(one.lambda_1 * one.period)) / period
        true, predicted = _truth(case, history, future, predicted, growth)
        rows.append(smape(true[: predicted.shape[-2]], predicted))
    return np.stack(rows, -1)


# ------------------------------------------------------------------------------------------- metrics, clocks, the grid


def _story(case: Case[Params], metrics) -> xr.Dataset:
    """Rank correlations of the metrics over the models of one system, and which model each metric puts first."""
    p = case.params.forecast
    ours = metrics.isel(run=np.flatnonzero((metrics.family.values != "baseline") & (metrics.seed.values == 0)))
    score = ours.score.values * ours.sign.values[:, None, None]  # small is good
    if p.effect == "shuffled":
        flat = score.reshape(len(score), -1)
        score = case.rng("shuffle metrics").permuted(flat, axis=1).reshape(score.shape)
    if p.effect == "constant":
        score = np.zeros(score.shape)
    size, matrices = len(score), _within_systems(score)
    whole = np.isfinite(matrices).all((1, 2))
    above, alike = np.triu_indices(size, 1), "a system on which a metric puts all models alike"
    place = ranks(np.moveaxis(score, 1, -1)).mean(1)  # metric, run: mean over systems of the place among the models
    first = place.argmin(-1)
    same = first == first[list(ours.metric.values).index("sMAPE")]
    return xr.Dataset(
        {
            "metric_correlation": labelled(
                ("metric", "other_metric"),
                matrices[whole].mean(0) if whole.any() else matrices[0],
                "Spearman correlation over the models of a system, mean over systems",
                nan=alike,
            ),
            "typical_correlation": labelled(
                "system",
                [float(np.median(np.abs(m[above]))) for m in matrices],
                "median size of the correlations of metrics on a system",
                nan=alike,
            ),
            "first_component": labelled(
                "system",
                [
                    float(np.linalg.eigvalsh(m)[-1] / size) if fine else np.nan
                    for m, fine in zip(matrices, whole, strict=True)
                ],
                "share of variance of the first principal component on a system",
                nan=alike,
            ),
            "same_winner": labelled("metric", same, "the metric has the same winner as sMAPE"),
            "agreeing": labelled((), int(same.sum()), "metrics with the same winner as sMAPE, itself among them"),
        },
        {
            "metric": ours.metric.values,
            "other_metric": ours.metric.values,
            "winner": ("metric", ours.model.values[first]),
            "system": ours.system.values,
        },
    )


def _within_systems(score: np.ndarray) -> np.ndarray:
    """Correlations of the metrics over the models of each system: (metric, run, system) -> (system, metric, metric).

    NaN where a metric puts all models of a system alike.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.array([np.corrcoef(ranks(score[..., i])) for i in range(score.shape[-1])])


def _clocks(case: Case[Params], clock) -> xr.Dataset:
    """Fitting times at the paper's sizes, and whether N-BEATS takes ten times as long."""
    seconds = clock.seconds_fit.values[:, 0]
    if case.params.forecast.effect == "shuffled":
        seconds = case.rng("shuffle clocks").permuted(seconds, axis=0)
    if case.params.forecast.effect == "constant":
        seconds = np.ones(seconds.shape)
    names = list(clock.model.values)
    rivals = [name for name in names if name != LARGE]
    mine = seconds[names.index(LARGE)]
    ratio = np.stack([mine / seconds[names.index(name)] for name in rivals])
    return xr.Dataset(
        {
            "clock_seconds": labelled(
                ("clock_model", "clock_system"), seconds, "wall time of a fit at the paper's size", "s", role="timing"
            ),
            "tenfold": labelled(
                ("rival", "clock_system"), ratio >= 10, f"{LARGE} takes at least ten times as long", role="timing"
            ),
        },
        {"clock_model": names, "rival": rivals, "clock_system": clock.system.values},
    )


def _size(data, made, metrics) -> xr.Dataset:
    """How large the whole grid would be, counted from what is there, and how large this one is."""
    paper = [m for m, family in zip(made.model.values, made.family.values, strict=True) if family != "baseline"]
    systems = int(data.design.sel(counted="systems"))
    names = int(data.design.sel(counted="metrics"))
    whole, here = len(set(paper)) * systems * names, len(set(paper)) * made.sizes["system"] * metrics.sizes["metric"]
    return xr.Dataset(
        {
            "grid_size": labelled("grid", [whole, here], "forecasters x systems x metrics, baselines left out"),
        },
        {"grid": ["all_systems", "this_run"]},
    )


# ------------------------------------------------------------------------------------------------ what the rules judge


def _verdict_parts(case: Case[Params], result: xr.Dataset) -> xr.Dataset:
    p = case.params.forecast
    paper = result.model.values[result.family.values != "baseline"]
    short, long = (result[name].sel(model=paper).values for name in ("smape_short", "smape_long"))
    place = ranks(np.median(short, axis=-1))
    best = paper[np.median(long, axis=-1).argmin()]
    chaotic = result.system.values[result.chaotic.values]
    vpt = result.vpt.sel(rule="pointwise_smape", model=best, system=chaotic).values
    times = np.array(p.lyapunov_times)
    judged = xr.Dataset(
        {
            "place": labelled("paper_model", place, "place by the median sMAPE of the short lead, paper's models"),
            "wilcoxon_p": labelled("rival_model", _wilcoxon(result), f"Holm's p of {LARGE} being better"),
            "reaches": labelled(
                ("lyapunov_times", "chaotic_system"),
                vpt >= times[:, None],
                "the best model's forecast is valid for so long",
            ),
        },
        {
            "paper_model": paper,
            "rival_model": list(RIVALS),
            "lyapunov_times": times,
            "chaotic_system": chaotic,
            "system": result.system,
        },
    )
    return xr.merge([judged, _dependence(case, result)])


def _wilcoxon(result) -> np.ndarray:
    """Paired one-sided Wilcoxon tests of N-BEATS against each rival, with Holm's correction."""
    from scipy.stats import wilcoxon

    mine = result.smape_short.sel(model=LARGE).values
    theirs = result.smape_short.sel(model=list(RIVALS)).values
    p = np.array([wilcoxon(mine, x, alternative="less").pvalue if (mine != x).any() else 1.0 for x in theirs])
    order = p.argsort()
    holm = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return holm[order.argsort()]


def _dependence(case: Case[Params], result) -> xr.Dataset:
    """Spearman correlations of each model's error with lambda_1, bootstrap intervals, and dimension held fixed."""
    from scipy.stats import rankdata

    per_period, dim = result.lambda_per_period.values, result.coordinates.values
    known = np.flatnonzero(np.isfinite(per_period))
    draws = case.rng("bootstrap").choice(known, (case.params.forecast.resamples, known.size))
    errors = np.stack([result[task].values for task in ("smape_short", "smape_long")])

    def unit(x):
        centred = rankdata(x, axis=-1) - (x.shape[-1] + 1) / 2
        with np.errstate(invalid="ignore"):
            return centred / np.linalg.norm(centred, axis=-1, keepdims=True)

    resampled = np.einsum("tmrn,rn->tmr", unit(errors[..., draws]), unit(per_period[draws]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a model without any valid draw
        ends = np.nanquantile(resampled, [0.025, 0.975], axis=-1)
    rho, held = np.full(errors.shape[:2], np.nan), np.full(errors.shape[:2], np.nan)
    for index in np.ndindex(rho.shape):
        pair = errors[index][known], per_period[known]
        rho[index], held[index] = spearman(*pair), _partial(*pair, dim[known])
    over, said = ("task", "model"), "Spearman correlation of sMAPE and the largest exponent"
    return xr.Dataset(
        {
            "rho": labelled(over, rho, said, nan=NO_RHO),
            "rho_end": labelled(("end", *over), ends, f"{said}, 95 % bootstrap interval over systems", nan=NO_RHO),
            "partial_rho": labelled(over, held, f"{said}, number of coordinates held fixed", nan=NO_RHO),
        },
        {"task": ["short", "long"], "end": ["low", "high"], "model": result.model},
    )


def _partial(x, y, z) -> float:
    if np.ptp(z) == 0:
        return spearman(x, y)
    xy, xz, yz = spearman(x, y), spearman(x, z), spearman(y, z)
    return float((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)))
