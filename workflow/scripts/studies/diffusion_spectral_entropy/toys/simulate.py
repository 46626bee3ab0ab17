"""The worlds: clouds of known dimension and views of known dependence."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.shapes import embed, sphere, swiss_roll, tree
from studies.diffusion_spectral_entropy.toys.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return the point clouds and the pairs of views."""
    return xr.merge([clouds(case), views(case)], join="exact", combine_attrs="override")


def clouds(case: Case[Params]) -> xr.Dataset:
    """Spheres of every dimension, a Swiss roll and a tree, with noise of standard deviation 1 to be scaled."""
    p, rng = case.params.simulate.spheres, case.rng("spheres")
    dims = np.tile(p.dims, (p.clouds, 1))
    if p.shuffled:
        dims = rng.permuted(dims, axis=1)

    def make(d: int) -> np.ndarray:
        return p.radius * embed(rng, sphere(rng, p.samples, d), p.ambient)

    shapes = {"swiss_roll": swiss_roll, "tree": tree}
    shape = (p.clouds, len(p.dims) + len(shapes), p.samples, p.ambient)
    noise = rng.standard_normal(shape, dtype=np.float32)
    spheres = np.array([[make(d) for d in row] for row in dims], np.float32)
    others = [[embed(rng, f(rng, p.samples), p.ambient) for f in shapes.values()] for _ in range(p.clouds)]
    known, of_sphere = len(p.dims), ("cloud", "intrinsic_dimension")
    point, feature = ("sample", "feature"), {"feature": np.arange(p.ambient)}
    return xr.Dataset(
        {
            "sphere": labelled((*of_sphere, *point), spheres, "points on spheres", may_be_constant=1),
            "sphere_noise": labelled((*of_sphere, *point), noise[:, :known], "noise of standard deviation 1, spheres"),
            "shape_points": labelled(
                ("cloud", "shape", *point),
                np.array(others, np.float32),
                "points on a Swiss roll and a tree, mean square norm 1",
            ),
            "shape_noise": labelled(
                ("cloud", "shape", *point), noise[:, known:], "noise of standard deviation 1, roll and tree"
            ),
            "actual_dimension": labelled(of_sphere, dims, "dimension of the sphere behind the label"),
        },
        {"cloud": np.arange(p.clouds), "intrinsic_dimension": p.dims, "shape": list(shapes)} | feature,
    )


def latent(u: np.ndarray) -> np.ndarray:
    """f(u) = (sin 2 pi u1, cos 2 pi u1, u2) of uniform numbers, shape (..., 2) -> (..., 3)."""
    angle = 2 * np.pi * u[..., 0]
    return np.stack([np.sin(angle), np.cos(angle), u[..., 1]], -1)


def views(case: Case[Params]) -> xr.Dataset:
    """Views A = s f(u) W1 + noise and B = s (p f(u) + (1 - p) f(u')) W2 + noise, s the strength of the signal.

    Latent variables, weights and noise are the same at every p of a seed, so that p alone changes along a curve; the
    noise is the same at every level but for its size.
    """
    p, rng = case.params.simulate.dependence, case.rng("dependence")
    mixing = np.tile(np.asarray(p.mixing, float), (p.seeds, 1))
    if p.shuffled:
        mixing = rng.permuted(mixing, axis=1)
    dims = ("seed", "mixing", "view_noise", "view_sample")
    grid = (p.seeds, 1, 1, p.samples)
    scale = np.asarray(p.noise)[:, None, None]
    variables = {}
    for ambient in p.ambient:
        first, other = (latent(rng.random((*grid, 2))) for _ in range(2))
        share = mixing[:, :, None, None, None]
        for name, source in (("first", first), ("second", share * first + (1 - share) * other)):
            weights = rng.normal(size=(p.seeds, 1, 1, 3, ambient)) / np.sqrt(ambient)
            seen = p.signal * source @ weights + scale * rng.normal(size=(*grid, ambient))
            seen = np.broadcast_to(seen, (p.seeds, len(p.mixing), *seen.shape[2:]))
            variables[f"{name}_view_{ambient}"] = labelled(
                (*dims, f"coordinate_{ambient}"), seen.astype(np.float32), f"{name} view in {ambient} dimensions"
            )
    variables["actual_mixing"] = labelled(("seed", "mixing"), mixing, "mixing share behind the label")
    return xr.Dataset(variables, {"seed": np.arange(p.seeds), "mixing": p.mixing, "view_noise": p.noise})
