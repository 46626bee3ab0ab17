"""One suite over every function of data: measures, metrics, attractor statistics, surrogate tests, intervals, fits.

The registries say what there is and what each function claims: `pesin.entropy.registry`, `pesin.forecast.metrics`, and
the `DECLARED` of the other modules. What is held here: nothing masked or missing passes unseen, any number type and
memory gives the same, and what is declared invariant under shift and scale is so, at any size and any level.
"""

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

import entropy_page
import pesin.entropy
import pesin.forecast
import pesin.stats
from pesin.declared import Declared
from pesin.entropy.estimate import Estimate
from pesin.entropy.registry import MEASURES
from pesin.forecast.metrics import METRICS
from pesin.stats.intervals import Centre

SCALES = (1e-15, 2.0**-50, 1e-13, 1e-9, 1e9, 2.0**50, 1e15)
LEVELS = (1e4, 1e8, 1e12)  # in standard deviations of the data


def modules():
    for package in (pesin.entropy, pesin.forecast, pesin.stats):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


MODULES = list(modules())
LISTED = [declared for module in MODULES for declared in getattr(module, "DECLARED", ())]


# ------------------------------------------------------------------------------------------ an example of each function


def walk(rng, *shape):
    """A series with memory, so that no statistic of it is trivial."""
    noise = rng.normal(size=shape)
    for t in range(1, shape[-1]):
        noise[..., t] += 0.6 * noise[..., t - 1]
    return noise


def orbit(rng, time=120, dim=2):
    return walk(rng, dim, time).T.copy()


def forecast(rng, batch=(), time=40, dim=2):
    true = walk(rng, dim, time).T + 0.3
    return {"true": true, "predicted": true + 0.5 * rng.normal(size=(*batch, time, dim))}


def spread(rng, dim=3):
    root = rng.normal(size=(dim, 2 * dim))
    return root @ root.T


def rising(rng, size):
    return np.cumsum(0.1 + rng.random(size))


def normal_forecast(rng):
    return {"mean": rng.normal(size=12), "deviation": rng.random(12) + 0.5, "truth": rng.normal(size=12)}


def members(rng):
    return {"mean": rng.normal(size=12), "deviation": rng.random(12) + 0.5}


