"""When the networks can paint the unseen class: by the plain prompt, a pushed embedding, an exaggerated prompt."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.concept_space_hidden_capabilities.images import CLASSES, CONCEPTS, UNSEEN, places
from studies.concept_space_hidden_capabilities.params import Params
from studies.concept_space_hidden_capabilities.paths import fall_and_rise, for_good, reaching, smoothed, turning

PROTOCOLS = ("naive", "latent", "over")
ENOUGH, LEARNT = 0.8, 0.7
"""Accuracy asked of the unseen class; accuracy on the classes seen below which nothing counts."""
LAST = 3
"""Checkpoints that make the end."""
NEVER = "it never comes to it"
UNIT = "update"


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Accuracies by checkpoint, times to 80 %, paths of the unseen class with their turns, and the sweeps."""
    p, seen = case.params, trained.to_dataset()
    read, steps = readouts(case, seen), seen["step"].values[1:]
    probed = [p.train.run.index(name) for name in p.train.probed]
    learnt = np.mean([is_class(read[name], name).mean(2) for name in CLASSES if name != UNSEEN], 0)
    counts = learnt > LEARNT
    plain = np.where(counts, is_class(read[UNSEEN], UNSEEN).mean(2), 0)
    arrives = reaching(steps, plain, ENOUGH)
    accuracy = protocols(case, read, probed)
    counted = np.where(counts[probed], accuracy, 0)
    time = reaching(steps, counted, ENOUGH)
    came = np.isfinite(time)
    capped = np.where(came, time, steps[-1])
    grid, each = ("setting", "seed"), ("protocol", "probed", "seed")
    speed = np.where(np.isfinite(arrives), 1 / arrives, 0)
    strays = _strays(case, read, steps, capped[1])
    tables = {
        "accuracy": labelled((*each, "step"), accuracy, "accuracy on the unseen class"),
        "learnt": labelled((*grid, "step"), learnt, "accuracy on the classes seen"),
        "speed": labelled(grid, speed, "1 / updates to 80 %, plain prompt", f"1/{UNIT}"),
        "steps": labelled(each, capped, "updates to 80 % of the unseen class", UNIT),
        "came": labelled(each, came.astype(np.int8), "whether 80 % came before the end"),
        "gain": labelled(each, np.log2(capped[0] / capped), "octaves sooner than the plain prompt"),
        "final": labelled(each, counted[..., -LAST:].mean(-1), "accuracy on the unseen class at the end"),
        "strays": labelled(each[1:], strays, "pushed red large discs of a wrong other concept"),
    }
    tables |= _paths(case, read, steps)
    apart = np.abs(np.log2(tables["turn"][1][probed] / np.where(came, time, np.nan)))
    tables["turn_distance"] = labelled(each, apart, "octaves from turn to 80 %", nan=NEVER)
    coords = {"protocol": list(PROTOCOLS), "setting": p.train.run, "probed": p.train.probed, "step": steps}
    coords |= {"seed": np.arange(p.train.seeds), "concept": list(CONCEPTS), "class": list(CLASSES)}
    found = xr.Dataset(tables, coords)
    return found.merge(_sweeps(case, found))


def readouts(case: Case[Params], seen: xr.Dataset) -> dict[str, np.ndarray]:
    """What is judged, by prompt: coordinates (setting or probed, seed, sample, step, concept), without step 0."""
    p = case.params
    if p.forecast.networks == "untrained":
        seen = seen.isel(step=[0] * seen.sizes["step"])
    rows = {"setting": p.train.run, "probed": p.train.probed}
    if not p.forecast.masking:
        rows = {dim: _bare(case, names) for dim, names in rows.items()}
    found: dict[str, np.ndarray] = {}
    for table, prompt, dim in (("plain", "prompt", "setting"), ("pushed", "push", "probed")):
        values = seen[table].transpose(prompt, dim, "seed", "sample", "step", "concept").sel({dim: rows[dim]})
        found |= {str(name): values.sel({prompt: name}).values[..., 1:, :] for name in values[prompt].values}
    return found


def _bare(case: Case[Params], names: list[str]) -> list[str]:
    """For each setting the one of the same point without a mask: its networks, had they been trained without."""
    settings = case.params.train.settings
    bare = {settings[name].point: name for name in case.params.train.run if settings[name].masked == 0}
    return [bare[settings[name].point] for name in names]


def is_class(readout: np.ndarray, name: str) -> np.ndarray:
    """Whether both concepts are on the class's side of 1/2; shape (..., concept) -> (...). NaN is on no side."""
    return np.asarray(np.where(places([name])[0] == 1, readout > 0.5, readout < 0.5).all(-1))


def protocols(case: Case[Params], read: dict[str, np.ndarray], probed: list[int]) -> np.ndarray:
    """Accuracy on the unseen class, shape (protocol, probed, seed, step); `probed` are their places among the settings.

    The dose of an intervention is chosen at each checkpoint, on one half of the pictures for the other half.
    """
    plain = is_class(read[UNSEEN][probed], UNSEEN)
    latent = "latent" if case.params.forecast.direction == "concept" else "random"
    found = [plain.mean(2)]
    for push in (latent, "over"):
        right = [plain, *(is_class(read[f"{push}_{dose:g}"], UNSEEN) for dose in case.params.train.doses)]
        found.append(cross_fitted(np.stack(right)))
    return np.stack(found)


