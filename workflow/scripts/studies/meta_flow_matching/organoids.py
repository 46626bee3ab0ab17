"""Cells of patients before and after a treatment: made up, with a response that hangs on the population, or read.

The made-up screen: each patient's culture holds three types of cells in shares of its own; a treatment shifts the
tumour cells, the more the larger the share f of fibroblasts, by sigmoid(6 (f - 0.3)).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from pesin.errors import UserError
from studies.meta_flow_matching.params import Organoids
from studies.meta_flow_matching.populations import Populations

TUMOUR, FIBROBLAST, IMMUNE = range(3)
CONTROL = -1
KEYS = ("patient", "culture", "treatment")
FORMAT = (
    "a comma-separated table with a header: 'patient', 'culture' and 'treatment' (of the controls: 'control'), and a "
    "column for each marker, arcsinh-transformed; a row for each cell. The screen of patient-derived organoids: Ramos "
    "Zapatero and others, Cell 186, 5606 (2023), whose data statement says where it lies"
)
Draw = Callable[[np.random.Generator, int, int, int, int], np.ndarray]
"""(rng, patient, culture, treatment or CONTROL, points) -> cells, shape (points, markers)."""


def organoids(rng: np.random.Generator, params: Organoids, seeds: int) -> tuple[Populations, Populations]:
    """Populations to learn from and of held-out patients; each seed holds out patients of its own, as in folds.

    The order of populations: patient, culture, treatment, replicate; a test has one replicate.
    """
    draw = read(params) if params.source is not None else made_up(rng, params)
    held, parts = params.patients // seeds, []
    for seed in range(seeds):
        out = range(seed * held, (seed + 1) * held)
        rest = [patient for patient in range(params.patients) if patient not in out]
        parts.append(
            (_drawn(rng, draw, params, rest, params.replicates, 2), _drawn(rng, draw, params, list(out), 1, 4))
        )
    learnt, tested = (np.stack([part[which] for part in parts], 1) for which in (0, 1))
    label, asked = (
        np.tile(np.repeat(np.arange(params.treatments), replicates), (seeds, people * params.cultures))
        for replicates, people in ((params.replicates, params.patients - held), (1, held))
    )
    return Populations(learnt[0], learnt[1], label), Populations(tested[0], tested[1], asked, tested[2:])


def _drawn(rng, draw: Draw, params: Organoids, patients: list[int], replicates: int, draws: int) -> np.ndarray:
    """Controls, then treated cells (draws - 1 times): shape (draws, populations, points, markers)."""
    grid = np.ndindex(len(patients), params.cultures, params.treatments, replicates)
    return np.stack(
        [
            [draw(rng, patients[patient], culture, treatment if i else CONTROL, params.points) for i in range(draws)]
            for patient, culture, treatment, _ in grid
        ],
        1,
    )


def made_up(rng: np.random.Generator, params: Organoids) -> Draw:
    """The generator, its patients, cultures and treatments drawn."""
    dim = params.markers
    centres = rng.standard_normal((3, dim))
    own = 0.3 * rng.standard_normal((params.patients, 3, dim))
    cultured = 0.3 * rng.standard_normal((params.cultures, 3, dim))
    share = rng.dirichlet(np.ones(3) * 2, (params.patients, params.cultures))
    shift = rng.standard_normal((params.treatments, dim))
    shift *= 4 / np.linalg.norm(shift, axis=-1, keepdims=True)

    def draw(rng: np.random.Generator, patient: int, culture: int, treatment: int, points: int) -> np.ndarray:
        shares = share[patient, culture]
        kind = rng.choice(3, points, p=shares)
        x = (centres + own[patient] + cultured[culture])[kind] + 0.4 * rng.standard_normal((points, dim))
        if treatment != CONTROL:
            x = x + np.where(kind == TUMOUR, response(shares[FIBROBLAST]), 0.0)[:, None] * shift[treatment]
        return x

    return draw


def response(fibroblasts: float) -> float:
    """Share of its full effect that a treatment has on tumour cells, by the share of fibroblasts."""
    return float(1 / (1 + np.exp(-6 * (fibroblasts - 0.3))))


def read(params: Organoids) -> Draw:
    """The cells of a table; draws are without replacement, within a patient, culture and treatment.

    Raises
    ------
    UserError
        If the file isn't there or isn't such a table, or has too few patients, cultures, treatments, markers or cells.
    """
    import pandas

    source = Path(str(params.source))
    if not source.is_file():
        raise UserError(f"{source}: no such file (simulate.organoids.source). It should be {FORMAT}.")
    table = pandas.read_csv(source, dtype=dict.fromkeys(KEYS, str))
    missing = [key for key in KEYS if key not in table]
    markers = [name for name in table.columns if name not in KEYS]
    if missing or len(markers) < params.markers:
        lacks = f"the columns {', '.join(missing)}" if missing else f"{params.markers} markers, it has {len(markers)}"
        raise UserError(f"{source} lacks {lacks}. It should be {FORMAT}.")
    values = table[markers[: params.markers]].apply(pandas.to_numeric, errors="coerce").to_numpy(float)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise UserError(f"{source}, row {row + 2}, {markers[column]}: not a finite number.")
    found = {key: sorted(set(table[key])) for key in KEYS}
    found["treatment"] = [name for name in found["treatment"] if name != "control"]
    for key, wanted in zip(KEYS, (params.patients, params.cultures, params.treatments), strict=True):
        if len(found[key]) < wanted:
            raise UserError(
                f"{source}: {len(found[key])} values of '{key}', {wanted} are asked for (simulate.organoids)."
            )
    places = table.groupby(list(KEYS)).indices

    def draw(rng: np.random.Generator, patient: int, culture: int, treatment: int, points: int) -> np.ndarray:
        name = "control" if treatment == CONTROL else found["treatment"][treatment]
        where = (found["patient"][patient], found["culture"][culture], name)
        cells = places.get(where, np.empty(0, int))
        if len(cells) < points:
            raise UserError(
                f"{source}: {len(cells)} cells of {' / '.join(where)}, simulate.organoids.points asks for {points}."
            )
        return values[rng.choice(cells, points, replace=False)]

    return draw
