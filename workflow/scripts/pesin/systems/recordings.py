"""Reads recordings as users have them: NetCDF, text tables (CSV), EDF, or .npy files of shape (time, channels).

What could be meant in two ways, or would spoil a series silently (a missing value, a gap, a column that only counts),
is an error that names the place and says which option decides.
"""

from __future__ import annotations

import csv
import io
import os
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from pesin.errors import UserError, did_you_mean

Gaps = Literal["error", "longest", "interpolate"]
FORMATS = (
    "It must be one of: NetCDF (.nc) with a variable x(time, dim), or those that `columns` names; a table (.csv, .tsv,"
    " .txt) with or without a line of column names, then one line a time step; EDF or BDF (.edf, .bdf); NumPy (.npy)"
    " with a float array of shape (time, dim), no pickled objects."
)
OPTIONS = (
    "Say `gaps: longest` for the longest stretch without any, or `gaps: interpolate` for straight lines across them."
)
NO_TIME = "`time: none` takes the rows as equally spaced."
TIMES = ("datetime", "timestamp", "date", "time", "times", "t", "year", "index", "unnamed: 0", "")  # the best first
PARTS = ("month", "day", "hour", "minute", "second")
MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "?", "."}
NUMBER = {
    mark: re.compile(rf"[+-]?(\d+{mark}?\d*|{mark}\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.I) for mark in (r"\.", ",")
}
UNEVEN = 1.5  # times the usual step: longer is a gap. Calendar months and leap years are no gaps.


@dataclass(frozen=True)
class Recording:
    """A recording without missing values, at equal steps of time."""

    x: np.ndarray
    """Shape (time, channels), float64."""
    names: tuple[str, ...]
    """Of the channels."""
    units: tuple[str, ...]
    """Of the channels; "" where the file doesn't say."""
    time: np.ndarray | None
    """Shape (time,); None if the file has none."""
    time_units: str
    notes: tuple[str, ...]
    """What was left out or filled in, a sentence each."""


@dataclass(frozen=True)
class _Table:
    """What a file holds: NaN for a missing value, times as they come."""

    x: np.ndarray
    names: list[str]
    units: list[str]
    time: np.ndarray | None = None
    time_units: str = ""
    place: Callable[[int], str] = lambda row: f"time step {row}"
    channel: Callable[[str], str] = lambda name: f"column '{name}'"


def read_recording(path: str | Path, where_from: str, fewest: int = 2, **options) -> np.ndarray:
    """The values of a recording, shape (time, dim), float64: `open_recording` says how, and what is refused."""
    return open_recording(path, where_from, fewest, **options).x


def open_recording(
    path: str | Path,
    where_from: str = "",
    fewest: int = 2,
    columns: Sequence[str | int] | None = None,
    time: str | int | None = None,
    gaps: Gaps = "error",
    decimal: str | None = None,
) -> Recording:
    """Read a multichannel recording.

    Parameters
    ----------
    path
        File; its ending, in any case, tells the format. Of NetCDF the library's own fill values are missing values, and
        so is what `_FillValue`, `missing_value` and the valid range say.
    where_from
        Sentence that says where to get the data, for the error messages.
    fewest
        Fewest time steps that make sense.
    columns
        The channels, by name or by number from 1 (NetCDF: names of variables); none: all but those of time, or the
        variable `x`.
    time
        Column or dimension of time, by name or number; "none": the rows are equally spaced. By itself a column called
        time, date, year, index or the like is taken, with quarter, month, day ... beside a year.
    gaps
        What becomes of missing values, steps of time longer than 1.5 of the usual one, and times that come twice:
        "error"; "longest" takes the longest stretch without any; "interpolate" draws straight lines, and takes the mean
        of values of the same time. Infinities are errors in any case; times that fall are so but for "longest".
    decimal
        Of a table: "." or ","; none: found out.

    Raises
    ------
    UserError
        If the file isn't there, has another format or shape, or holds something that isn't a number, is missing, or
        comes at an uneven time. The message names the place, says which option helps, where to get the data and how it
        must look.
    """
    path = Path(path)
    hint = f"{FORMATS} {where_from}".rstrip()
    try:
        if gaps not in get_args(Gaps):
            raise UserError(f"gaps: '{gaps}' isn't known.{did_you_mean('', get_args(Gaps))}")
        if not path.is_file():
            raise UserError("there is no such recording.")
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            raise UserError(f"the ending '{path.suffix}' isn't known.")
        table = reader(path, columns, None if time is None else str(time), decimal)
        return _even(table, gaps, fewest)
    except UserError as error:
        raise UserError(f"{path}: {error} {hint}") from None
    except Exception as error:
        raise UserError(f"{path}: can't be read ({type(error).__name__}: {error}). {hint}") from None


# -------------------------------------------------------------------------------------------- gaps, and what is refused


def _even(table: _Table, gaps: Gaps, fewest: int) -> Recording:
    """The table without missing values, at even steps of time."""
    x, time, notes = table.x, table.time, []
    infinite = np.argwhere(np.isinf(x))
    if len(infinite):
        row, column = infinite[0]
        where = f"{table.place(row)}, {table.channel(table.names[column])}"
        raise UserError(f"{where}: {x[row, column]} isn't a finite number.")
    empty = np.isnan(x)
    if empty.all(axis=0).any():
        raise UserError(f"{table.channel(table.names[int(empty.all(axis=0).argmax())])} holds no numbers at all.")
    faults = _faults_of_time(table)
    if gaps == "error":
        if empty.any():
            row, column = np.argwhere(empty)[0]
            where = f"{table.place(row)}, {table.channel(table.names[column])}"
            raise UserError(f"{where}: the value is missing ({int(empty.sum())} in all). {OPTIONS}")
        if faults:
            raise UserError(f"{faults[min(faults)]} {OPTIONS} {NO_TIME}")
    elif gaps == "longest":
        good = ~empty.any(axis=1)
        first, last = _longest(good, np.array(sorted(faults), int))
        if last - first < len(x):
            notes.append(
                f"the longest stretch without gaps was taken: {last - first} of {len(x)} time steps,"
                f" {table.place(first)} to {table.place(last - 1)}"
            )
        x, time = x[first:last], time if time is None else time[first:last]
    else:
        x, time, filled = _bridged(table, {row for row, said in faults.items() if "falls" in said or "short" in said})
        if filled:
            notes.append(f"{filled} of {x.size} values were filled in by straight lines, which lowers entropies")
    if len(x) < fewest:
        raise UserError(f"it has {len(x)} time steps; at least {fewest} are needed.")
    constant = np.ptp(x, axis=0) == 0
    if constant.any():
        still = table.channel(table.names[int(constant.argmax())])
        raise UserError(f"{still} is constant: leave it out by naming the others in `columns`.")
    return Recording(x, tuple(table.names), tuple(table.units), time, table.time_units, tuple(notes))


def _faults_of_time(table: _Table) -> dict[int, str]:
    """Row -> what is wrong between it and the next."""
    time = table.time
    if time is None or len(time) < 2:
        return {}
    if not np.isfinite(time).all():
        raise UserError(f"{table.place(int(np.argmin(np.isfinite(time))))}: the time is missing. {NO_TIME}")
    steps = np.diff(time)
    if not steps.any():
        raise UserError(f"the time never changes. {NO_TIME}")
    usual = float(np.median(np.abs(steps[steps != 0])))
    found = {}
    for row in np.flatnonzero((steps <= 0) | (steps > UNEVEN * usual) | (steps < usual / 2)).tolist():
        between = f"between {table.place(row)} and {table.place(row + 1)}"
        step = f"{steps[row]:.6g}, where {usual:.6g} is usual"
        if steps[row] < 0:
            found[row] = f"the time falls {between}: sort the file by time."
        elif steps[row] == 0:
            found[row] = f"the same time comes twice, {between}."
        elif steps[row] > usual:
            found[row] = f"there is a gap in time {between}: a step of {step}."
        else:
            found[row] = f"the step of time is too short {between}: {step}."
    return found


def _longest(good: np.ndarray, cuts: np.ndarray) -> tuple[int, int]:
    """First row and row after the last of the longest run of good rows that isn't cut after one of `cuts`."""
    stretch = np.zeros(len(good), int)
    stretch[cuts + 1] = 1
    stretch = np.cumsum(stretch + ~good)  # a bad row begins a stretch, and isn't counted
    runs = np.bincount(stretch[good]) if good.any() else np.zeros(1, int)
    rows = np.flatnonzero(good & (stretch == runs.argmax()))
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 0)