# Data of each function that is not a measure, and its other arguments, each from a fresh generator.
EXAMPLES: dict[str, Callable[[np.random.Generator], dict]] = {
    "linear_cka": lambda rng: {"x": rng.normal(size=(30, 3)), "y": rng.normal(size=(30, 2))},
    "average_final": lambda rng: {"matrix": rng.normal(size=(2, 4, 4))},
    "backward_transfer": lambda rng: {"matrix": rng.normal(size=(2, 4, 4))},
    "forgetting": lambda rng: {"matrix": rng.normal(size=(2, 4, 4))},
    "kernel_alignment": lambda rng: {"kernel": spread(rng, 12), "y": rng.normal(size=(12, 2))},
    "zero_one_test": lambda rng: {"x": walk(rng, 300)},
    "correlation_dimension": lambda rng: {"x": orbit(rng, 400), "theiler": 3},
    "correlation_table": lambda rng: {"x": walk(rng, 120), "largest": 3},
    "gaussian_entropy": lambda rng: {"covariance": spread(rng)},
    "gaussian_kl": lambda rng: {
        "mean_p": rng.normal(size=3),
        "covariance_p": spread(rng),
        "mean_q": rng.normal(size=3),
        "covariance_q": spread(rng),
    },
    "gaussian_mutual_information": lambda rng: {"covariance": spread(rng), "first": 1},
    "uncertainty_split": members,
    "mixture_information": members,
    "linear_gaussian_transfer_entropy": lambda rng: {
        "transition": np.array([[0.5, 0.3], [0.0, 0.4]]),
        "noise": spread(rng, 2),
        "source": 1,
        "target": 0,
    },
    "median_distance": lambda rng: {"x": orbit(rng)},
    "classes_of": lambda rng: {"y": walk(rng, 50)},
    "diffusion_spectral_mutual_information": lambda rng: {"x": orbit(rng, 60), "labels": np.arange(60) % 3},
    "stationary_distribution": lambda rng: {"rates": rng.random((4, 4)) + 0.1},
    "pattern_codes": lambda rng: {"x": walk(rng, 60), "order": 3},
    "pattern_counts": lambda rng: {"x": walk(rng, 60), "order": 3},
    "complexity_entropy": lambda rng: {"x": walk(rng, 60), "order": 3},
    "pattern_entropy": lambda rng: {"counts": rng.integers(1, 30, 6).astype(float)},
    "pattern_complexity": lambda rng: {"counts": rng.integers(1, 30, 6).astype(float)},
    "natural_period": lambda rng: {"x": walk(rng, 60)},
    "correlation_time": lambda rng: {"x": walk(rng, 200)},
    "joint_multiscale_entropy": lambda rng: {"x": orbit(rng, 200), "scales": (1, 2), "r": 0.5},
    "block_entropies": lambda rng: {"symbols": rng.integers(0, 3, 100)},
    "local_null_values": lambda rng: {name: rng.normal(size=60) for name in "xyz"} | {"copies": 3},
    "attention_entropy_bound": lambda rng: {"norm": rng.random(5), "keys": np.full(5, 7.0)},
    "state_space_divergence": lambda rng: {"true": orbit(rng), "generated": orbit(rng)},
    "mixture_divergence": lambda rng: {"true": orbit(rng), "generated": orbit(rng)},
    "power_spectrum": lambda rng: {"x": orbit(rng), "smoothing": 2.0},
    "hellinger_distance": lambda rng: {"true": orbit(rng), "generated": orbit(rng), "smoothing": 2.0},
    "block_bootstrap_divergence": lambda rng: {"true": orbit(rng), "generated": orbit(rng), "blocks": 6},
    "prediction_error": lambda rng: {"true": walk(rng, 3, 10, 2), "predicted": walk(rng, 3, 10, 2)},
    "valid_prediction_time": lambda rng: {
        "true": walk(rng, 3, 10, 2),
        "predicted": walk(rng, 3, 10, 2),
        "scale": np.array([1.5, 2.5]),
    },
    "good_steps": lambda rng: {"error": rng.random((3, 10)), "threshold": 0.7},
    "valid_prediction_steps": lambda rng: forecast(rng) | {"scale": np.array([1.5, 2.5])},
    "nearest_centroid": lambda rng: {"points": rng.normal(size=(20, 3)), "centroids": rng.normal(size=(4, 3))},
    "area_under_curve": lambda rng: {"positive": rng.normal(size=15) + 0.5, "negative": rng.normal(size=12)},
    "cohens_kappa": lambda rng: {"first": rng.random(30) < 0.5, "second": rng.random(30) < 0.5},
    "confusion": lambda rng: {"truth": rng.integers(0, 3, 30), "predicted": rng.integers(0, 3, 30), "classes": 3},
    "macro_f1": lambda rng: {"truth": rng.integers(0, 3, 30), "predicted": rng.integers(0, 3, 30), "classes": 3},
    "pointwise_smape": forecast,
    "all_metrics": lambda rng: forecast(rng) | {"history": orbit(rng)},
    "unit_bootstrap": lambda rng: {"samples": (rng.normal(size=20),), "statistic": np.mean, "resamples": 50},
    "block_counts": lambda rng: {"codes": rng.integers(0, 5, 60), "size": 5, "block": 6, "resamples": 4},
    "fit_line": lambda rng: {"x": rng.normal(size=20), "y": rng.normal(size=20)},
    "loglog_slope": lambda rng: {"x": rng.random(20) + 0.5, "y": rng.random(20) + 0.5},
    "fit_entropy_law": lambda rng: {"entropy": rng.random(20), "reward": rng.random(20)},
    "compare_laws": lambda rng: {"entropy": rng.random(20), "reward": rng.random(20)},
    "fit_saturation": lambda rng: {"time": np.arange(20.0), "value": 1 - np.exp(-np.arange(20) / 5)},
    "bootstrap_entropy_law": lambda rng: {"entropy": rng.random(20), "reward": rng.random(20), "block": 4, "draws": 3},
    "interval": lambda rng: {"values": rng.normal(size=12)},
    "mean_interval": lambda rng: {"values": rng.normal(size=12)},
    "median_interval": lambda rng: {"values": rng.normal(size=12)},
    "share_interval": lambda rng: {"yes": rng.random(12) < 0.5},
    "correlation_interval": lambda rng: {"x": rng.normal(size=12), "y": rng.normal(size=12)},
    "ranks": lambda rng: {"values": rng.normal(size=12)},
    "spearman": lambda rng: {"x": rng.normal(size=12), "y": rng.normal(size=12)},
    "gaussian_nll": normal_forecast,
    "crps_gaussian": normal_forecast,
    "crps_ensemble": lambda rng: {"members": rng.normal(size=(12, 5)), "truth": rng.normal(size=12)},
    "coverage": lambda rng: {
        "low": rng.normal(size=12) - 1,
        "high": rng.normal(size=12) + 1,
        "truth": np.arange(12) / 6,
    },
    "reliability": lambda rng: normal_forecast(rng) | {"levels": np.array([0.3, 0.6, 0.9])},
    "half_width": lambda rng: {"level": rng.random(12) * 0.9 + 0.05},
    "widening": normal_forecast,
    "interval_score": lambda rng: {
        "low": rng.normal(size=12) - 2,
        "high": rng.normal(size=12) + 2,
        "truth": np.arange(12) / 4,
    },
    "pit": lambda rng: {"members": rng.normal(size=(12, 9)), "truth": rng.normal(size=12)},
    "brier_score": lambda rng: {"probabilities": np.tile([0.5, 0.25, 0.25], (4, 1)), "labels": np.array([0, 1, 2, 0])},
    "first_passage": lambda rng: {"times": rising(rng, 20), "series": rising(rng, 20), "level": 4.0},
    "kaplan_meier": lambda rng: {
        "times": rng.random(20),
        "observed": rng.random(20) < 0.7,
        "at": np.linspace(0.05, 0.95, 5),
    },
    "series_features": lambda rng: {"x": walk(rng, 60)},
    "iaaft": lambda rng: {"x": walk(rng, 60), "surrogates": 2},
    "rank_p_value": lambda rng: {"statistic": rng.normal(size=3), "null": rng.normal(size=(3, 40))},
    "wasserstein": lambda rng: {"x": rng.normal(size=20), "y": rng.normal(size=20)},
    "wasserstein1": lambda rng: {"x": orbit(rng, 20), "y": orbit(rng, 20)},
    "wasserstein2": lambda rng: {"x": orbit(rng, 20), "y": orbit(rng, 20)},
    "sliced_wasserstein2": lambda rng: {"x": orbit(rng, 20), "y": orbit(rng, 20)},
    "wasserstein2_histograms": lambda rng: {
        "p": np.array([1, 0, 0, 0]),
        "q": np.array([0, 0, 1, 0]),
        "places": orbit(rng, 4),
    },
    "mean_discrepancy": lambda rng: {"x": orbit(rng, 20), "y": orbit(rng, 20), "widths": np.array([0.5, 1.0])},
}


