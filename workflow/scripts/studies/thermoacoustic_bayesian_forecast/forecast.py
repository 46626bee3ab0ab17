"""Forecasts of unseen runs: errors by set of sensors, onsets, attributions, and ensembles against single networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.linalg import lstsq
from scipy.special import ndtr

from pesin.entropy.ordinal import permutation_entropy
from pesin.errors import UserError
from pesin.forecast.probabilistic import crps_gaussian, gaussian_nll
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.thermoacoustic_bayesian_forecast import onset, windows
from studies.thermoacoustic_bayesian_forecast.arms import arms_of
from studies.thermoacoustic_bayesian_forecast.networks import Laws, Networks, ensemble
from studies.thermoacoustic_bayesian_forecast.params import Params, Precursor

NO_ONSET = "no window before an onset"
FALSE = np.array([0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0])
"""Shares of false alarms at which the share of onsets found is taken."""
SHOWN = 2
"""Test runs of the first seed that are kept for a figure."""


class Campaign:
    """Windows of the training runs (or of the held-out ones): inputs, truth and present, (seed, run, window, ...)."""

    def __init__(self, data: Any, sensors: str, held_out: bool) -> None:
        chosen = (data["held_out"].values == 1) == held_out
        runs = {name: values[:, chosen] for name, values in windows.given(data, sensors).items()}
        true = data["amp_true"].values[:, chosen].astype(float)
        measured = data["hfA"].values[:, chosen].astype(float)
        self.pressure = runs["hfA"]
        self.inputs = windows.inputs(runs)
        self.present, self.target = windows.present(true), windows.target(true)
        self.persistence, self.wanted = windows.present(measured), windows.target(measured)
        self.shape = self.present.shape

    @property
    def flat(self) -> np.ndarray:
        """Inputs, (seed, windows of all runs, input)."""
        return self.inputs.reshape(self.shape[0], -1, self.inputs.shape[-1])


Law = tuple[np.ndarray, np.ndarray]
"""Mean and deviation of the amplitude half a second ahead, (seed, run, window) each."""


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.DataTree:
    """`errors` by method; `sensors`: left out, explained; `onset`: alarms; `sizes`, `law`: ensembles; `shown`: runs."""
    params = case.params
    seen, test = (Campaign(data, params.train.sensors, part) for part in (False, True))
    laws = {"persistence": persistence(seen, test), "linear": linear(seen, test)}
    networks = {
        a.name: Networks(trained, params.train, a.name, params.forecast.networks) for a in arms_of(params.train)
    }
    copies = params.forecast.ensemble == "copies"
    said = {name: one.laws(test.flat) for name, one in networks.items()}
    laws |= {name: law_of(one, test, copies) for name, one in said.items()}
    errors = errors_of(laws, test)
    groups = {
        "errors": errors,
        "sensors": sensors(case, errors["rmse"], networks["all"], test),
        "onset": alarms(case, networks, seen, test, laws),
        "sizes": sizes(case, said, test, copies),
        "law": law(said, params.train.sizes, test),
        "shown": shown(laws["all"], test),
    }
    seeds = {"seed": data["seed"].values}
    return xr.DataTree.from_dict(
        {name: g.assign_coords(seeds) if "seed" in g.dims else g for name, g in groups.items()}
    )


def law_of(laws: Laws, campaign: Campaign, copies: bool) -> Law:
    """The ensemble's moments, from what all networks say of the campaign's windows."""
    mean, aleatoric, epistemic = ensemble(laws, copies)
    return mean.reshape(campaign.shape), np.sqrt(aleatoric + epistemic).reshape(campaign.shape)


def persistence(seen: Campaign, test: Campaign) -> Law:
    """The amplitude that is measured now, with the root mean square of its errors in training as deviation."""
    sd = np.sqrt(((seen.persistence - seen.wanted) ** 2).mean((1, 2)))
    return test.persistence, np.broadcast_to(sd[:, None, None], test.shape)


def linear(seen: Campaign, test: Campaign) -> Law:
    """Least squares on the inputs of all sensors: the commands' future is in them too."""
    means, deviations = [], []
    for x, y, new in zip(seen.inputs, seen.wanted, test.inputs, strict=True):
        design, level = np.reshape(x, (-1, x.shape[-1])), x.mean((0, 1))
        slope = lstsq(design - level, y.ravel() - y.mean(), lapack_driver="gelsy")[0]
        means.append((new - level) @ slope + y.mean())
        left = y - (x - level) @ slope - y.mean()
        deviations.append(np.full(new.shape[:-1], np.sqrt((left**2).sum() / (left.size - slope.size - 1))))
    return np.array(means), np.array(deviations)


