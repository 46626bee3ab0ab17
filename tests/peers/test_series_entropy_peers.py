"""Entropies of a series or of counts against antropy, ordpy, EntropyHub and infomeasure, and the errors of those."""

import contextlib
import io
from math import factorial, log

import antropy
import EntropyHub
import infomeasure
import numpy as np
import ordpy
import pytest
from scipy.special import digamma

from pesin.entropy.amplitude import (
    chao_shen_entropy,
    grassberger_entropy,
    miller_madow_entropy,
    nsb_entropy,
    shannon_entropy,
)
from pesin.entropy.dispersion import dispersion_entropy, fluctuation_dispersion_entropy
from pesin.entropy.multiscale import (
    composite_multiscale_entropy,
    multiscale_entropy,
    refined_composite_multiscale_entropy,
)
from pesin.entropy.ordinal import (
    amplitude_aware_permutation_entropy,
    missing_patterns,
    ordinal_transition_entropy,
    weighted_permutation_entropy,
)
from pesin.entropy.spectral import svd_entropy
from pesin.entropy.symbolic import lempel_ziv_complexity
from pesin.entropy.templates import approximate_entropy, fuzzy_entropy, sample_entropy
from pesin.systems.maps import iterate, logistic

SERIES = {
    "logistic": iterate(logistic, np.array([0.1234]), 700)[:, 0],
    "white": np.random.default_rng(0).normal(size=700),
    "sine": np.sin(2 * np.pi * np.arange(700) / 49.3 + 0.1),
    "walk": np.random.default_rng(1).normal(size=700).cumsum(),
}
EACH = pytest.mark.parametrize("x", SERIES.values(), ids=SERIES)


def close(ours, peer):
    assert ours == pytest.approx(peer, abs=1e-9, rel=1e-9)


def silent(function, *arguments, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments, **options)


@EACH
def test_template_entropies(x):
    r = 0.2 * x.std()
    close(sample_entropy(x).value, EntropyHub.SampEn(x, m=2, r=r)[0][-1])
    close(sample_entropy(x).value, antropy.sample_entropy(x))
    close(approximate_entropy(x).value, EntropyHub.ApEn(x, m=2, r=r)[0][-1])
    close(approximate_entropy(x).value, antropy.app_entropy(x))
    close(fuzzy_entropy(x).value, EntropyHub.FuzzEn(x, m=2, r=(r**2, 2))[0][-1])
    close(fuzzy_entropy(x, power=3).value, EntropyHub.FuzzEn(x, m=2, r=(r**3, 3))[0][-1])


@EACH
def test_multiscale_entropies(x):
    form = EntropyHub.MSobject("SampEn", m=2, r=0.2 * x.std())
    close(multiscale_entropy(x, 4).value, silent(EntropyHub.MSEn, x, form, Scales=4)[0])
    close(composite_multiscale_entropy(x, 4).value, silent(EntropyHub.cMSEn, x, form, Scales=4)[0])
    refined = silent(EntropyHub.cMSEn, x, form, Scales=4, Refined=True)[0]
    close(refined_composite_multiscale_entropy(x, 4).value, refined)


@EACH
def test_dispersion_entropies(x):
    close(dispersion_entropy(x).value, EntropyHub.DispEn(x, m=2, c=6)[0])
    close(dispersion_entropy(x, 5, 3).value, EntropyHub.DispEn(x, m=3, c=5)[0])
    close(fluctuation_dispersion_entropy(x).value, EntropyHub.DispEn(x, m=2, c=6, Fluct=True)[0])


@EACH
@pytest.mark.parametrize("order", [3, 4])
def test_ordinal_variants(x, order):
    full = log(factorial(order))
    weighted, aware = (
        EntropyHub.PermEn(x, m=order, Typex=form, Logx=0)[0][-1] / full for form in ("weighted", "ampaware")
    )
    close(weighted_permutation_entropy(x, order).value, weighted)
    close(amplitude_aware_permutation_entropy(x, order).value, aware)
    close(
        missing_patterns(x, order).value,
        ordpy.missing_patterns(x, dx=order, return_fraction=False, return_missing=False),
    )


@EACH
def test_ordinal_transition_entropy(x):
    # ordpy weighs a pattern by how often it is entered, we by how often it is left: one visit apart.
    assert ordinal_transition_entropy(x).value == pytest.approx(ordpy.global_node_entropy(x, dx=4), abs=3e-3)


@EACH
def test_lempel_ziv_and_svd(x):
    close(lempel_ziv_complexity(x).value, antropy.lziv_complexity(x > x.mean(), normalize=True))
    close(svd_entropy(x).value, antropy.svd_entropy(x, order=3, normalize=True))


@pytest.mark.parametrize("seed", range(4))
def test_entropies_of_counts(seed):
    rng = np.random.default_rng(seed)
    symbols = rng.choice(9, 60, p=rng.dirichlet(np.ones(9)))
    counts = np.bincount(symbols)
    counts = counts[counts > 0]
    close(shannon_entropy(counts).value, infomeasure.entropy(symbols, approach="discrete"))
    close(miller_madow_entropy(counts).value, infomeasure.entropy(symbols, approach="miller_madow"))
    close(chao_shen_entropy(counts).value, infomeasure.entropy(symbols, approach="chao_shen"))


# ----------------------------------------------------------------------------- peers' errors: a failure is good news


def test_entropyhub_k2_needs_an_old_numpy():
    with pytest.raises(AttributeError, match="NaN"):
        EntropyHub.K2En(SERIES["logistic"])


def test_entropyhub_normalises_permutation_entropy_by_m_minus_one():
    bits, normalised, _ = EntropyHub.PermEn(SERIES["white"], m=3)
    assert normalised[-1] == pytest.approx(bits[-1] / 2) and normalised[-1] > 1.2


def test_antropy_counts_in_bits_and_in_nats():
    x = SERIES["white"]
    assert antropy.perm_entropy(x, order=3) == pytest.approx(np.log2(6), abs=0.01)
    assert antropy.sample_entropy(x) == pytest.approx(2.19, abs=0.2)


def test_infomeasure_means_grassbergers_estimator_of_1988():
    symbols = np.repeat([0, 1, 2], [1, 2, 5])
    counts = np.array([1, 2, 5])
    peer = infomeasure.entropy(symbols, approach="grassberger")
    of_1988 = np.log(8) - (counts / 8 * (digamma(counts) + (-1.0) ** counts / (counts + 1))).sum()
    assert peer == pytest.approx(of_1988, abs=1e-9)
    assert abs(peer - grassberger_entropy(counts).value) > 1e-3


def test_infomeasure_weighs_nsbs_likelihood_by_the_counts_once_more():
    """Its likelihood multiplies each term by its count, and its prior ends at a parameter of ln(kinds): the posterior
    is drawn to the uniform distribution. Ours is held to Monte Carlo in the unit tests."""
    symbols = np.repeat([0, 1, 2, 3], [1, 2, 9, 30])
    peer = infomeasure.entropy(symbols, approach="nsb")
    found = nsb_entropy([1, 2, 9, 30])
    assert abs(peer - found.value) > 0.5 * found.standard_error
