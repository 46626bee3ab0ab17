"""Scores the forecasts against the future: errors, valid prediction times, and what the claims compare."""

from __future__ import annotations

import warnings

import numpy as np
import xarray as xr

from pesin.forecast.horizon import valid_prediction_steps
from pesin.forecast.metrics import nrmse, pointwise_smape, smape
from pesin.stats.intervals import ranks, spearman
from studies.model_scale_vs_domain_knowledge.predictions import by_model, by_system, together

LARGE = "N-BEATS"
RIVALS = ("LinearRegression", "NaiveSeasonal", "NaiveMean", "NaiveDrift", "ESN", "NVAR")
HYBRIDS = ("NODE", "ESN", "NVAR")
CHAOS_START = 1e-3  # relative error from which the control "chaos_alone" starts
PER_CENT = {"units": "%"}
FREE = {"units": "1"}
ABSENT = {"allow_nan": 1}
CLOCK = {"role": "timing"}


def forecast(
    case,
    data,
    classical=None,
    regression=None,
    feedforward=None,
    sequence=None,
    hybrid=None,
    baseline=None,
    sweep=None,
    sweep_networks=None,
    everywhere=None,
    clock=None,
    metrics=None,
    spectra=None,
) -> xr.Dataset:
    """Everything that the claims and figures take from the predictions."""
    p = case.params.forecast
    made = together(classical, regression, feedforward, sequence, hybrid, baseline)
    chaos = _chaos(spectra, made.system.values, p)
    result = xr.merge(
        [
            _long_task(case, data, made, chaos),
            chaos,
            _scarce(case, data, _joined(sweep, sweep_networks)),
            _everywhere(case, data, everywhere, spectra),
            _story(case, metrics),
            _clocks(case, clock),
            _size(data, made, metrics),
        ]
    )
    return xr.merge([result, _verdict_parts(case, result)], combine_attrs="drop_conflicts")


# ------------------------------------------------------------------------------------------------------- the long task


def _truth(case, future, forecast, growth):
    """Truth and forecasts, after what a control changes. growth: lambda_1 per sample."""
    p = case.params.forecast
    later = np.roll(future, -int(p.later * len(future)), axis=0)
    if p.effect == "later_future":
        return later, forecast
    if p.effect == "chaos_alone":
        size = CHAOS_START * np.exp(np.minimum(max(growth, 0.0) * np.arange(1, len(future) + 1), 50.0))
        wrong = future + np.minimum(size, 1.0)[:, None] * (later - future)
        return future, np.broadcast_to(wrong[: forecast.shape[-2]], forecast.shape)
    return future, forecast


