"""The study of forecasters: its grid is the paper's, its scores are right on made-up forecasts, its controls work."""

import numpy as np
import pytest
import xarray as xr

from pesin.steps.plugin import find, load
from project import case_of, plan
from stopping import assert_goes_on
from studies.model_scale_vs_domain_knowledge.forecasts.train import _within, train
from studies.model_scale_vs_domain_knowledge.metrics.entropy import entropy
from studies.model_scale_vs_domain_knowledge.scores.forecast import forecast

NAME = "model_scale_vs_domain_knowledge"
PARTS = ("classical", "regression", "feedforward", "sequence", "hybrid", "baseline")
SYSTEMS = [f"S{i}" for i in range(8)]
RATE = np.array([0.1, 0.2, 0.4, 0.6, 0.9, 1.3, 2.0, 0.001])  # lambda_1 in nats per period
POINTS, LEAD, STEPS = 50, 400, 60


@pytest.fixture(scope="module")
def plans():
    return {scale: plan(scale).study(NAME).cases for scale in ("smoke", "laptop", "paper")}


def case_with(name, step, **changes):
    """A case of the smoke scale; `changes` go to the section of the step."""
    return case_of(NAME, name, step, **{step: changes})


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_the_grid_has_24_forecasters_of_the_paper_and_five_baselines(plans, scale):
    files = [f["file"] for part in PARTS for f in plans[scale][part].params["train"]["forecasters"]]
    assert len(files) == len(set(files)) == 29
    heads = [find(file).read_text() for file in files]
    assert sum('FAMILY = "baseline"' in head for head in heads) == 5
    names = {line for head in heads for line in head.splitlines() if line.startswith("NAME = ")}
    assert len(names) == 29


def test_the_paper_scale_is_the_papers(plans):
    cases = plans["paper"]
    lengths = 1000 - np.unique(np.linspace(0, 899, 25).astype(int))
    for sweep in ("sweep", "sweep_networks"):
        assert cases[sweep].params["train"]["lengths"] == lengths.tolist()
    swept = sum(len(cases[sweep].params["train"]["forecasters"]) for sweep in ("sweep", "sweep_networks"))
    assert swept == 29
    assert cases["orbits"].params["simulate"]["kinds"] == ["flow", "delay"]
    assert all(cases[part].params["train"]["systems"] is None for part in PARTS)
    networks = cases["feedforward"].params["train"]["forecasters"] + cases["sequence"].params["train"]["forecasters"]
    assert all(network["seeds"] == 5 and network["grid"]["length"] == [5, 10, 25, 50, 100] for network in networks)
    assert not any(network.get("fixed") for network in networks)


def test_grids_are_cut_to_the_history():
    assert _within({"lags": [3, 5, 25, 100], "seasonality": ["additive", "none"]}, 50) == {
        "lags": [3, 5, 25],
        "seasonality": ["additive", "none"],
    }
    assert _within({"delay": [60, 120]}, 50) == {"delay": [60]}


# ------------------------------------------------------------------------------------------------ a world made by hand