@dataclass(frozen=True)
class Subject:
    """A function, what it declares, and data for it."""

    function: Callable
    declared: Declared
    data: dict[str, np.ndarray]
    options: dict

    def __call__(self, **changed):
        """The value on the data, some of them replaced; random numbers are the same each time."""
        options = dict(self.options)
        if "rng" in inspect.signature(self.function).parameters:
            options["rng"] = np.random.default_rng(7)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            return self.function(**{**self.data, **changed}, **options)


def of_measure(measure) -> Subject:
    rng = np.random.default_rng(3)
    if measure.takes == "transitions":
        p = rng.random((4, 4)) + 0.1
        data = (p / p.sum(-1, keepdims=True),)
    else:
        *_, maker = entropy_page.standard_data(measure).values()
        if measure.takes == "series":
            maker = entropy_page.of_henon
        data = maker(rng, max(150, measure.needs + 50), 0.1)
    declared = Declared(
        measure.function,
        measure.data,
        measure.invariant,
        measure.alone,
        measure.follows,
        measure.moves,
        names=measure.names,
        infinite=measure.infinite,
    )
    data = [x for x in data if not isinstance(x, np.random.Generator)]
    given = {name: np.asarray(x) for name, x in zip(measure.data, data, strict=True)}
    return Subject(measure.function, declared, given, dict(measure.parameters))