def _long_task(case, data, made, chaos) -> xr.Dataset:
    p = case.params.forecast
    per_sample = chaos.lambda_per_period.values / float(data.attrs["points_per_period"])
    stored = chaos.stored_lambda_per_period.values / float(data.attrs["points_per_period"])
    edges = np.linspace(0, made.sizes["lead"], p.bins + 1).astype(int)
    rows: dict[str, list] = {name: [] for name in ("short", "long", "nrmse", "curve", "steps")}
    for (_, history, future, predicted), growth in zip(by_system(data, made), per_sample, strict=True):
        true, predicted = _truth(case, future, predicted, growth)
        true = true[: predicted.shape[-2]]
        pointwise = pointwise_smape(true, predicted)
        rows["short"].append(smape(true[: p.short], predicted[:, : p.short]))
        rows["long"].append(smape(true, predicted))
        rows["nrmse"].append(np.minimum(nrmse(true[: p.short], predicted[:, : p.short]), 100.0))
        rows["curve"].append(np.add.reduceat(pointwise, edges[:-1], axis=-1) / np.diff(edges))
        rows["steps"].append(np.stack(list(valid_prediction_steps(true, predicted, history.std(0)).values())))
    run_model = made.model.values
    models = list(dict.fromkeys(run_model))
    short, long, error, curve = (np.stack(rows[name], 1) for name in ("short", "long", "nrmse", "curve"))
    steps = np.stack(rows["steps"], -1)  # rule, run, system
    seconds = {name: made[name].values for name in ("seconds_fit", "seconds_total")}
    if p.effect == "shuffled":
        rng = case.rng("shuffle")
        # The model that made a forecast is drawn anew for each system.
        deal = rng.permuted(np.tile(np.arange(len(run_model))[:, None], (1, short.shape[1])), axis=0)
        short, long, error = (np.take_along_axis(x, deal, 0) for x in (short, long, error))
        seconds = {name: np.take_along_axis(x, deal, 0) for name, x in seconds.items()}
    steps = np.stack([by_model(of_rule, run_model, models) for of_rule in steps])
    with np.errstate(invalid="ignore"):
        vpt, vpt_stored = steps * per_sample, steps[0] * stored
    family = [str(made.family.values[run_model == model][0]) for model in models]
    over = ("model", "system")
    return xr.Dataset(
        {
            "smape_short": (
                over,
                by_model(short, run_model, models),
                PER_CENT | {"long_name": "sMAPE of the short lead"},
            ),
            "smape_long": (over, by_model(long, run_model, models), PER_CENT | {"long_name": "sMAPE of the long lead"}),
            "nrmse_short": (
                over,
                by_model(error, run_model, models),
                FREE | {"long_name": "normalised error of the short lead, at most 100"},
            ),
            "smape_of_run": (("run", "system"), short, PER_CENT | {"long_name": "sMAPE of the short lead, each seed"}),
            "curve": (
                (*over, "lead"),
                by_model(curve, run_model, models),
                PER_CENT | {"long_name": "sMAPE in a bin of the lead"},
            ),
            "vpt": (("rule", *over), vpt, FREE | ABSENT | {"long_name": "valid prediction time in Lyapunov times"}),
            "vpt_stored": (
                over,
                vpt_stored,
                FREE | ABSENT | {"long_name": "valid prediction time (pointwise sMAPE) with the stored exponent"},
            ),
            "vpt_periods": (
                ("rule", *over),
                steps / float(data.attrs["points_per_period"]),
                FREE | {"long_name": "valid prediction time in periods"},
            ),
            "seconds_fit": (
                over,
                by_model(seconds["seconds_fit"], run_model, models),
                CLOCK | {"units": "s", "long_name": "wall time of the last fit"},
            ),
            "seconds_total": (
                over,
                by_model(seconds["seconds_total"], run_model, models),
                CLOCK | {"units": "s", "long_name": "wall time with tuning and forecasting"},
            ),
            "failures": (
                over,
                by_model((made.reason.values != "").astype(float), run_model, models),
                FREE | {"long_name": "1 if the forecast failed"},
            ),
        },
        {
            "model": models,
            "family": ("model", family),
            "system": made.system.values,
            "rule": ["pointwise_smape", "running_smape", "normalised_error"],
            "lead": (edges[:-1] + edges[1:]) / 2 / float(data.attrs["points_per_period"]),
            "run_model": ("run", run_model),
            "run_seed": ("run", made.seed.values),
        },
    )


def _chaos(spectra, systems, p) -> xr.Dataset:
    """Recomputed exponents and entropies in units of the period, and who counts as chaotic."""
    one = spectra.sel(system=systems)
    period = one.period.values
    sure = (one.lambda_1 > p.chaos_errors * one.lambda_1_error).values
    per_period = {"units": "nat"} | ABSENT
    variables = {
        "lambda_per_period": (one.lambda_1.values * period, "largest Lyapunov exponent times the period"),
        "lambda_error_per_period": (one.lambda_1_error.values * period, "its standard error"),
        "stored_lambda_per_period": (one.lambda_1_stored.values * period, "stored exponent times the period"),
        "pesin_per_period": (one.pesin_entropy.values * period, "Pesin entropy of a period"),
        "pesin_error_per_period": (one.pesin_entropy_error.values * period, "its standard error"),
    }
    result = {name: ("system", x, per_period | {"long_name": said}) for name, (x, said) in variables.items()}
    for name in ("kaplan_yorke_dimension", "correlation_dimension", "multiscale_entropy"):
        result[name] = ("system", one[name].values, FREE | ABSENT | {"long_name": name.replace("_", " ")})
    chaotic = sure & (variables["lambda_per_period"][0] > p.chaos_per_period)
    result["chaotic"] = ("system", chaotic, FREE | {"long_name": "chaotic by the recomputed exponent"})
    result["coordinates"] = ("system", one.dim.values, FREE | {"long_name": "coordinates of the system"})
    return xr.Dataset(result, {"system": systems})


# --------------------------------------------------------------------------------------------- scarce data, all systems


def _joined(*parts) -> xr.Dataset:
    return xr.concat([part for part in parts if part is not None], "run", data_vars="all")


def _short_scores(case, data, made) -> np.ndarray:
    """sMAPE of the short lead (run, length, system)."""
    p = case.params.forecast
    rows = []
    for _, _, future, predicted in by_system(data, made):
        true, predicted = _truth(case, future, predicted, 0.0)
        rows.append(smape(true[: p.short], predicted[..., : p.short, :]))
    scores = np.stack(rows, -1)
    if p.effect == "shuffled":
        scores = case.rng("shuffle sweep").permuted(scores, axis=0)
    return scores


