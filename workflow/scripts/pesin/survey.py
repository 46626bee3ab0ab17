"""Every registered measure that suits a recording, with intervals and warnings: a table, a NetCDF file and a picture.

pesin-entropy rec.csv        (where the library is installed)
make entropy FILE=rec.csv    (in the project)
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
import warnings
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import xarray as xr

from pesin.entropy.measure import Measure
from pesin.entropy.registry import MEASURES
from pesin.entropy.resampling import CLOUDS, TIMES, resample
from pesin.errors import UserError
from pesin.steps.files import write_whole
from pesin.steps.labels import labelled
from pesin.systems.recordings import Recording, open_recording

RESAMPLES = 100
PAIRED = 6  # most channels of which all pairs are measured
KINDS = 20  # most different integers that are taken for symbols
QUADRATIC, CUBIC = (20_000, 3_000), (2_000, 500)  # most points of which such a measure is taken, and its interval
DRAWN = 4  # most channels in the picture
FEWEST = 10  # time steps
BATCHED = 50_000  # most points of any interval: all resamples lie in memory
PARTS = ("value", "low", "high")
# What a measure is a function of -> the dimensions of what it gives: none is the whole recording.
DIMS: dict[str, tuple[str, ...]] = {
    "series": ("channel",),
    "symbols": ("channel",),
    "two series": ("source", "target"),
    "pairs": ("source", "target"),
    "samples": (),
    "matrix": (),
}
FEW = "unreliable"
NAN = "not measured, or no interval: the attribute notes says why; an infinity stands where nothing matched"

Of = tuple[str, ...]
"""Channels that were measured, by name; () for all together."""


@dataclass
class Found:
    """What one measure says of a recording."""

    measure: Measure
    dims: tuple[str, ...]
    values: dict[Of, np.ndarray] = field(default_factory=dict)
    """Value, low and high of each: shape (3,), or (3, scales)."""
    notes: dict[str, list[Of]] = field(default_factory=dict)
    """What to know, and of which."""


def survey(
    recording: Recording,
    only: Sequence[str] = (),
    seed: int = 0,
    progress: Callable[[Iterable[str]], Iterable[str]] = iter,
) -> list[Found]:
    """Measure a recording.

    Parameters
    ----------
    recording
        As `open_recording` gives it.
    only
        Names of measures; none: all that suit.
    seed
        Of resamples and surrogates.
    progress
        Is handed the names of the measures, and gives them back one by one.

    Returns
    -------
    list of Found
        In the order of the registry. Measures of series are taken of each channel; those of symbols too, which are the
        channel itself if it holds few integers, or else whether it lies above its median; those of two series or of
        pairs of each pair of up to six channels; those of clouds and matrices of all channels together. What can't be
        measured is NaN, with a note that says why. The 95 % interval is that of `pesin.entropy.resampling.resample`.

    Raises
    ------
    UserError
        If `only` names a measure that isn't there, or doesn't suit.
    """
    suiting = {name: list(_arguments(measure, recording)) for name, measure in MEASURES.items()}
    suiting = {name: arguments for name, arguments in suiting.items() if arguments}
    for name in only:
        if name not in suiting:
            raise UserError(f"'{name}' is no measure of such a recording. Those are: {', '.join(suiting)}.")
    found = []
    for name in progress(list(only or suiting)):
        one = Found(MEASURES[name], DIMS.get(MEASURES[name].takes, ()))
        for of, data in suiting[name]:
            rng = np.random.default_rng([seed, zlib.crc32(" ".join((name, *of)).encode())])
            one.values[of], notes = _measured(one.measure, data, rng)
            for note in notes:
                one.notes.setdefault(note, []).append(of)
        found.append(one)
    return found


def _arguments(measure: Measure, recording: Recording) -> Iterator[tuple[Of, tuple[np.ndarray, ...]]]:
    """What the measure takes of the recording: names of channels, and its arguments."""
    x, names = recording.x, recording.names
    channel = dict(zip(names, x.T, strict=True))
    if measure.takes == "series":
        yield from (((name,), (values,)) for name, values in channel.items())
    elif measure.takes == "symbols":
        yield from (((name,), (_symbols(values),)) for name, values in channel.items())
    elif measure.takes in ("two series", "pairs") and len(names) <= PAIRED:
        pairs = permutations(names, 2) if measure.takes == "two series" else combinations(names, 2)
        cloud = measure.takes == "pairs"
        for pair in pairs:
            yield pair, tuple(channel[name][:, None] if cloud else channel[name] for name in pair)
    elif measure.takes == "samples" or measure.name == "pair_irreversibility":
        yield (), (x,)
    elif measure.takes == "matrix" and len(names) > 1:
        yield (), (x - x.mean(axis=0),)


def _symbols(x: np.ndarray) -> np.ndarray:
    kinds = np.unique(x)
    if len(kinds) <= KINDS and (kinds == np.round(kinds)).all():
        return np.searchsorted(kinds, x)
    return (x > np.median(x)).astype(int)


def _measured(measure: Measure, data: tuple[np.ndarray, ...], rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """Value, low and high, and what to know of them."""
    length, nothing = len(data[0]), np.full(3, np.nan)
    most, most_resampled = CUBIC if "N^3" in measure.cost else QUADRATIC if _quadratic(measure) else (length, BATCHED)
    if length < measure.needs:
        return nothing, [f"left out: it takes {measure.needs} points, there are {length}"]
    if length > most:
        return nothing, [f"left out: its cost grows as {measure.cost}: give it {most} points or fewer, not {length}"]
    notes = []
    if length < measure.advised:
        notes.append(f"{FEW}: {length} points, {measure.advised} are advised")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimate = measure(*data, rng) if measure.name == "pair_irreversibility" else measure(*data)
        except ValueError as error:
            return nothing, [f"left out: {error}"]
    notes += sorted({str(warning.message) for warning in caught})
    value = np.asarray(estimate.value, float)
    low = high = np.full_like(value, np.nan)
    if length > most_resampled:
        notes.append(f"no interval: resamples of more than {most_resampled} points cost too much")
    elif measure.takes not in (*TIMES, *CLOUDS):
        notes.append("no interval: no resampling is known for it")
    elif measure.takes in CLOUDS and (tie := _tie(data)) > 2 / np.sqrt(length):
        notes.append(f"no interval: it would suppose independent samples, successive ones correlate by {tie:.2g}")
    else:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                drawn = resample(measure, *data, rng=rng, resamples=RESAMPLES)
            low, high = np.asarray(drawn.low, float), np.asarray(drawn.high, float)
        except (UserError, ValueError) as error:
            notes.append(f"no interval: {str(error).removeprefix(measure.name + ': ')}")
    if estimate.bias is not None and np.ndim(value) == 0:
        spread = estimate.counts.get("null_deviation")
        known = "" if spread is None else f" (surrogates scatter by {spread:.2g})"
        notes.append(f"the estimated bias is {np.asarray(estimate.bias).item():.3g}{known}, and isn't taken off")
    return np.stack([value, low, high]), notes


def _tie(data: tuple[np.ndarray, ...]) -> float:
    """Largest correlation, by size, of a channel of the clouds with itself one time step later."""
    centred = np.concatenate([x - x.mean(axis=0) for x in data], axis=1)
    return float(np.abs((centred[1:] * centred[:-1]).sum(axis=0) / (centred**2).sum(axis=0)).max())


def _quadratic(measure: Measure) -> bool:
    return "N^2" in measure.cost or "of sample entropy" in measure.cost


# -------------------------------------------------------------------------------------------------------------- output


def table(found: list[Found]) -> str:
    """The text for a terminal: a line for each number, then the warnings."""
    rows = []
    for one in found:
        for of, parts in one.values.items():
            scales = parts.reshape(3, -1).T
            few = any(of in which and note.startswith(FEW) for note, which in one.notes.items())
            for scale, (value, low, high) in enumerate(scales, 1):
                rows.append(
                    (
                        one.measure.name if len(scales) == 1 else f"{one.measure.name}, scale {scale}",
                        said(of),
                        "-" if np.isnan(value) else f"{value:.4g}",
                        f"{low:.4g} to {high:.4g}" if np.isfinite([low, high]).all() else "-",
                        one.measure.units + (", few points" if few else ""),
                    )
                )
    rows.insert(0, ("measure", "of", "value", "95 % interval", "unit"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += ["", "What to know:"]
    for one in found:
        about = [f"not for: {one.measure.avoid.rstrip('.')}"]
        for note, which in one.notes.items():
            every = len(which) == len(one.values)
            about.append(note if every else f"{note} ({'; '.join(map(said, which))})")
        lines.append(textwrap.fill(f"{one.measure.name}: {'. '.join(about)}.", 118, subsequent_indent="    "))
    return "\n".join(lines)


def said(of: Of) -> str:
    """How channels are called in the table."""
    return " > ".join(of) or "all channels"


def dataset(found: list[Found], recording: Recording) -> xr.Dataset:
    """The recording, and a variable for each measure over `part` (value, low, high), channels, perhaps scales."""
    names = list(recording.names)
    variables: dict[str, tuple] = {}
    coordinates: dict[str, object] = {"channel": names, "part": list(PARTS)}
    for one in found:
        tail = max((parts.shape[1:] for parts in one.values.values()), key=len)
        values = np.full((3, *[len(names)] * len(one.dims), *tail), np.nan)
        for of, parts in one.values.items():
            place: tuple = (slice(None), *map(names.index, of))
            values[place] = parts if parts.shape[1:] == tail else parts[:, None]
        coordinates |= {dim: names for dim in one.dims} | {f"scale_{size}": 1 + np.arange(size) for size in tail}
        variables[one.measure.name] = labelled(
            ("part", *one.dims, *(f"scale_{size}" for size in tail)),
            values,
            one.measure.measures,
            one.measure.units,
            nan=NAN,
            not_for=one.measure.avoid,
            source=one.measure.source,
            settings=json.dumps({name: str(value) for name, value in one.measure.defaults.items()}),
            notes="\n".join(f"{note} ({'; '.join(map(said, which))})" for note, which in one.notes.items()),
        )
    units = set(recording.units)
    unit = units.pop() if len(units) == 1 else ""
    variables["recording"] = labelled(("time", "channel"), recording.x, "what was measured", unit or "unknown")
    if recording.time is not None:
        coordinates["time"] = labelled("time", recording.time, "time", recording.time_units or "unknown")
    return xr.Dataset(variables, coordinates, {"Conventions": "CF-1.11", "notes": "\n".join(recording.notes)})


def picture(found: list[Found], recording: Recording, title: str):
    """One figure: the recording, and what was measured of each of its first channels, with the intervals."""
    import matplotlib as mpl

    from pesin.plot.style import PAGE, STYLE

    names = recording.names[:DRAWN]
    single = [one for one in found if one.dims == ("channel",) and _drawable(one, names, 1)]
    scaled = [one for one in found if _drawable(one, names, 2)]
    groups = {
        "value (no unit)": [one for one in single if one.measure.units == "1"],
        "value (nat)": [one for one in single if one.measure.units.startswith("nat")],
    }
    groups = {label: measures for label, measures in groups.items() if measures}
    rows = max([len(measures) for measures in groups.values()], default=0)
    heights = [1.1 * len(names)] + ([0.9 + 0.19 * rows] if rows else []) + ([1.9] if scaled else [])
    mpl.rcParams.update(STYLE)  # type: ignore[arg-type]
    figure = mpl.figure.Figure(figsize=(PAGE, sum(heights)))
    grid = iter(figure.add_gridspec(len(heights), 1, height_ratios=heights))
    more = f": the first {len(names)} of {len(recording.names)} channels" if len(names) < len(recording.names) else ""
    _draw_series(
        next(grid).subgridspec(len(names), 1).subplots(sharex=True, squeeze=False)[:, 0], recording, title + more
    )
    if rows:
        for axes, group in zip(
            next(grid).subgridspec(1, len(groups)).subplots(squeeze=False)[0], groups.items(), strict=True
        ):
            _draw_values(axes, *group, names)
    if scaled:
        for axes, one in zip(next(grid).subgridspec(1, len(scaled)).subplots(squeeze=False)[0], scaled, strict=True):
            _draw_scales(axes, one, names)
    return figure


def _draw_series(panels, recording: Recording, title: str) -> None:
    from pesin.plot.style import COLOURS, SMALL

    time = np.arange(len(recording.x)) if recording.time is None else recording.time
    shown = zip(panels, recording.names, recording.x.T, recording.units, COLOURS, strict=False)
    for axes, name, values, unit, colour in shown:
        axes.plot(time, values, color=colour, lw=0.8)
        axes.set_ylabel(f"{name} ({unit})" if unit and unit not in name else name, fontsize=SMALL)
    panels[0].set_title(title)
    panels[-1].set_xlabel(f"time ({recording.time_units})" if recording.time_units else "time step")


def _draw_values(axes, label: str, measures: list[Found], names: Sequence[str]) -> None:
    """A row for each measure; a point without interval is open."""
    from pesin.plot.style import COLOURS, SMALL

    for row, one in enumerate(measures):
        for place, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
            value, low, high = one.values[(name,)]
            y, sure = -row - 0.6 * (place - (len(names) - 1) / 2) / len(names), np.isfinite([low, high]).all()
            axes.plot(value, y, "o", ms=3.5, color=colour, mfc=colour if sure else "w")
            if sure:
                axes.plot([low, high], [y, y], color=colour, lw=1)
    axes.set_yticks(-np.arange(len(measures)), [one.measure.name.replace("_", " ") for one in measures])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(0.5 - len(measures), 0.5)
    axes.grid(axis="y", color="0.93")
    axes.set_xlabel(label)
    axes.set_title("open: no interval", fontsize=SMALL)


def _draw_scales(axes, one: Found, names: Sequence[str]) -> None:
    from pesin.plot.style import COLOURS, SMALL, whiskers

    for name, colour in zip(names, COLOURS, strict=False):
        value, low, high = one.values[(name,)].reshape(3, -1)
        whiskers(axes, 1 + np.arange(len(value)), value, low, high, fmt="o-", color=colour)
    axes.set_title(one.measure.name.replace("_", " ").replace("multiscale", "multiscale\n"), fontsize=SMALL)
    axes.set_xlabel("scale")
    axes.set_ylabel(f"value ({one.measure.units})")


def _drawable(one: Found, names: Sequence[str], dims: int) -> bool:
    """Whether there is a finite number of that many dimensions, the parts among them, for a channel that is drawn."""
    shown = [parts for of, parts in one.values.items() if of and of[0] in names]
    return any(parts.ndim == dims and np.isfinite(parts[0]).any() for parts in shown)


def _told(names: Iterable[str]) -> Iterator[str]:
    """Say on a terminal which measure is at work."""
    for name in names:
        if sys.stderr.isatty():
            print(f"\r{name:<50}", end="", file=sys.stderr, flush=True)
        yield name
    if sys.stderr.isatty():
        print(f"\r{'':<50}\r", end="", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: measure a file, print the table, write NetCDF and picture."""
    parser = argparse.ArgumentParser(prog="pesin-entropy", description=__doc__.splitlines()[0])
    parser.add_argument("file", help="the recording: .nc, .csv, .tsv, .txt, .edf, .bdf or .npy")
    parser.add_argument("--columns", help="the channels: names or numbers from 1, with commas between")
    parser.add_argument("--time", help="column of time; none: the rows are equally spaced")
    parser.add_argument("--gaps", default="error", help="error, longest or interpolate")
    parser.add_argument("--decimal", choices=(".", ","), help="decimal mark of a table")
    parser.add_argument("--only", help="these measures only, with commas between")
    parser.add_argument("--seed", type=int, default=0, help="of resamples")
    parser.add_argument("--to", default=".", help="folder for the NetCDF file and the picture (this one)")
    given = parser.parse_args(arguments)
    path, folder = Path(given.file), Path(given.to)
    try:
        columns = given.columns.split(",") if given.columns else None
        recording = open_recording(
            path, columns=columns, time=given.time, gaps=given.gaps, decimal=given.decimal, fewest=FEWEST
        )
        found = survey(recording, given.only.split(",") if given.only else (), given.seed, _told)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{path}: {len(recording.x)} time steps of {', '.join(recording.names)}")
    for note in recording.notes:
        print(f"  {note}")
    print(f"\n{table(found)}\n")
    folder.mkdir(parents=True, exist_ok=True)
    kept, drawn = folder / f"{path.stem}.entropy.nc", folder / f"{path.stem}.entropy.png"
    result = dataset(found, recording)
    result.attrs |= {"file": str(path), "seed": given.seed, "options": json.dumps(vars(given))}
    write_whole(xr.DataTree(result), kept)
    picture(found, recording, path.name).savefig(drawn, metadata={"Software": None})
    print(f"Written: {kept} and {drawn}. What each measure means: docs/entropy.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