def of_metric(metric) -> Subject:
    rng = np.random.default_rng(3)
    data = forecast(rng)
    if "history" in inspect.signature(metric.function).parameters:
        data["history"] = orbit(rng)
    failed = {"predicted": "the worst score"}
    declared = Declared(
        metric.function, tuple(data), metric.invariant, metric.alone, metric.follows, metric.moves, missing=failed
    )
    return Subject(metric.function, declared, data, {})


def of_declared(declared: Declared) -> Subject:
    given = EXAMPLES[declared.function.__name__](np.random.default_rng(3))
    data = {name: given.pop(name) for name in declared.data}
    data = {name: x if isinstance(x, tuple) else np.asarray(x) for name, x in data.items()}
    return Subject(declared.function, declared, data, given)


SUBJECTS = (
    {f"measure {name}": of_measure(measure) for name, measure in MEASURES.items()}
    | {f"metric {name}": of_metric(metric) for name, metric in METRICS.items()}
    | {
        f"{d.function.__module__.split('.', 1)[1]}.{d.function.__name__}": of_declared(d)
        for d in LISTED
        if d.function.__name__ in EXAMPLES
    }
)
each_function = pytest.mark.parametrize("subject", SUBJECTS.values(), ids=list(SUBJECTS))


def entries(found) -> list[np.ndarray]:
    """All numbers of a result."""
    if isinstance(found, Estimate):
        parts = [found.value, found.standard_error, found.bias, *found.counts.values()]
        return [np.asarray(part, float) for part in parts if part is not None]
    if isinstance(found, dict):
        return [entry for part in found.values() for entry in entries(part)]
    if isinstance(found, tuple):
        return [entry for part in found for entry in entries(part)]
    return [np.asarray(found, float)]


def value(found) -> list[np.ndarray]:
    """The numbers of a result that are its value, not counts beside it."""
    if isinstance(found, Centre):
        found = found[:3]
    return entries(found.value) if isinstance(found, Estimate) else entries(found)


def answer(subject: Subject, **changed):
    """All numbers, or the sentence with which it refuses."""
    try:
        return entries(subject(**changed))
    except ValueError as error:
        return str(error)


def same(first, second, tolerance=1e-12):
    if isinstance(first, str) or isinstance(second, str):
        assert isinstance(first, str) and isinstance(second, str), f"{first} / {second}"
        return
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(other, one, rtol=tolerance, atol=tolerance)


def arrays(subject: Subject):
    """(argument, array, how to hand over another array in its place)."""
    for name, given in subject.data.items():
        if isinstance(given, tuple):
            yield name, given[0], lambda x, name=name, rest=given[1:]: {name: (x, *rest)}
        else:
            yield name, given, lambda x, name=name: {name: x}


# ------------------------------------------------------------------------------------------------- nothing is left out


def test_every_function_of_data_is_declared_and_has_an_example():
    known = {d.function for d in LISTED} | {m.function for m in MEASURES.values()}
    known |= {m.function for m in METRICS.values()}
    for module in MODULES:
        for name, function in vars(module).items():
            if not inspect.isfunction(function) or function.__module__ != module.__name__ or name.startswith("_"):
                continue
            parameters = inspect.signature(function).parameters
            text = inspect.getdoc(function) or ""
            helper = module.__name__.endswith((".door", ".estimate")) or "measure" in parameters
            if "array_like" in text and not helper and name not in ("delay_for", "from_counts"):
                assert function in known, f"{module.__name__}.{name} takes data: declare it in DECLARED"
    assert {d.function.__name__ for d in LISTED} == set(EXAMPLES)


@each_function
def test_what_is_not_invariant_says_why(subject):
    d = subject.declared
    both = {"shift", "scale"}
    whole = both <= set(d.invariant)
    if len(d.data) > 1:
        whole = whole and all(both <= set(d.alone.get(name, ())) for name in d.data)
    assert bool(d.moves) != whole
    assert set(d.alone) <= set(d.data)
    assert {*d.missing, *d.infinite, *d.sizes, *d.names} <= set(d.data)


