"""Parameters of symbolic regression: the systems, and the libraries of terms."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from pesin.params import Model


class Simulate(Model):
    form: Literal["quadratic", "trigonometric"]
    """Form of the equations that the claim is judged on. trigonometric: random fields of sines and cosines."""
    fields: PositiveInt
    """Random fields, if trigonometric."""
    known: PositiveInt | None
    """Systems of the zoo with quadratic equations, evenly spaced in the alphabet; none: all of them."""
    others: PositiveInt
    """Systems of the zoo with other equations, if the form is quadratic."""
    without: list[str]
    """Systems left out: those that take seconds to integrate."""
    points_per_period: PositiveInt
    points: Annotated[int, Field(ge=10)]
    """Points of the training and of the held-out trajectory."""
    transient: PositiveInt
    """Periods before the training trajectory, and between it and the held-out one."""


class Train(Model):
    regressions: Annotated[
        list[Literal["polynomial", "fourier", "polynomial_exact", "constant", "pysr"]], Field(min_length=1)
    ]
    """polynomial, fourier: SINDy on finite differences; polynomial_exact: on the true derivatives; constant: the
    mean of the true derivatives; pysr: evolutionary
    search on the true derivatives, as in the paper (it needs the package pysr, and Julia)."""
    degree: NonNegativeInt
    """Of the polynomials; 0: constants."""
    frequencies: PositiveInt
    pysr_iterations: PositiveInt


class Params(Model):
    """Equations found from trajectories, graded by the derivatives that they predict on another trajectory."""

    simulate: Simulate
    train: Train