def _bridged(table: _Table, hopeless: set[int]) -> tuple[np.ndarray, np.ndarray | None, int]:
    """Values, times, and how many values were filled in; no known one is changed but for means of the same time."""
    x, time = table.x, table.time
    if hopeless:
        raise UserError(f"{_faults_of_time(table)[min(hopeless)]} That can't be interpolated. {NO_TIME}")
    clock = np.arange(len(x), dtype=float) if time is None else time
    grid, same = np.unique(clock, return_inverse=True)
    if len(grid) < len(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # no value at that time
            x = np.stack([np.nanmean(x[same == place], axis=0) for place in range(len(grid))])
    whole = np.flatnonzero(~np.isnan(x).any(axis=1))
    if not len(whole):
        raise UserError("there is no time at which all channels have a value.")
    x, grid = x[whole[0] : whole[-1] + 1], grid[whole[0] : whole[-1] + 1]  # the ends can't be bridged
    steps = np.diff(grid)
    usual = np.median(steps) if len(steps) else 1.0
    more = np.where(steps > UNEVEN * usual, np.round(steps / usual), 1).astype(int)
    if more.sum() > 2 * len(x):
        raise UserError(
            f"the gaps are longer than the recording: {more.sum() + 1} time steps, {len(x)} known. {NO_TIME}"
        )
    times = np.concatenate(
        [*(np.linspace(a, a + s, n, endpoint=False) for a, s, n in zip(grid, steps, more, strict=False)), grid[-1:]]
    )
    known = ~np.isnan(x)
    filled = np.stack([np.interp(times, grid[k], column[k]) for k, column in zip(known.T, x.T, strict=True)], axis=1)
    return filled, None if time is None else times, int(filled.size - known.sum())


# ------------------------------------------------------------------------------------------------------------- formats


def _npy(path: Path, columns, time, decimal) -> _Table:
    x = np.load(path, allow_pickle=False)
    if x.ndim == 1:
        x = x[:, None]
    return _unnamed(x, columns)


def _edf(path: Path, columns, time, decimal) -> _Table:
    """European data format: signals of one rate, in their physical units."""
    import pyedflib

    with pyedflib.EdfReader(str(path)) as file:
        called = [label.strip() for label in file.getSignalLabels()]
        taken = range(len(called)) if columns is None else _chosen(columns, called, len(called))
        rates = [float(file.getSampleFrequency(signal)) for signal in taken]
        if len(set(rates)) > 1:
            listed = ", ".join(f"{called[signal]} {rate:g}" for signal, rate in zip(taken, rates, strict=True))
            raise UserError(f"signals have several rates (Hz: {listed}): choose those of one by `columns: [..]`.")
        x = np.stack([file.readSignal(signal) for signal in taken], 1)
        units = [file.getPhysicalDimension(signal).strip() for signal in taken]
    clock = None if time == "none" else np.arange(len(x)) / rates[0]
    return _Table(x, [called[signal] for signal in taken], units, clock, "" if clock is None else "s")


def _unnamed(x: np.ndarray, columns, **more) -> _Table:
    """An array of shape (time, channels)."""
    if x.ndim != 2 or x.dtype.kind not in "fiu":
        raise UserError(f"it holds {x.dtype} of shape {x.shape}, not numbers of shape (time, dim).")
    names = [str(column) for column in range(x.shape[1])]
    places = _chosen(columns, [], x.shape[1]) if columns is not None else range(x.shape[1])
    return _Table(
        x[:, list(places)].astype(float),
        [names[place] for place in places],
        [more.pop("unit", "")] * len(places),
        channel=lambda name: f"channel {name}",
        **more,
    )


def _netcdf(path: Path, columns, time, decimal) -> _Table:
    # No file is changed, so HDF5 needs no lock, which many network disks refuse; it reads this when it is loaded.
    os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")
    import netCDF4

    with netCDF4.Dataset(path) as file:
        dims = [name for name in file.dimensions if name == time or (time in (None, "none") and name.lower() == "time")]
        if not dims:
            raise UserError(
                f"there is no dimension '{time or 'time'}'; it has {', '.join(file.dimensions)}: say `time`."
            )
        clock = dims[0]
        held = {
            name: variable
            for name, variable in file.variables.items()
            if clock in variable.dimensions and name != clock and getattr(variable.dtype, "kind", "") in "fiu"
        }
        if columns is None:
            if "x" not in held and len(held) != 1:
                raise UserError(f"there is no variable 'x'. It has {', '.join(held)}: choose by `columns: [..]`.")
            wanted = ["x"] if "x" in held else list(held)
        else:
            for name in columns:
                if name not in held:
                    raise UserError(f"there is no variable '{name}' over '{clock}'.{did_you_mean(name, held)}")
            wanted = list(columns)
        arrays = [_values(held[name], clock) for name in wanted]
        times, units = (None, "") if time == "none" else _netcdf_time(file, clock)
        said = [str(getattr(held[name], "units", "")) for name in wanted]
    if len(arrays) == 1 and arrays[0].shape[1] > 1:
        return _unnamed(arrays[0], None, unit=said[0], time=times, time_units=units)
    wide = [name for name, array in zip(wanted, arrays, strict=True) if array.shape[1] > 1]
    if wide:
        raise UserError(f"the variable '{wide[0]}' has several channels: name it alone in `columns`.")
    if columns is None:
        return _unnamed(arrays[0], None, unit=said[0], time=times, time_units=units)
    return _Table(np.concatenate(arrays, axis=1), wanted, said, times, units)


def _values(variable, clock: str) -> np.ndarray:
    """Shape (time, channels), NaN where a value is missing: by the attributes, or never written."""
    import netCDF4

    variable.set_auto_maskandscale(False)
    raw = variable[:]
    variable.set_auto_maskandscale(True)
    values = np.ma.filled(np.ma.asarray(variable[:]).astype(float), np.nan)
    if raw.dtype.itemsize > 1:  # each byte is a value
        values[raw == netCDF4.default_fillvals[raw.dtype.str[1:]]] = np.nan
    values = np.moveaxis(values, variable.dimensions.index(clock), 0)
    shape = (len(values), *(size for size in values.shape[1:] if size > 1))
    if len(shape) > 2:
        raise UserError(f"the variable '{variable.name}' has the shape {variable.shape}, not (time, dim).")
    return values.reshape(shape[0], -1)


def _netcdf_time(file, clock: str) -> tuple[np.ndarray | None, str]:
    if clock not in file.variables:
        return None, ""
    import cftime

    variable = file.variables[clock]
    times, units = np.ma.filled(np.ma.asarray(variable[:]).astype(float), np.nan), str(getattr(variable, "units", ""))
    if " since" in units:
        try:
            cftime.num2date(times[:1], units, getattr(variable, "calendar", "standard"))
        except Exception as error:
            raise UserError(
                f"the units '{units}' of '{clock}' can't be decoded ({error}). Units of time are such as 's', or "
                f"'seconds since 2000-01-01'. {NO_TIME}"
            ) from None
    return times, units


# --------------------------------------------------------------------------------------------------------------- tables


def _csv(path: Path, columns, time, decimal) -> _Table:
    names, lines, rows = _cells(_text(path), decimal)
    cells = [[row[column].strip() for row in rows] for column in range(len(names))]
    headed = any(names)
    called = [name if headed else str(number) for number, name in enumerate(names, 1)]
    mark = decimal or _decimal(cells)

    def label(name: str) -> str:
        return f"column '{name}'" if headed else f"column {name}"

    def numbers(column: int) -> np.ndarray:
        found = np.full(len(rows), np.nan)
        for row, cell in enumerate(cells[column]):
            if cell.lower() in MISSING:
                continue
            if not NUMBER[mark if mark == "," else r"\."].fullmatch(cell):
                raise UserError(
                    f"line {lines[row]}, {label(called[column])}: '{cell}' isn't a number. If the column is no "
                    "channel, name those that are (`columns: [..]`), or say that it is the `time`."
                )
            found[row] = float(cell.replace(",", "."))
        return found

    clock = _columns_of_time(called if headed else [], time, len(names))
    channels = (
        [column for column in range(len(names)) if column not in clock]
        if columns is None
        else _chosen(columns, called if headed else [], len(names))
    )
    if not channels:
        raise UserError("there is no column beside that of time.")
    x = np.stack([numbers(column) for column in channels], axis=1)
    if columns is None and time is None and len(channels) > 1:
        for column, values in zip(channels, x.T, strict=True):
            steps = np.diff(values)
            if len(steps) > 8 and np.ptp(steps) <= 1e-9 * abs(steps.sum()) and steps[0] != 0:
                raise UserError(
                    f"{label(called[column])} rises or falls in equal steps throughout, as an index or a time does. "
                    f"Say `time: {called[column]}`, or name the channels: `columns: [..]`."
                )
    times, units = _times([called[column] for column in clock], [cells[column] for column in clock], lines, mark)
    return _Table(
        x,
        [called[column] for column in channels],
        [_unit(called[column]) for column in channels],
        times,
        units,
        lambda row: f"line {lines[row]}",
        label,
    )


def _text(path: Path) -> str:
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # only names can differ: numbers are the same in all


def _dates(cells: list[str], form: str | None):
    """A Series of dates, UTC; NaT for what is none. Points between numbers mean that the day comes first."""
    import pandas

    def parsed(day_first: bool):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that the form was found out row by row
            found = pandas.to_datetime(cells, errors="coerce", utc=True, format=form, dayfirst=day_first)
        return pandas.Series(found)

    if all(re.match(r"\d{1,2}\.\d{1,2}\.\d", cell) for cell in cells):
        return parsed(True)
    month_first = parsed(False)
    if all(re.match(r"\d{4}", cell) for cell in cells):  # the year first: nothing to ask
        return month_first
    day_first = parsed(True)
    if month_first.isna().sum() > day_first.isna().sum():
        return day_first
    if not day_first.isna().any() and not month_first.equals(day_first):
        raise UserError(f"'{cells[0]}' may mean two dates: write days as 2020-12-31. {NO_TIME}")
    return month_first


def _cells(text: str, decimal: str | None) -> tuple[list[str], list[int], list[list[str]]]:
    """Names of the columns (empty ones if it has none), the line of each row, and the rows."""
    told = re.match(r"sep=(.)\r?\n", text)  # Excel's own line
    separator = told[1] if told else _separator(text, decimal)
    if told:
        text = "#" + text
    commented = ("\n" if line.startswith("#") else line for line in io.StringIO(text, newline=""))
    reader = csv.reader(commented, delimiter=separator, skipinitialspace=True, strict=True)
    found, line = [], 1
    try:
        for row in reader:
            found.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(f"line {line}: {error}.") from None
    while found and not "".join(found[-1][1]).strip():
        found.pop()
    one = all(len(row) < 2 for _, row in found)  # there an empty line is an empty cell
    found = [(line, row or [""]) for line, row in found if one or "".join(row).strip() or len(row) > 1]
    while one and found and not found[0][1][0].strip():
        found.pop(0)
    if not found:
        raise UserError("the file is empty.")
    top, width = found[0][0], len(found[0][1])
    for line, row in found:
        if len(row) != width:
            cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
            more = ' If commas are decimal ones, say `decimal: ","`.' if width == 1 else ""
            raise UserError(f"line {line} has {cells} where line {top} has {width}.{more}")
    names = [""] * width
    if _is_header(found[0][1], found[1][1] if len(found) > 1 else [""] * width):
        names = [name.strip() for name in found[0][1]]
        found = found[1:]
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise UserError(f"two columns are called '{twice[0]}'.")
    rows = [row for _, row in found]
    while rows and not names[-1] and not any(row[-1].strip() for row in rows):  # separators at the ends of lines
        names, rows = names[:-1], [row[:-1] for row in rows]
    if not rows:
        raise UserError("there are no rows below the names.")
    return names, [line for line, _ in found], rows


def _separator(text: str, decimal: str | None) -> str:
    """Semicolon, tab, bar or comma: the first that most of the first lines hold outside of quotes; else a space."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")][:50]
    bare = [re.sub(r'"[^"]*"', '""', line) for line in lines]
    # Unquoted commas that were said to be decimal separate nothing.
    some = ";\t|" if decimal == "," and not any('"' in line for line in bare) else ";\t|,"
    for separator in some:
        if 2 * sum(separator in line for line in bare) > len(bare):
            return separator
    blank = bare and all(NUMBER[r"\."].fullmatch(word) for word in bare[-1].split()) and len(bare[-1].split()) > 1
    return " " if blank else ";" if some == ";\t|" else ","


def _is_header(first: list[str], second: list[str]) -> bool:
    """A cell that is no number stands above one that is, or above nothing."""
    return any(not _may_be_number(a) and _may_be_number(b) for a, b in zip(first, second, strict=True))


def _may_be_number(cell: str) -> bool:
    cell = cell.strip()
    return cell.lower() in MISSING or any(pattern.fullmatch(cell) for pattern in NUMBER.values())


def _decimal(cells: list[list[str]]) -> str:
    """The decimal mark: a comma if some numbers need it and none a point."""
    flat = [cell for column in cells for cell in column]
    commas = [cell for cell in flat if "," in cell and NUMBER[","].fullmatch(cell)]
    if not commas or any("." in cell and NUMBER[r"\."].fullmatch(cell) and cell not in MISSING for cell in flat):
        return "."
    if all(re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", cell) for cell in commas):
        raise UserError(f'\'{commas[0]}\' may be a thousand or so, or a decimal comma: say `decimal: ","` or ".".')
    return ","


def _chosen(columns: Sequence[str | int], called: list[str], count: int) -> list[int]:
    """Places of columns given by name or by number from 1."""
    found = []
    for column in columns:
        if isinstance(column, str) and column in called:
            found.append(called.index(column))
        elif str(column).isdecimal() and 1 <= int(column) <= count:
            found.append(int(column) - 1)
        else:
            shown = f"'{column}'" if isinstance(column, str) and not column.isdecimal() else column
            raise UserError(f"there is no column {shown}. It has {', '.join(called) if called else f'1 to {count}'}.")
    return found


def _columns_of_time(called: list[str], time: str | None, count: int) -> list[int]:
    """Places of the columns that tell the time, the one to read first."""
    if time == "none":
        return []
    if time is not None:
        return _chosen([time], called, count)
    plain = [re.sub(r"\s*[\[(].*$", "", name) for name in called]
    plain = [name if name == "T" else name.lower() for name in plain]  # T is a temperature
    found = sorted((place for place, name in enumerate(plain) if name in TIMES), key=lambda p: TIMES.index(plain[p]))
    if found and plain[found[0]] == "year":
        found[1:1] = [place for place, name in enumerate(plain) if name in ("quarter", *PARTS)]
    return found


def _unit(name: str) -> str:
    """What stands in brackets at the end of a column's name."""
    found = re.search(r"[\[(]([^\])]*)[\])]\s*$", name)
    return found[1].strip() if found else ""


def _times(names: list[str], cells: list[list[str]], lines: list[int], mark: str) -> tuple[np.ndarray | None, str]:
    """Times as numbers, and their units: of the first of the columns, with those that belong to it."""
    if not names:
        return None, ""
    import pandas

    number = NUMBER[mark if mark == "," else r"\."]
    plain = [name.lower() for name in names]
    numeric = [all(number.fullmatch(cell) for cell in column) for column in cells]
    first, unit = cells[0], _unit(names[0])
    parts = {
        name: np.array(column, float)
        for name, column, fit in zip(plain, cells, numeric, strict=True)
        if fit and name in ("year", "quarter", *PARTS)
    }
    if plain[0] == "year" and len(parts) > 1:
        if "month" not in parts:
            return parts["year"] + (parts.get("quarter", np.ones(len(first))) - 1) / 4, "year"
        parts = {"day": np.ones(len(first)), **parts}
        dates = pandas.to_datetime(pandas.DataFrame({name: parts[name] for name in parts if name != "quarter"}))
    elif numeric[0] and not (plain[0] in TIMES[:3] and all(re.fullmatch(r"(1|2)\d{7}", cell) for cell in first)):
        return np.array([float(cell.replace(",", ".")) for cell in first]), "year" if plain[0] == "year" else unit
    else:
        if "date" in plain and "time" in plain and not numeric[plain.index("time")]:
            first = [
                f"{day} {hour}"
                for day, hour in zip(cells[plain.index("date")], cells[plain.index("time")], strict=True)
            ]
        dates = _dates(first, "%Y%m%d" if numeric[0] else None)
    if dates.isna().any():
        row = int(dates.isna().argmax())
        raise UserError(f"line {lines[row]}, column '{names[0]}': '{first[row]}' isn't a time. {NO_TIME}")
    start = dates.iloc[0].tz_localize(None)
    return (dates - dates.iloc[0]).dt.total_seconds().to_numpy(), f"seconds since {start.isoformat(sep=' ')}"


READERS: dict[str, Callable[..., _Table]] = {
    ".nc": _netcdf,
    ".nc4": _netcdf,
    ".cdf": _netcdf,
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _csv,
    ".dat": _csv,
    ".edf": _edf,
    ".bdf": _edf,
    ".npy": _npy,
}
