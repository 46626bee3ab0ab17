"""Fits equations to one trajectory of each system, and predicts the derivatives along another."""

from functools import partial

import numpy as np
import xarray as xr

from pesin.errors import UserError
from pesin.models.sparse_regression import finite_differences, fit, fourier_library, polynomial_library
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.symbolic.params import Params


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Fit all regressions to each training trajectory, and predict the derivatives along the held-out one."""
    names = case.params.train.regressions
    groups = {}
    for group, node in data.children.items():
        world = node.to_dataset()
        prediction = np.full((len(names), *world.test_x.shape), np.nan)
        terms = np.full((len(names), world.sizes["system"]), np.nan)
        for i in case.progress(range(world.sizes["system"]), what=group):
            dim, dt = int(world.dim[i]), float(world.dt[i])
            train_x, train_derivative, test_x = (
                world[key].values[i, :, :dim] for key in ("train_x", "train_derivative", "test_x")
            )
            for j, name in enumerate(names):
                try:
                    prediction[j, i, :, :dim], terms[j, i] = _regress(case, name, train_x, train_derivative, test_x, dt)
                except (ValueError, np.linalg.LinAlgError):
                    pass  # a trajectory that failed, or a fit that did: no prediction, which counts as a failure
        groups[group] = xr.Dataset(
            {
                "prediction": labelled(
                    ("regression", *world.test_x.dims),
                    prediction,
                    "predicted derivatives",
                    "model unit per model time",
                    nan="beyond a system's coordinates, or a fit that failed",
                ),
                "terms": labelled(
                    ("regression", "system"), terms, "terms of the equations that were found", nan="a fit that failed"
                ),
            },
            {"regression": names, "system": world.system.values},
        )
    return xr.DataTree.from_dict(groups)


def _regress(case: Case[Params], name: str, x, derivative, held_out, dt: float) -> tuple[np.ndarray, float]:
    """Predicted derivatives (time, dim) along the held-out states, and the number of terms found."""
    p = case.params.train
    if name == "pysr":
        return _evolve(x, derivative, held_out, p.pysr_iterations, case.seed("pysr") % 2**31)
    library = partial(polynomial_library, degree=p.degree)
    if name == "fourier":
        library = partial(fourier_library, frequencies=p.frequencies)
    if name == "constant":
        return np.broadcast_to(derivative.mean(0), held_out.shape), float(held_out.shape[1])
    slopes = derivative if name.endswith("_exact") else finite_differences(x, dt)
    coefficients = fit(library(x), slopes)
    return library(held_out) @ coefficients, float(np.count_nonzero(coefficients))


def _evolve(x, derivative, held_out, iterations: int, seed: int) -> tuple[np.ndarray, float]:
    """Evolutionary search (PySR), with the operators of the benchmark's authors; terms: size of the expressions.

    Raises
    ------
    UserError
        If the package is not installed.
    """
    try:
        from pysr import PySRRegressor
    except ImportError:
        raise UserError(
            "train.regressions names 'pysr', and the package pysr isn't installed. It needs Julia: pip install pysr, or"
            " take 'pysr' out of the list."
        ) from None
    model = PySRRegressor(
        niterations=iterations,
        populations=3,
        binary_operators=["+", "-", "*", "/"],
        unary_operators=["cos", "sin", "exp", "log", "tanh"],
        deterministic=True,
        parallelism="serial",
        random_state=seed,
        progress=False,
        verbosity=0,
        temp_equation_file=True,
    )
    model.fit(x, derivative)
    best = model.get_best()
    best = best if isinstance(best, list) else [best]
    return np.asarray(model.predict(held_out)).reshape(held_out.shape), float(sum(each["complexity"] for each in best))