def _scarce(case, data, made) -> xr.Dataset:
    """Error against the length of the history, and the gap between the best hybrid and the large network."""
    p = case.params.forecast
    run_model = made.model.values
    models = list(dict.fromkeys(run_model))
    scores = by_model(_short_scores(case, data, made), run_model, models)
    hybrids = scores[[models.index(name) for name in HYBRIDS]]
    best = np.median(hybrids, axis=-1).argmin(0)  # at each length the hybrid with the smallest median
    gap = hybrids[best, np.arange(len(best))] - scores[models.index(LARGE)]
    lengths = made.length.values
    points = {"long_name": "sMAPE of the best hybrid above that of N-BEATS"}
    return xr.Dataset(
        {
            "sweep_smape": (
                ("sweep_model", "length", "sweep_system"),
                scores,
                PER_CENT | {"long_name": "sMAPE of the short lead"},
            ),
            "gap": (("length", "sweep_system"), gap, PER_CENT | points),
            "gap_ample": ("sweep_system", gap[lengths.argmax()], PER_CENT | points),
            "gap_scarce": ("sweep_system", gap[lengths <= p.scarce].mean(0), PER_CENT | points),
            "best_hybrid": (
                "length",
                np.array(HYBRIDS, object)[best],
                FREE | {"long_name": "hybrid with the smallest median"},
            ),
        },
        {"sweep_model": models, "length": lengths, "sweep_system": made.system.values},
    )


def _everywhere(case, data, made, spectra) -> xr.Dataset:
    """Cheap forecasters on the whole zoo."""
    made = made.isel(length=slice(0, 1))
    run_model = made.model.values
    models = list(dict.fromkeys(run_model))
    scores = by_model(_short_scores(case, data, made)[:, 0], run_model, models)
    one = spectra.sel(system=made.system.values)
    return xr.Dataset(
        {
            "zoo_smape": (("zoo_model", "zoo_system"), scores, PER_CENT | {"long_name": "sMAPE of the short lead"}),
            "zoo_lambda": (
                "zoo_system",
                (one.lambda_1 * one.period).values,
                {"units": "nat", "long_name": "largest Lyapunov exponent times the period"} | ABSENT,
            ),
        },
        {"zoo_model": models, "zoo_system": made.system.values},
    )


# ------------------------------------------------------------------------------------------- metrics, clocks, the grid


def _story(case, metrics) -> xr.Dataset:
    """Rank correlations of the metrics over pairs of model and system, whole and in disjoint groups of systems."""
    p = case.params.forecast
    ours = metrics.isel(run=np.flatnonzero((metrics.family.values != "baseline") & (metrics.seed.values == 0)))
    score = ours.score.values * ours.sign.values[:, None, None]  # small is good
    if p.effect == "shuffled":
        flat = score.reshape(len(score), -1)
        score = case.rng("shuffle metrics").permuted(flat, axis=1).reshape(score.shape)
    size = len(score)

    def matrix(part):
        return np.corrcoef(ranks(part.reshape(size, -1)))

    groups = [matrix(score[..., i :: p.groups]) for i in range(p.groups)]
    above = np.triu_indices(size, 1)
    place = ranks(np.moveaxis(score, 1, -1)).mean(1)  # metric, run: mean over systems of the place among the models
    first = place.argmin(-1)
    return xr.Dataset(
        {
            "metric_correlation": (
                ("metric", "other_metric"),
                matrix(score),
                FREE | {"long_name": "Spearman correlation over models and systems"},
            ),
            "typical_correlation": (
                "group",
                [float(np.median(np.abs(m[above]))) for m in groups],
                FREE | {"long_name": "median size of the correlations of metrics in a group of systems"},
            ),
            "first_component": (
                "group",
                [float(np.linalg.eigvalsh(m)[-1] / size) for m in groups],
                FREE | {"long_name": "share of variance of the first principal component"},
            ),
            "same_winner": (
                "metric",
                first == first[list(ours.metric.values).index("sMAPE")],
                FREE | {"long_name": "the metric has the same winner as sMAPE"},
            ),
        },
        {
            "metric": ours.metric.values,
            "other_metric": ours.metric.values,
            "winner": ("metric", ours.model.values[first]),
        },
    )