def errors_of(laws: dict[str, Law], test: Campaign) -> xr.Dataset:
    """Errors of every method on test windows: by seed, and root mean squares by run."""
    flat = (test.shape[0], -1)
    truth = test.target.reshape(flat)
    parts = [(mean.reshape(flat), sd.reshape(flat)) for mean, sd in laws.values()]
    by_run = [np.sqrt(((mean - test.target) ** 2).mean(-1)).ravel() for mean, _ in laws.values()]
    dims = ("method", "seed")
    return xr.Dataset(
        {
            "rmse": labelled(dims, [np.sqrt(((m - truth) ** 2).mean(-1)) for m, _ in parts], "error"),
            "nll": labelled(dims, [gaussian_nll(m, sd, truth) for m, sd in parts], "negative log likelihood", "nat"),
            "crps": labelled(dims, [crps_gaussian(m, sd, truth) for m, sd in parts], "ranked probability score"),
            "run_rmse": labelled(("method", "test_run"), by_run, "error on a test run"),
        },
        {"method": list(laws), "test_run": np.arange(test.shape[0] * test.shape[1])},
    )


def sensors(case: Case[Params], rmse: xr.DataArray, networks: Networks, test: Campaign) -> xr.Dataset:
    """What leaving a sensor out costs, and what integrated gradients say of it, by seed."""
    without = np.stack([rmse.sel({"method": f"no_{name}"}).values for name in windows.SENSORS])
    rise = without - rmse.sel({"method": "all"}).values
    others = [name for name in case.params.train.sets if name != "commands"]
    rng, n = case.rng("explained"), case.params.forecast.explained
    flat = test.flat
    chosen = np.sort(np.stack([rng.permutation(flat.shape[1])[:n] for _ in flat]), 1)
    x = np.take_along_axis(flat, chosen[..., None], 1)
    found, difference = networks.attributions(x, case.params.forecast.path)
    importance = np.stack([np.abs(found[..., np.array(windows.GROUPS) == g].sum(-1)).mean(-1) for g in windows.SENSORS])
    top, column = rise.argmax(0), np.arange(rise.shape[1])
    rivals = importance.copy()
    rivals[top, column] = -np.inf
    by_sensor = ("sensor", "seed")
    return xr.Dataset(
        {
            "rise": labelled(by_sensor, rise, "rise of the error without the sensor"),
            "rise_next": labelled("seed", rise[1:].max(0), "largest rise without another sensor"),
            "worst_other": labelled(
                "seed", rmse.sel({"method": others}).max("method").values, "largest error of other sets"
            ),
            "incomplete": labelled("seed", np.abs(found.sum(-1) - difference).max(-1), "defect of completeness"),
            "importance": labelled(by_sensor, importance, "mean absolute attribution"),
            "importance_of_top": labelled("seed", importance[top, column], "attribution of the costliest sensor"),
            "importance_of_next": labelled("seed", rivals.max(0), "largest attribution of another sensor"),
            "attribution": labelled(("seed", "input"), np.abs(found).mean(1), "mean absolute attribution"),
        },
        {"sensor": list(windows.SENSORS), "group": ("input", list(windows.GROUPS))},
    )


def precursor(name: Precursor, campaign: Campaign) -> np.ndarray:
    """A classic sign of an onset in the last half second of the pressure amplitude, the larger the nearer."""
    before = windows.past(campaign.pressure)
    if name == "variance":
        return before.var(-1)
    if name == "autocorrelation":
        return windows.autocorrelation(before)
    return -np.reshape(permutation_entropy(before.reshape(-1, windows.PAST), 4).value, campaign.shape)