@pytest.fixture(scope="module")
def world():
    """Noise-like truths, and forecasts of known quality: N-BEATS is right for long, naive ones are constant."""
    rng = np.random.default_rng(0)
    path = 5 + np.cumsum(rng.normal(size=(len(SYSTEMS), 200 + LEAD, 3)), 1) * 0.3
    path = path - path.mean(1, keepdims=True) + 5
    data = xr.Dataset(
        {
            "tune": (("system", "tune_time", "coord"), path[:, :120]),
            "history": (("system", "time", "coord"), path[:, :200]),
            "future": (("system", "lead", "coord"), path[:, 200:]),
            "dim": ("system", [3] * len(SYSTEMS)),
            "failed": ("system", [False] * len(SYSTEMS)),
            "design": ("counted", [135, 17]),
        },
        {"system": SYSTEMS, "counted": ["systems", "metrics"]},
        {"points_per_period": POINTS},
    )
    wave = np.sin(np.arange(LEAD) / 9)[:, None] * path.std(1).mean()

    def part(models, lengths=(200,), steps=LEAD):
        future = path[:, None, 200 : 200 + steps]
        forecast = np.stack([future + np.broadcast_to(size * wave[:steps], future.shape) for _, _, size in models])
        forecast = np.broadcast_to(forecast.transpose(0, 2, 1, 3, 4), (len(models), 1, len(SYSTEMS), steps, 3))
        forecast = np.repeat(forecast, len(lengths), 1).copy()
        over = ("run", "length", "system")
        seconds = np.broadcast_to(np.array([s for _, _, s in models])[:, None, None] + 0.01, forecast.shape[:3])
        return xr.Dataset(
            {
                "forecast": ((*over, "lead", "coord"), forecast),
                "reason": (over, np.full(forecast.shape[:3], "", object)),
                "seconds_fit": (over, seconds),
                "seconds_total": (over, seconds),
            },
            {
                "system": SYSTEMS,
                "length": list(lengths),
                "model": ("run", [name for name, _, _ in models]),
                "family": ("run", [family for _, family, _ in models]),
                "seed": ("run", [0] * len(models)),
            },
        )

    predicted = [
        part([(name, "naive", 3.0) for name in ("NaiveMean", "NaiveDrift", "NaiveSeasonal")]),
        part([("LinearRegression", "regression", 2.0)]),
        part([("N-BEATS", "deep", 0.02), ("N-HiTS", "deep", 0.1)]),
        part([("ESN", "hybrid", 1.0), ("NVAR", "hybrid", 1.5), ("NODE", "hybrid", 0.5)]),
        part([("NVAR-2", "baseline", 0.001)]),
    ]
    others = {
        "everywhere": part([("NaiveMean", "naive", 3.0)], steps=STEPS),
        "rest": part([("N-BEATS", "deep", 0.02), ("N-HiTS", "deep", 0.1)]),
        "clock": part([("N-BEATS", "deep", 50.0), ("ESN", "hybrid", 0.1), ("NVAR", "hybrid", 6.0)], steps=2),
    }
    sweep = part([("ESN", "hybrid", 1.0), ("NVAR", "hybrid", 1.5)], (200, 80), STEPS)
    networks = part([("N-BEATS", "deep", 0.02), ("NODE", "hybrid", 0.5)], (200, 80), STEPS)
    networks.forecast[0, 1] = networks.forecast[0, 1] + 40  # with little data the large network is far off
    one = np.ones(len(SYSTEMS))
    spectra = xr.Dataset(
        {
            "lambda_1": ("system", RATE / 2),
            "lambda_1_error": ("system", 0.001 * one),
            "lambda_1_stored": ("system", RATE),
            "is_chaotic": ("system", (RATE > 0.01).astype(np.int8)),
            "pesin_entropy": ("system", RATE / 2),
            "pesin_entropy_error": ("system", 0.001 * one),
            "period": ("system", 2 * one),
            "dim": ("system", 3 * one),
        }
        | {name: ("system", one) for name in ("kaplan_yorke_dimension", "correlation_dimension", "multiscale_entropy")},
        {"system": SYSTEMS},
    )
    return data, predicted, others | {"swept": [sweep, networks]}, spectra


@pytest.fixture(scope="module")
def measured(plans, world):
    data, predicted, _, spectra = world
    return entropy(case_with("metrics", "entropy", lead=STEPS), data, predicted, spectra)


@pytest.fixture(scope="module")
def scored(plans, world, measured):
    data, predicted, others, spectra = world

    def score(**changes):
        case = case_with("scores", "forecast", short=STEPS, **changes)
        return forecast(case, data, predicted, **others, metrics=measured, spectra=spectra)

    return score


def test_metrics_of_all_runs(measured):
    assert dict(measured.sizes) | {"metric": 17, "run": 10, "system": 8} == dict(measured.sizes)
    assert (measured.score.sel(metric="sMAPE")[0] > measured.score.sel(metric="sMAPE")[4]).all()
    best = measured.information.sel(information_model="NVAR-2")
    assert (best.mean("window") > 2 * measured.information_floor.mean("window")).all()


def test_scores_of_known_forecasts(scored, world):
    found = scored()
    assert (found.smape_short.sel(model="NVAR-2") < 1).all() and found.place.sel(paper_model="N-BEATS") == 1
    assert (found.wilcoxon_p < 0.05).all()
    whole = found.vpt_periods.sel(rule="normalised_error", model="NVAR-2")
    np.testing.assert_allclose(whole, LEAD / POINTS)
    np.testing.assert_allclose(found.vpt.sel(rule="normalised_error", model="NVAR-2"), LEAD / POINTS * RATE)
    assert found.grid_size.values.tolist() == [9 * 135 * 17, 9 * 8 * 17]
    assert found.tenfold.all("clock_system").values.tolist() == [True, False]


def test_only_chaotic_systems_count_for_the_longest_forecast(scored):
    found = scored()
    assert "S7" not in found.chaotic_system.values and found.sizes["chaotic_system"] == 7
    assert found.reaches.sel(lyapunov_times=5).any()


