"""Every measure of the registry by the same suite: records, batches, bad input, declared bounds and invariances."""

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pesin.door import finite, samples
from pesin.entropy.estimate import BLOCK_SUBSAMPLES, BLOCKS, BOOTSTRAP, EXACT, SUBSAMPLES, Estimate
from pesin.entropy.measure import SECTIONS
from pesin.entropy.registry import MEASURES, get
from pesin.errors import UserError

TIMED = ("series", "runs", "symbols", "two series", "samples", "two clouds", "pairs", "triples")
LENGTH = 400  # of the examples; a measure whose `needs` is larger gets needs + 100


def example(takes: str, rng, batch=(), length=LENGTH) -> tuple[np.ndarray, ...]:
    """Arguments that a measure of this kind accepts."""

    def cloud(dim, size=length):
        return rng.normal(size=(*batch, size, dim))

    def stochastic():
        p = rng.random((*batch, 4, 4)) + 0.1
        return p / p.sum(-1, keepdims=True)

    if takes in ("series", "runs"):
        return (rng.normal(size=(*batch, length)),)
    if takes == "symbols":
        return (rng.integers(0, 3, (*batch, length)),)
    if takes == "two series":
        return rng.normal(size=(*batch, length)), rng.normal(size=(*batch, length))
    if takes == "samples":
        return (cloud(2),)
    if takes == "two clouds":
        return cloud(2), cloud(2, length + 50)
    if takes == "pairs":
        return cloud(2), cloud(1)
    if takes == "triples":
        return cloud(1), cloud(1), cloud(1)
    if takes == "counts":
        return (rng.integers(1, 30, (*batch, 6)),)
    if takes == "probabilities":
        return (rng.dirichlet(np.ones(6), batch),)
    if takes == "exponents":
        return (rng.normal(size=(*batch, 5)),)
    if takes == "transitions":
        return (stochastic(),)
    if takes == "rates":
        return (rng.random((*batch, 4, 4)) + 0.1,)
    if takes == "matrix":
        return (rng.normal(size=(*batch, 12, 7)),)
    if takes == "density":
        root = rng.normal(size=(*batch, 4, 4))
        square = root @ np.swapaxes(root, -1, -2)
        return (square / np.trace(square, axis1=-2, axis2=-1)[..., None, None],)
    if takes == "logits":
        return (rng.normal(size=(*batch, 5)),)
    pytest.skip(f"arguments of its own ('{takes}'): tested beside its definition")


def arguments(name, batch=(), seed=0):
    measure = get(name)
    return example(measure.takes, np.random.default_rng(seed), batch, max(LENGTH, measure.needs + 100))


def values(estimate: Estimate) -> dict[str, np.ndarray]:
    entries = {
        "value": estimate.value,
        "standard_error": estimate.standard_error,
        "bias": estimate.bias,
        **{f"count {name}": count for name, count in estimate.counts.items()},
    }
    return {name: entry for name, entry in entries.items() if entry is not None}


def same(first: Estimate, second: Estimate, tolerance=1e-12):
    a, b = values(first), values(second)
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_allclose(a[name], b[name], rtol=tolerance, atol=tolerance, err_msg=name)


OF_SERIES = [name for name, m in MEASURES.items() if m.takes in ("series", "runs")]
OF_DATA = [name for name, m in MEASURES.items() if m.takes in TIMED]


@pytest.fixture(autouse=True)
def no_warnings_by_chance():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("name", MEASURES)
def test_an_entry_is_filled_in(name):
    m = get(name)
    assert m.name == name and m.section in SECTIONS
    for text in (m.measures, m.avoid, m.source, m.cost, m.units):
        assert text.strip()
    assert m.measures.endswith(".") and m.avoid.endswith(".")
    assert m.advised >= m.needs >= 1
    assert set(m.parameters) <= set(inspect.signature(m.function).parameters)
    assert inspect.getdoc(m.function)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'sample_entropy'"):
        get("sampel_entropy")


@pytest.mark.parametrize("name", MEASURES)
def test_the_record_says_how_sure_it_is(name):
    found = get(name)(*arguments(name))
    assert isinstance(found, Estimate)
    assert found.resampling in (BLOCKS, BLOCK_SUBSAMPLES, BOOTSTRAP, SUBSAMPLES, EXACT)
    for entry, value in values(found).items():
        assert np.isfinite(value).all(), entry
    assert found.standard_error is None or np.min(found.standard_error) >= 0


@pytest.mark.parametrize("name", MEASURES)
def test_a_batch_is_a_loop(name):
    measure, data = get(name), arguments(name, (2, 3))
    whole = measure(*data)
    assert np.shape(whole.value)[:2] == (2, 3)
    for index in np.ndindex(2, 3):
        one = measure(*(d[index] for d in data))
        for entry, value in values(one).items():
            np.testing.assert_allclose(values(whole)[entry][index], value, rtol=1e-9, atol=1e-9, err_msg=entry)


@pytest.mark.parametrize("name", MEASURES)
def test_bounds(name):
    low, high = get(name).bounds
    for seed in range(5):
        value = get(name)(*arguments(name, seed=seed)).value
        assert np.min(value) >= low - 1e-12 and np.max(value) <= high + 1e-12