# ------------------------------------------------------------------------------------------------------------ the door


@pytest.mark.parametrize("name", MEASURES)
def test_the_page_says_what_a_shift_and_a_scale_do(name):
    entry = entropy_page.PAGE.read_text(encoding="utf-8").split(f"\n### {name}\n")[1].split("\n### ")[0]
    line = next(line for line in entry.splitlines() if line.startswith("*Shift and scale:*"))
    assert MEASURES[name].moves in line
    unchanged = (
        line.split("unchanged by ")[1].split(" of ")[0].split(";")[0].split(":")[0] if "unchanged" in line else ""
    )
    for change in ("shift", "scale"):
        assert (f"a {change}" in unchanged) == (change in MEASURES[name].invariant)


@each_function
def test_what_is_masked_is_refused(subject):
    for name, x, put in arrays(subject):
        mask = np.zeros(x.shape, bool)
        mask[(-1,) * x.ndim] = True
        with pytest.raises(ValueError, match=rf"{name}.* is masked: 1 of {x.size} "):
            subject(**put(np.ma.array(x, mask=mask)))
        if x.ndim > 1:
            with pytest.raises(ValueError, match="is masked"):
                subject(**put(list(np.ma.array(x, mask=mask))))
        same(answer(subject), answer(subject, **put(np.ma.array(x))))


