"""The study's quantities against known answers: the logistic map at r = 4 has the exponent ln 2."""

import numpy as np
import pytest

from project import case_of
from studies.molecular_generative_design.entropy import entropy
from studies.molecular_generative_design.simulate import simulate

NAME = "molecular_generative_design"


def exponents(case):
    data = simulate(case_of(NAME, case, "simulate", scale="laptop"))
    return entropy(case_of(NAME, case, "entropy", scale="laptop"), data).lyapunov_exponent


def test_the_chaotic_map_has_the_exponent_ln_2():
    assert float(exponents("chaotic").mean()) == pytest.approx(np.log(2), abs=0.02)


def test_the_control_has_none():
    """At r = 3.2 the cycle of two points has the exponent ln |r (2 - r) + 4| / 2."""
    assert exponents("periodic").values == pytest.approx(np.log(abs(3.2 * (2 - 3.2) + 4)) / 2, abs=0.01)