@pytest.mark.parametrize("name", OF_DATA)
def test_any_memory_and_number_type(name):
    measure, data = get(name), arguments(name)
    whole = [np.rint(20 * d) if d.dtype.kind == "f" else d for d in data]  # exact in every type, with ties
    if measure.takes in ("samples", "two clouds", "pairs", "triples"):
        whole = [d + np.random.default_rng(1).integers(0, 2**8, d.shape) / 2**8 for d in whole]
    warnings.simplefilter("ignore", RuntimeWarning)  # that values repeat
    reference = measure(*whole)
    scattered = [np.repeat(d, 2, axis=-1)[..., ::2] for d in whole]
    turned = [np.asfortranarray(d) for d in whole]
    frozen = [d.copy() for d in whole]
    for d in frozen:
        d.flags.writeable = False
    lists = [d.tolist() for d in whole]
    for other in (scattered, turned, frozen, lists):
        before = [np.array(d) for d in other]
        same(reference, measure(*other))
        for d, kept in zip(other, before, strict=True):
            np.testing.assert_array_equal(d, kept, err_msg="the input was changed")
    if measure.takes != "symbols":
        same(reference, measure(*(np.asarray(d, np.float32) for d in whole)))
    if measure.takes in ("series", "runs", "symbols", "two series"):
        same(reference, measure(*(np.asarray(d, np.int32) for d in whole)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", [n for n in MEASURES if MEASURES[n].takes not in ("symbols", "logits", "other")])
def test_a_value_that_is_not_finite_is_named(name, bad):
    data = [np.asarray(d, float).copy() for d in arguments(name, (2,))]
    index = (1, *(2 if size > 2 else 0 for size in data[0].shape[1:]))
    data[0][index] = bad
    with pytest.raises(ValueError, match=r"\[" + ", ".join(map(str, index)) + r"\] is"):
        get(name)(*data)


@pytest.mark.parametrize("name", OF_DATA)
def test_too_short_says_how_many(name):
    measure = get(name)
    axis = -1 if measure.takes in ("series", "runs", "symbols", "two series") else -2
    long = arguments(name)
    short = [np.take(d, range(measure.needs - 1), axis) for d in long]
    with pytest.raises(ValueError, match=rf"needs at least {measure.needs} "):
        measure(*short)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        value = measure(*(np.take(d, range(measure.needs), axis) for d in long)).value
    assert not np.isnan(value).any()


@pytest.mark.parametrize("name", OF_DATA)
def test_no_numbers_at_all(name):
    data = arguments(name)
    for bad in ("text", 1j):
        with pytest.raises(TypeError, match="must hold real numbers"):
            get(name)(*(np.full(d.shape, bad) for d in data))
    with pytest.raises(ValueError, match="must be a series|needs|integers"):
        get(name)(*(np.float64(1.5) for _ in data))


@pytest.mark.parametrize(
    "name", [n for n in OF_DATA if MEASURES[n].takes in ("samples", "two clouds", "pairs", "triples")]
)
def test_one_dimension_where_two_are_needed(name):
    """Taken for points on a line, or refused with what to pass instead."""
    lines = [d[..., :1] for d in arguments(name)]
    try:
        found = get(name)(*(line[..., 0] for line in lines))
    except ValueError as error:
        assert "x[:, None]" in str(error) or "(samples, dim)" in str(error)
    else:
        same(found, get(name)(*lines))


@pytest.mark.parametrize("level", [0.0, 3.0, -0.1, 1e8])
@pytest.mark.parametrize("name", OF_SERIES)
def test_a_constant_series(name, level):
    measure = get(name)
    x = np.full(max(LENGTH, measure.needs + 100), level)
    expected = measure.constant(x.size) if callable(measure.constant) else measure.constant
    if expected is None or (level == 0 and "shift" not in measure.invariant):
        try:
            value = measure(x).value
        except ValueError as error:
            assert "not defined" in str(error)
        else:
            assert expected is not None
            np.testing.assert_allclose(value, expected, atol=1e-9)
    else:
        np.testing.assert_allclose(measure(x).value, expected, atol=1e-9)


@pytest.mark.parametrize("name", OF_SERIES)
def test_two_values_only(name):
    """Ties everywhere: a number, an infinity with its warning, or an error; never NaN."""
    x = np.random.default_rng(0).integers(0, 2, max(LENGTH, get(name).needs + 100))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            value = get(name)(x).value
        except ValueError as error:
            assert "not defined" in str(error)
        else:
            assert not np.isnan(value).any()


@pytest.mark.parametrize("name", OF_SERIES)
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    shift=st.sampled_from([-3.0, 0.5, 64.0]),
    factor=st.sampled_from([2.0**-7, 0.5, 2.0, 1024.0]),
)
def test_declared_invariances(name, seed, shift, factor):
    """Powers of two and a coarse grid: the changes are exact, so that no match is lost by rounding."""
    measure = get(name)
    length = max(LENGTH, measure.needs + 100)
    x = np.rint(np.random.default_rng(seed).normal(size=length) * 256) / 256
    changed = {"shift": x + shift, "scale": x * factor, "monotone": np.exp(x)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        own = measure(x).value
        for name_of_change in measure.invariant:
            # The standard deviation that sets a tolerance is rounded anew, and may move a pair over the edge.
            np.testing.assert_allclose(measure(changed[name_of_change]).value, own, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("name", OF_SERIES)
def test_what_is_not_declared_invariant_is_not(name):
    measure = get(name)
    x = arguments(name)[0]
    changed = {"shift": x + 5, "scale": 3 * x, "monotone": np.exp(x)}
    for change in set(changed) - set(measure.invariant):
        assert not np.allclose(measure(changed[change]).value, measure(x).value, rtol=1e-9, atol=1e-9), change


def test_the_checks_say_where():
    with pytest.raises(ValueError, match=r"y\[1, 2\] is inf: 1 of 6"):
        finite([[1, 2, 3], [4, 5, np.inf]], "y")
    with pytest.raises(ValueError, match=r"\(samples, dim\)"):
        samples([1.0, 2.0], 1, "this")
    assert finite(np.array([True, False])).dtype == np.float64