def _clocks(case, clock) -> xr.Dataset:
    """Fitting times at the paper's sizes, and whether N-BEATS takes ten times as long."""
    seconds = clock.seconds_fit.values[:, 0]
    if case.params.forecast.effect == "shuffled":
        seconds = case.rng("shuffle clocks").permuted(seconds, axis=0)
    names = list(clock.model.values)
    rivals = [name for name in names if name != LARGE]
    mine = seconds[names.index(LARGE)]
    ratio = np.stack([mine / seconds[names.index(name)] for name in rivals])
    return xr.Dataset(
        {
            "clock_seconds": (
                ("clock_model", "clock_system"),
                seconds,
                CLOCK | {"units": "s", "long_name": "wall time of a fit at the paper's size"},
            ),
            "tenfold": (
                ("rival", "clock_system"),
                ratio >= 10,
                CLOCK | FREE | {"long_name": "N-BEATS takes at least ten times as long"},
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
            "grid_size": (
                "grid",
                [whole, here],
                FREE | {"long_name": "forecasters x systems x metrics, baselines left out"},
            )
        },
        {"grid": ["all_systems", "this_run"]},
    )


# ------------------------------------------------------------------------------------------------ what the rules judge


def _verdict_parts(case, result: xr.Dataset) -> xr.Dataset:
    p = case.params.forecast
    paper = result.model.values[result.family.values != "baseline"]
    short, long = (result[name].sel(model=paper).values for name in ("smape_short", "smape_long"))
    place = ranks(np.median(short, axis=-1))
    order = np.median(long, axis=-1).argsort(kind="stable")
    best = paper[order[:3]]
    chaotic = result.system.values[result.chaotic.values]
    vpt = result.vpt.sel(rule="pointwise_smape", model=best[0], system=chaotic).values
    times = np.array(p.lyapunov_times)
    rho = _dependence(case, result)
    return xr.merge(
        [
            xr.Dataset(
                {
                    "place": (
                        "paper_model",
                        place,
                        FREE | {"long_name": "place by the median sMAPE of the short lead, among the paper's models"},
                    ),
                    "wilcoxon_p": (
                        "rival_model",
                        _wilcoxon(result),
                        FREE | {"long_name": "Holm's p of N-BEATS being better"},
                    ),
                    "reaches": (
                        ("lyapunov_times", "chaotic_system"),
                        vpt >= times[:, None],
                        FREE | {"long_name": "the best model's forecast is valid for so long"},
                    ),
                    "systems_with_exponent": (
                        "counted_once",
                        [int(np.isfinite(result.lambda_per_period).sum())],
                        FREE | {"long_name": "systems of the long task with a recomputed exponent"},
                    ),
                    "best_rho": (
                        "best",
                        rho.rho.sel(task="long", model=best).values,
                        FREE | ABSENT | {"long_name": "Spearman correlation of sMAPE and lambda_1 of the best models"},
                    ),
                    "best_smape": (
                        ("best", "system"),
                        result.smape_long.sel(model=best).values,
                        PER_CENT | {"long_name": "sMAPE of the best models over the long lead"},
                    ),
                },
                {
                    "paper_model": paper,
                    "rival_model": list(RIVALS),
                    "lyapunov_times": times,
                    "chaotic_system": chaotic,
                    "best": np.arange(1, len(best) + 1),
                    "best_model": ("best", best),
                    "system": result.system,
                },
            ),
            rho,
        ]
    )


def _wilcoxon(result) -> np.ndarray:
    """Paired one-sided Wilcoxon tests of N-BEATS against each rival, with Holm's correction."""
    from scipy.stats import wilcoxon

    mine = result.smape_short.sel(model=LARGE).values
    theirs = result.smape_short.sel(model=list(RIVALS)).values
    p = np.array([wilcoxon(mine, x, alternative="less").pvalue if (mine != x).any() else 1.0 for x in theirs])
    order = p.argsort()
    holm = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return holm[order.argsort()]


def _dependence(case, result) -> xr.Dataset:
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
    rho, partial = np.full(errors.shape[:2], np.nan), np.full(errors.shape[:2], np.nan)
    for index in np.ndindex(rho.shape):
        pair = errors[index][known], per_period[known]
        rho[index], partial[index] = spearman(*pair), _partial(*pair, dim[known])
    over, maybe = ("task", "model"), FREE | ABSENT
    return xr.Dataset(
        {
            "rho": (over, rho, maybe | {"long_name": "Spearman correlation of sMAPE and lambda_1 times the period"}),
            "rho_end": (
                ("end", *over),
                ends,
                maybe | {"long_name": "ends of its 95 % bootstrap interval over systems"},
            ),
            "partial_rho": (over, partial, maybe | {"long_name": "the same with the number of coordinates held fixed"}),
        },
        {"task": ["short", "long"], "end": ["low", "high"], "model": result.model},
    )


def _partial(x, y, z) -> float:
    if np.ptp(z) == 0:
        return spearman(x, y)
    xy, xz, yz = spearman(x, y), spearman(x, z), spearman(y, z)
    return float((xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2)))