def alarms(case: Case[Params], networks: dict[str, Networks], seen: Campaign, test: Campaign, laws) -> xr.Dataset:
    """How well scores tell windows before an onset from others; alarms at a level set in training, and their leads."""
    copies = case.params.forecast.ensemble == "copies"
    excess = {}
    for name in ("all", "commands"):
        both = law_of(networks[name].laws(seen.flat), seen, copies), laws[name]
        excess[name] = [(mean - windows.THRESHOLD) / sd for mean, sd in both]
    alarmed = {
        "network": excess["all"],
        "commands": excess["commands"],
        "amplitude": [seen.persistence, test.persistence],
    }
    scores = {name: score for name, (_, score) in alarmed.items()}
    scores |= {name: precursor(name, test) for name in case.params.forecast.precursors}
    quiet = onset.before_onset(seen.persistence, seen.wanted)[1]
    positive, negative = onset.before_onset(test.present, test.target)
    starts = [[onset.onsets(run) for run in seed] for seed in test.present]
    with_onset = [(s, r) for s, seed in enumerate(starts) for r, found in enumerate(seed) if found.size]
    if not with_onset:
        raise UserError("forecast: no held-out run has an onset after a quiet second; simulate more or longer runs")
    auc = [
        [onset.separation(s, p, n) for s, p, n in zip(score, positive, negative, strict=True)]
        for score in scores.values()
    ]
    false, lead = [], []
    for before, score in alarmed.values():
        level = [onset.alarm_level(b, q, case.params.forecast.alarm) for b, q in zip(before, quiet, strict=True)]
        alarm = score > np.array(level)[:, None, None]
        false.append([a[n].mean() if n.any() else np.nan for a, n in zip(alarm, negative, strict=True)])
        lead.append([np.median([onset.lead_time(alarm[s, r], w) for w in starts[s][r]]) for s, r in with_onset])
    curve = roc(scores["network"], positive, negative)
    return xr.Dataset(
        {
            "auc": labelled(("score", "seed"), auc, "area under the curve", nan=NO_ONSET),
            "false_alarms": labelled(("alarm", "seed"), false, "share of false alarms", nan=NO_ONSET),
            "lead": labelled(("alarm", "onset_run"), lead, "lead time", "s"),
            "hits": labelled(("seed", "false_share"), curve, "share of onsets found", nan=NO_ONSET),
            "onsets": labelled((), sum(found.size for seed in starts for found in seed), "onsets in test runs"),
        },
        {"score": list(scores), "alarm": list(alarmed), "false_share": FALSE},
    )


def roc(score: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> list[np.ndarray]:
    """Share of windows before an onset above the levels that the shares FALSE of the others exceed, by seed."""
    curves = []
    for s, p, n in zip(score, positive, negative, strict=True):
        levels = np.quantile(s[n], 1 - FALSE) if n.any() else np.full(FALSE.shape, np.nan)
        curves.append((s[p][:, None] >= levels).mean(0) if p.any() and n.any() else np.full(FALSE.shape, np.nan))
    return curves


def sizes(case: Case[Params], said: dict[str, Laws], test: Campaign, copies: bool) -> xr.Dataset:
    """The ensemble and the deterministic network, by number of training runs."""
    params = case.params.train
    truth = test.target.reshape(test.shape[0], -1)
    found: dict[str, list[np.ndarray]] = {"ensemble": [], "single": []}
    hit: dict[str, list[np.ndarray]] = {"ensemble": [], "single": []}
    for name in [*(f"all_{runs}" for runs in params.sizes[:-1]), "all"]:
        laws = said[name]
        mean, aleatoric, epistemic = ensemble(laws, copies)
        for who, (m, sd) in {
            "ensemble": (mean, np.sqrt(aleatoric + epistemic)),
            "single": (laws.mean[:, 0], laws.deviation[:, 0]),
        }.items():
            found[who].append(gaussian_nll(m, sd, truth))
            hit[who].append((np.abs(2 * ndtr((truth - m) / sd) - 1) <= 0.95).mean(-1))
    nll, held = (np.array([part["ensemble"], part["single"]]) for part in (found, hit))
    dims = ("who", "runs", "seed")
    return xr.Dataset(
        {
            "nll": labelled(dims, nll, "negative log likelihood", "nat"),
            "coverage": labelled(dims, held, "coverage of 95 %"),
            "gap": labelled(dims[1:], nll[1] - nll[0], "gain of the ensemble over one network", "nat"),
        },
        {"who": ["ensemble", "single"], "runs": params.sizes},
    )


def law(said: dict[str, Laws], sizes: list[int], test: Campaign) -> xr.Dataset:
    """What each network says of each test window, by number of training runs: network 0 is the deterministic one."""
    names = [*(f"all_{runs}" for runs in sizes[:-1]), "all"]
    dims = ("runs", "seed", "network", "case")
    parts = {part: np.stack([getattr(said[name], part) for name in names]).astype(np.float32) for part in Laws._fields}
    truth = test.target.reshape(test.shape[0], -1).astype(np.float32)
    return xr.Dataset(
        {
            "mean": labelled(dims, parts["mean"], "amplitude foretold"),
            "deviation": labelled(dims, parts["deviation"], "deviation of the amplitude foretold"),
            "truth": labelled(("seed", "case"), truth, "amplitude"),
        },
        {"runs": sizes},
    )


def shown(law: Law, test: Campaign) -> xr.Dataset:
    """The first test runs of the first seed: the amplitude and what was foretold of it half a second before."""
    ahead = windows.places(test.pressure.shape[-1]) + windows.AHEAD - windows.LAST / 2
    dims = ("shown_run", "window")
    return xr.Dataset(
        {
            "mean": labelled(dims, law[0][0, :SHOWN], "forecast"),
            "deviation": labelled(dims, law[1][0, :SHOWN], "deviation of the forecast"),
            "amplitude": labelled(dims, test.target[0, :SHOWN], "amplitude"),
        },
        {"window": ahead * windows.STEP / windows.STRIDE},
    )