def test_scarce_data_turn_the_gap(scored):
    found = scored(scarce=80)
    assert (found.gap_ample > 0).all() and (found.gap_scarce < 0).all()
    assert set(found.best_hybrid.values) == {"NODE"}


def test_a_later_future_takes_the_link_away(scored):
    kept, later = scored(), scored(effect="later_future")
    assert float(later.smape_short.sel(model="N-BEATS").median()) > 5 * float(
        kept.smape_short.sel(model="N-BEATS").median()
    )
    assert not later.reaches.sel(lyapunov_times=5).any()


def test_chaos_alone_makes_errors_follow_the_exponent(scored):
    found = scored(effect="chaos_alone")
    assert (found.rho.sel(task="long") > 0.7).all()
    steps = found.vpt.sel(rule="normalised_error", model="ESN", system=["S4", "S5"])
    assert ((steps > np.log(0.1 / 1e-3)) & (steps < np.log(2 / 1e-3))).all()


def test_shuffling_takes_names_and_metrics_apart(scored):
    kept, shuffled = scored(), scored(effect="shuffled")
    assert (kept.typical_correlation > 0.6).all() and (shuffled.typical_correlation < 0.4).all()
    assert (shuffled.place != kept.place).any()
    np.testing.assert_allclose(np.sort(kept.smape_short, 0), np.sort(shuffled.smape_short, 0))


def test_a_constant_forecast_has_no_order_no_winner_and_no_clock(scored):
    found = scored(effect="constant")
    assert (found.gap == 0).all() and np.isnan(found.typical_correlation).all() and not found.tenfold.any()
    assert not found.reaches.sel(lyapunov_times=5).any() and np.ptp(found.place.values) == 0
    assert (found.flow_median > found.blind_median - 10).all()


def test_the_largest_models_stand_on_all_flows_once(scored):
    found = scored()
    assert found.flow.values.tolist() == SYSTEMS  # those of the rest are the same, and count once
    assert (found.flow_median < found.blind_median).all()
    np.testing.assert_allclose(found.flow_smape[0], found.smape_long.sel(model="N-BEATS"))


def test_training_never_sees_the_future_and_a_bad_forecaster_fails_alone(plans, world, tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text(
        'import numpy as np\nNAME, FAMILY = "Bad", "naive"\n'
        "def fit(history):\n    return history\n"
        "def forecast(state, steps):\n    return np.full((len(state), steps, state.shape[2]), np.nan)\n"
    )
    data = world[0].drop_vars("future")
    files = [{"file": str(bad)}, {"file": "pesin/forecasters/naive_mean.py"}, {"file": "pesin/forecasters/nvar.py"}]
    files[2]["grid"] = {"delay": [2, 4]}
    case = case_with("classical", "train", systems=SYSTEMS[:3], lengths=[200, 50], steps=5, forecasters=files)
    made = train(case, data)
    assert made.forecast.dims == ("run", "length", "system", "lead", "coord")
    assert (made.reason.sel(run=0) != "").all() and (made.reason.sel(run=[1, 2]) == "").all()
    mean = data.history.isel(system=slice(0, 3), time=slice(-50, None)).mean("time")
    np.testing.assert_allclose(made.forecast[1, 1, :, 0], mean, rtol=1e-6)
    assert set(np.unique(made.knobs[2])) <= {"delay=2 ", "delay=4 "}
    xr.testing.assert_identical(made.drop_vars(["seconds_fit", "seconds_total"]), _again(case, data))


def test_stopped_forecasters_go_on_to_the_same_end(plans, world, tmp_path, monkeypatch):
    files = [{"file": f"pesin/forecasters/{name}.py"} for name in ("naive_mean", "nvar", "esn")]
    files[1] |= {"grid": {"delay": [2, 4]}}
    files[2] |= {"seeds": 2}
    case = case_with("classical", "train", systems=SYSTEMS[:3], lengths=[200, 50], steps=5, forecasters=files)
    assert_goes_on(lambda one: train(one, world[0].drop_vars("future")), case, tmp_path, monkeypatch, turns=3)


def _again(case, data):
    return train(case, data).drop_vars(["seconds_fit", "seconds_total"])


def test_every_forecaster_of_the_laptop_scale_knows_its_knobs(plans):
    import inspect

    for case in plans["laptop"].values():
        for spec in case.params.get("train", {}).get("forecasters", []):
            module = load(spec["file"])
            known = inspect.signature(module.fit).parameters
            assert set(spec.get("grid", {})) | set(spec.get("fixed", {})) <= set(known), spec["file"]