@each_function
def test_what_is_missing_is_named(subject):
    """NaN and infinities, at a place along every axis."""
    for name, x, put in arrays(subject):
        if name in subject.declared.missing:
            continue
        for axis in range(x.ndim):
            index = tuple(size // 2 if k == axis else 0 for k, size in enumerate(x.shape))
            for bad in (np.nan,) if name in subject.declared.infinite else (np.nan, np.inf, -np.inf):
                hurt = np.array(x, complex if x.dtype.kind == "c" else float)
                hurt[index] = bad
                where = ", ".join(map(str, index))
                with pytest.raises(ValueError, match=rf"{name}\[{where}\] is {bad}"):
                    subject(**put(hurt))


@each_function
def test_any_number_type_and_memory(subject):
    for name, x, put in arrays(subject):
        floats = x.dtype.kind == "f"
        coarse = np.asarray(x, np.float32) if floats else x
        plain = np.asarray(coarse, complex if x.dtype.kind == "c" else float)
        reference = answer(subject, **put(plain))
        other = [coarse, coarse.astype(coarse.dtype.newbyteorder(">")), np.asfortranarray(plain)]
        other += [np.repeat(plain, 2, -1)[..., ::2]] if x.ndim else []
        other += [
            plain.astype(plain.dtype.newbyteorder(">")),
            plain[..., ::-1][..., ::-1] if x.ndim else plain,
            plain.tolist(),
        ]
        frozen = plain.copy()
        frozen.flags.writeable = False
        for variant in (*other, frozen):
            before = np.array(variant)
            same(reference, answer(subject, **put(variant)))
            np.testing.assert_array_equal(variant, before, err_msg=f"{name} was changed")
        if floats:
            whole = np.rint(50 * x)
            reference = answer(subject, **put(whole))
            for kind in (np.int64, ">i4", np.int16):
                same(reference, answer(subject, **put(whole.astype(kind))))


@each_function
def test_minus_zero_is_zero(subject):
    for _, x, put in arrays(subject):
        if x.ndim == 0 or x.dtype.kind != "f":
            continue
        with_zero = np.where(np.arange(x.shape[-1]) % 3 == 0, 0.0, x)
        plus = answer(subject, **put(with_zero))
        minus = answer(subject, **put(np.where(with_zero == 0, -0.0, with_zero)))
        same(plus, minus, 1e-15)


@pytest.mark.parametrize("name", MEASURES)
def test_no_value_is_minus_zero(name):
    subject = SUBJECTS[f"measure {name}"]
    (_, x, put), *_ = arrays(subject)
    for given in (x, np.zeros(x.shape, x.dtype), np.ones(x.shape, x.dtype)):
        found = answer(subject, **put(given))
        if not isinstance(found, str):
            assert not any((np.signbit(part) & (part == 0)).any() for part in found)


# ----------------------------------------------------------------------------------------------------- shift and scale


def moved(subject: Subject, names, factor: float, level: float):
    """Data with a x + b in some arguments, data that differ from it by an exact shift and the factor alone, and b."""
    changed, twin = {}, {}
    b = None
    for name in names:
        x = subject.data[name]
        d = subject.declared
        if name in d.names:
            continue
        first = x[0] if isinstance(x, tuple) else x
        if b is None or len(names) == 1:
            b = level * (np.std(first) or 1.0)
        # x + b is rounded; taking b off again is exact, and gives the series that x + b truly is.
        shifted = first if name in d.sizes else first + b
        back = first if name in d.sizes else shifted - b
        changed[name] = (factor * shifted,) if isinstance(x, tuple) else factor * shifted
        twin[name] = (back,) if isinstance(x, tuple) else back
    return changed, twin, b or 0.0


def held(subject: Subject, names, factor: float, level: float, follows: str = ""):
    changed, twin, b = moved(subject, names, factor, level)
    own, other = value(subject(**twin)), value(subject(**changed))
    dim = 1
    if follows == "log":
        dim = subject.data[names[0]].shape[-1] if subject.data[names[0]].ndim > 1 else 1
    for one, two in zip(own, other, strict=True):
        slack = 1e-8
        if follows == "values":
            two = two / factor - b
            slack += 16 * np.finfo(float).eps * abs(b)
        elif follows == "unit":
            two = two / factor
        elif follows == "square":
            two = two / factor / factor
        elif follows == "log":
            two = two - dim * np.log(factor)
        np.testing.assert_allclose(two, one, rtol=1e-7, atol=slack, err_msg=f"{names}, {factor:g} (x + {level:g} sd)")


def groups(subject: Subject):
    """(arguments, what leaves the value as it is when done to all of them, how the value follows a scale)."""
    d = subject.declared
    yield tuple(d.data), d.invariant, d.follows
    for name, changes in d.alone.items():
        yield (name,), changes, ""


@each_function
def test_scale(subject):
    for names, invariant, follows in groups(subject):
        if "scale" in invariant or follows:
            for factor in SCALES:
                held(subject, names, factor, 0.0, "" if "scale" in invariant else follows)


@each_function
def test_shift(subject):
    for names, invariant, follows in groups(subject):
        if "shift" in invariant or follows == "values":
            for level in LEVELS:
                held(subject, names, 1.0, level, follows if follows == "values" else "")
                held(subject, names, 1.0, -level, follows if follows == "values" else "")


@each_function
def test_shift_and_scale_together(subject):
    for names, invariant, follows in groups(subject):
        if "shift" in invariant and ("scale" in invariant or follows):
            for factor, level in ((2.0**-50, 1e12), (2.0**50, 1e12), (2.0**-33, -1e8)):
                held(subject, names, factor, level, "" if "scale" in invariant else follows)


@each_function
def test_monotone(subject):
    for names, invariant, _ in groups(subject):
        if "monotone" in invariant:
            changed = {n: np.exp(subject.data[n]) for n in names if n not in subject.declared.names}
            same(value(subject()), value(subject(**changed)), 1e-12)


@each_function
def test_what_is_not_declared_moves_the_value(subject):
    """Some change does, at least: a declaration that left it out would say too little in the documentation."""
    d, moves = subject.declared, []
    for shifted, scaled in ((5.0, 1.0), (1e13, 1.0), (0.0, 3.0)):
        if ("shift" if shifted else "scale") in d.invariant:
            continue
        changed = {
            name: scaled * x + (0 if name in d.sizes else shifted)
            for name, x in subject.data.items()
            if name not in d.names and not isinstance(x, tuple)
        }
        other = answer(subject, **changed) if changed else ""
        if not isinstance(other, str):  # else no longer what it takes
            both = zip(entries(subject()), other, strict=True)
            moves.append(any(not np.allclose(a, b, rtol=1e-9, atol=0, equal_nan=True) for a, b in both))
    assert any(moves) or not moves