def cross_fitted(right: np.ndarray) -> np.ndarray:
    """Share of right pictures at the dose that is best on the other half; (dose, ..., sample, step) -> (..., step).

    Of equal doses the first.
    """
    halves = np.split(right.astype(float), 2, -2)
    shares = [half.mean(-2) for half in halves]
    scored = [np.take_along_axis(on, other.argmax(0)[None], 0)[0] for on, other in (shares, shares[::-1])]
    return np.mean(scored, 0)


def _strays(case: Case[Params], read: dict[str, np.ndarray], steps: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Red large discs, pushed along the weak concept when that works: share whose other concept flips too."""
    p, found = case.params, np.empty(when.shape)
    pushed = np.stack([read[f"pushed_00_{dose:g}"] for dose in p.train.doses])
    for i, name in enumerate(p.train.probed):
        other = 1 - CONCEPTS.index(p.simulate.points[p.train.settings[name].point].weak)
        for j in range(p.train.seeds):
            at = np.searchsorted(steps, np.floor(when[i, j]))
            found[i, j] = (pushed[:, i, j, :, at, other] > 0.5).mean()
    return found


def _paths(case: Case[Params], read: dict[str, np.ndarray], steps: np.ndarray) -> dict:
    """The unseen class in concept space: mean path, when each concept comes, fall and rise of the weak one, turn."""
    p, grid = case.params, ("setting", "seed")
    samples = read[UNSEEN]
    path = samples.mean(2)
    crossing = reaching(steps, for_good(np.moveaxis(path, -1, 0)), 0.5)
    weak = np.array([CONCEPTS.index(p.simulate.points[p.train.settings[n].point].weak) for n in p.train.run])
    row = np.arange(len(weak))
    since, until = (np.minimum(crossing[concept, row], steps[-1]) for concept in (1 - weak, weak))
    series = smoothed(path[row, ..., weak])
    fall, lowest, rise = fall_and_rise(steps, series, since)
    rng, many = case.rng("turns"), samples.shape[2]
    turn = turning(steps, series, since, until, p.forecast.lag)
    if p.forecast.turn == "drawn":
        turn = np.where(np.isnan(turn), turn, since * (until / since) ** rng.random(since.shape))
    drawn = [samples[:, :, rng.integers(many, size=many)].mean(2)[row, ..., weak] for _ in range(p.forecast.resamples)]
    again = turning(steps, smoothed(np.stack(drawn)), since[None], until[None], p.forecast.lag)
    again = np.where(np.isnan(again), turn, again)
    low, high = np.quantile(again, [0.025, 0.975], axis=0)
    every = np.stack([read[name].mean(2) for name in CLASSES])
    comes = np.minimum(crossing, steps[-1])
    return {
        "path": labelled(("class", *grid, "step", "concept"), every, "mean coordinate in concept space", nan=DIVERGED),
        "crossing": labelled(("concept", *grid), comes, "updates until a coordinate stays above 1/2", UNIT),
        "fall": labelled(grid, fall, "fall of the weak concept's coordinate to its lowest", nan=DIVERGED),
        "lowest": labelled(grid, lowest, "lowest of the weak concept's coordinate", nan=DIVERGED),
        "rise": labelled(grid, rise, "rise of the weak concept's coordinate in an octave", nan=DIVERGED),
        "turn": labelled(grid, turn, "update of the sharpest turn", UNIT, nan=NEVER),
        "turn_low": labelled(grid, low, "its 2.5 % quantile over samples", UNIT, nan=NEVER),
        "turn_high": labelled(grid, high, "its 97.5 % quantile over samples", UNIT, nan=NEVER),
    }


def _sweeps(case: Case[Params], found: xr.Dataset) -> xr.Dataset:
    """Speeds along each concept's separation, and speeds and final accuracies along the share masked."""
    p = case.params
    settings = [
        (name, p.train.settings[name].masked, p.simulate.points[p.train.settings[name].point]) for name in p.train.run
    ]
    plain = {name: point for name, masked, point in settings if masked == 0}
    most = {c: max(getattr(point, c) for point in plain.values()) for c in CONCEPTS}
    tables = []
    for concept, other in (CONCEPTS, CONCEPTS[::-1]):
        rows = {getattr(point, concept): name for name, point in plain.items() if getattr(point, other) == most[other]}
        tables.append(_along(found["speed"], rows, f"{concept}_separation", f"by_{concept}"))
    of = {p.train.settings[name].point for name, masked, _ in settings if masked}
    rows = {masked: name for name, masked, _ in settings if p.train.settings[name].point in of}
    if rows:
        tables.append(_along(found["speed"], rows, "masked", "by_mask"))
        tables.append(_along(found["final"], rows, "masked", "by_mask"))
    return xr.merge(tables)


def _along(found: xr.DataArray, rows: dict[float, str], axis: str, suffix: str) -> xr.DataArray:
    dim = "setting" if "setting" in found.dims else "probed"
    values = sorted(rows)
    picked = found.sel({dim: [rows[value] for value in values]}).rename({dim: axis}).assign_coords({axis: values})
    return picked.rename(f"{found.name}_{suffix}")
