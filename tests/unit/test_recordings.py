"""Recordings from files as users have them, real ones among them; errors that name the line and say what to type."""

import warnings
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from pesin.errors import UserError
from pesin.systems.recordings import open_recording, read_recording

WHERE = "Get it from the authors' repository."
N = 50


@pytest.fixture
def x():
    return np.random.default_rng(0).standard_normal((N, 3))


def written(tmp_path, text, name="x.csv", encoding="utf-8"):
    (tmp_path / name).write_bytes(text.encode(encoding))
    return tmp_path / name


def netcdf(path, x, time=None, units="s", dtype="f8", **attributes):
    """A file as other programs write it; `x` holds raw values."""
    fill = attributes.pop("_FillValue", None)
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", len(x))
        file.createDimension("dim", x.shape[1])
        variable = file.createVariable("x", dtype, ("time", "dim"), fill_value=fill)
        variable.set_auto_maskandscale(False)
        variable[:] = x
        variable.setncatts(attributes)
        if time is not None:
            clock = file.createVariable("time", "f8", ("time",))
            clock[:] = time
            clock.units = units
    return path


def statsmodels(name):
    import statsmodels.datasets

    return Path(statsmodels.datasets.__file__).parent / name / f"{name}.csv"


# ------------------------------------------------------------------------------------------------------ what they hold


def test_three_formats_give_the_same_numbers(tmp_path, x):
    xr.Dataset({"x": (("dim", "time"), x.T)}).to_netcdf(tmp_path / "x.nc")
    np.save(tmp_path / "x.npy", x.astype(np.float32))
    np.savetxt(tmp_path / "x.csv", x, delimiter=",", header="a,b,c", comments="")
    for name in ("x.nc", "x.npy", "x.csv"):
        np.testing.assert_allclose(read_recording(tmp_path / name, WHERE), x, rtol=1e-6)


@pytest.mark.parametrize("name", ["x.CSV", "x.Nc", "x.NPY"])
def test_endings_in_any_case(tmp_path, x, name):
    if name == "x.CSV":
        np.savetxt(tmp_path / name, x, delimiter=",", header="a,b,c", comments="")
    elif name == "x.Nc":
        netcdf(tmp_path / name, x)
    else:
        with open(tmp_path / name, "wb") as file:
            np.save(file, x)
    np.testing.assert_allclose(read_recording(tmp_path / name, WHERE), x, rtol=1e-12)


def test_pickled_objects_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}] * 5, dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="allow_pickle"):
        read_recording(tmp_path / "x.npy", WHERE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:, 0, None, None], "of shape"),
        (lambda x: x[:5], "5 time steps"),
        (lambda x: np.where(x == x[7, 1], np.nan, x), "time step 7, channel 1"),
        (lambda x: np.where(x == x[7, 1], np.inf, x), "time step 7, channel 1"),
        (lambda x: x * [1, 0, 1], "channel 1 is constant"),
    ],
)
def test_faults_are_named(tmp_path, x, change, message):
    np.save(tmp_path / "x.npy", change(x))
    with pytest.raises(UserError, match=message) as error:
        read_recording(tmp_path / "x.npy", WHERE, fewest=10)
    assert WHERE in str(error.value) and "NetCDF" in str(error.value)


def test_missing_and_unknown(tmp_path, x):
    with pytest.raises(UserError, match="no such recording"):
        read_recording(tmp_path / "x.nc", WHERE)
    (tmp_path / "x.mat").write_text("")
    with pytest.raises(UserError, match=r"'\.mat' isn't known"):
        read_recording(tmp_path / "x.mat", WHERE)


# ---------------------------------------------------------------------------------------------------------------- CSV


def as_text(x, separator, decimal=".", header=("a", "b", "c"), quote="", newline="\n"):
    rows = [separator.join(f"{quote}{value!r}{quote}".replace(".", decimal) for value in row) for row in x.tolist()]
    return newline.join(([separator.join(header)] if header else []) + rows) + newline


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", [("a", "b", "c"), None])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_table_gives_the_same_bits(tmp_path, x, separator, header, quote, newline, encoding):
    path = written(tmp_path, as_text(x, separator, header=header, quote=quote, newline=newline), encoding=encoding)
    np.testing.assert_array_equal(read_recording(path, WHERE), x)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas(tmp_path, x, separator):
    path = written(tmp_path, as_text(x, separator, decimal=","))
    np.testing.assert_array_equal(read_recording(path, WHERE), x)


def test_quoted_decimal_commas_between_commas(tmp_path, x):
    path = written(tmp_path, as_text(x, ",", decimal=",", quote='"'))
    np.testing.assert_array_equal(read_recording(path, WHERE), x)


def test_one_column_of_decimal_commas_is_named_or_told(tmp_path, x):
    path = written(tmp_path, as_text(x[:, :1], ";", decimal=",", header=("a",)))
    with pytest.raises(UserError, match="line 2 has 2 cells where line 1 has 1.*decimal"):
        read_recording(path, WHERE)
    np.testing.assert_array_equal(read_recording(path, WHERE, decimal=","), x[:, :1])


@pytest.mark.parametrize("name", ["time", "Year", "t", "INDEX", "date", "", "Unnamed: 0", "time [s]", "t(ms)"])
def test_a_column_of_time_is_no_channel(tmp_path, x, name):
    rows = np.column_stack([np.arange(N), x])
    path = written(tmp_path, as_text(rows, ",", header=(f'"{name}"', "a", "b", "c")))
    np.testing.assert_array_equal(read_recording(path, WHERE), x)


@pytest.mark.parametrize("header", [("number", "a", "b", "c"), None])
def test_a_column_that_counts_is_named(tmp_path, x, header):
    path = written(tmp_path, as_text(np.column_stack([1 + np.arange(N), x]), ",", header=header))
    with pytest.raises(UserError, match="equal steps.*columns"):
        read_recording(path, WHERE)
    np.testing.assert_array_equal(read_recording(path, WHERE, columns=[2, 4]), x[:, [0, 2]])
    np.testing.assert_array_equal(read_recording(path, WHERE, time=1), x)
    np.testing.assert_array_equal(read_recording(path, WHERE, columns=[1, 2])[:, 0], 1 + np.arange(N))


def test_columns_by_name_and_in_that_order(tmp_path, x):
    path = written(tmp_path, as_text(x, ";"))
    np.testing.assert_array_equal(read_recording(path, WHERE, columns=["c", "a"]), x[:, [2, 0]])
    with pytest.raises(UserError, match="no column 'pressure'.*a, b, c"):
        read_recording(path, WHERE, columns=["pressure"])
    with pytest.raises(UserError, match="no column 4"):
        read_recording(path, WHERE, columns=[4])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n4,5\n", "line 3 has 1 cell where line 1 has 2"),
        ("a,b\n1,2\n\n3,4\n5,6,7\n", "line 5 has 3 cells where line 1 has 2"),
        ('"a\n(mV)",b\n1,2\n3\n4,5\n', "line 4 has 1 cell"),
        ("a,b\n1,2\n3,x\n4,5\n", "line 3, column 'b': 'x' isn't a number"),
        ("a,b\n1,2\n3,\n4,5\n", "line 3, column 'b'.*gaps"),
        ("a;b\n1;2\n3;1.234,5\n4,5;5\n", "line 3, column 'b': '1.234,5' isn't a number"),
        ("a;b\n1.5;2\n3;1,5\n4;5\n", "line 3, column 'b': '1,5' isn't a number"),
        ("a,b\n1,2\n3,1_000\n4,5\n", "line 3, column 'b': '1_000' isn't a number"),
        ("a,b\n1,2\n3,inf\n4,5\n", "line 3, column 'b': inf"),
        ("a,a\n1,2\n2,3\n4,5\n", "two columns are called 'a'"),
        ("", "empty"),
        ("a,b\n", "no rows"),
        ('a,b\n1,2\n"3,4\n5,6\n', "line"),
    ],
)
def test_faults_of_a_table_name_the_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as error:
        read_recording(written(tmp_path, text), WHERE)
    assert "x.csv" in str(error.value)


def test_text_columns_can_be_left_out_and_comments_and_latin_1_are_read(tmp_path):
    path = written(tmp_path, "# made in Orléans\nlieu,été\nA,1\nB,3\nC,2\n", encoding="latin-1")
    with pytest.raises(UserError, match="line 3, column 'lieu': 'A' isn't a number.*columns"):
        read_recording(path, WHERE)
    np.testing.assert_array_equal(read_recording(path, WHERE, columns=["été"])[:, 0], [1, 3, 2])


# --------------------------------------------------------------------------------------------------- time and its gaps


def tables(tmp_path, x, time):
    """The same recording as CSV and as NetCDF."""
    rows = np.column_stack([time, x])
    yield written(tmp_path, as_text(rows, ",", header=("time", "a", "b", "c")))
    yield netcdf(tmp_path / "x.nc", x, time)


@pytest.mark.parametrize(
    ("time", "message"),
    [
        (np.delete(np.arange(N + 3), [20, 21, 22]), "gap"),
        (np.maximum(np.arange(N) - (np.arange(N) >= 20), 0), "twice"),
        (np.where(np.arange(N) == 20, 3, np.arange(N)), "falls"),
    ],
)
def test_time_that_does_not_rise_evenly_is_named(tmp_path, x, time, message):
    for path in tables(tmp_path, x, time):
        with pytest.raises(UserError, match=message) as error:
            read_recording(path, WHERE)
        assert ("line 21 and line 22" if path.suffix == ".csv" else "time step 19 and time step 20") in str(error.value)


def test_gaps_are_cut_or_bridged_when_asked(tmp_path):
    time = np.arange(60.0)
    line = np.column_stack([3 * time + 1, -time, np.cos(time)])
    kept = np.delete(np.arange(60), [20, 21, 22])
    holed = line.copy()
    holed[30, 0] = np.nan
    for path in tables(tmp_path, holed[kept], time[kept]):
        np.testing.assert_array_equal(read_recording(path, WHERE, gaps="longest"), line[31:])
        filled = read_recording(path, WHERE, gaps="interpolate")
        np.testing.assert_allclose(filled[:, :2], line[:, :2], rtol=1e-12)
        np.testing.assert_array_equal(filled[kept, 2], line[kept, 2])


def test_gaps_of_a_recording_without_times_are_missing_values(tmp_path, x):
    x[:3], x[20, 1] = np.nan, np.nan
    np.save(tmp_path / "x.npy", x)
    np.testing.assert_array_equal(read_recording(tmp_path / "x.npy", WHERE, gaps="longest"), x[21:])
    filled = read_recording(tmp_path / "x.npy", WHERE, gaps="interpolate")
    assert len(filled) == N - 3 and filled[17, 1] == pytest.approx((x[19, 1] + x[21, 1]) / 2)
    with pytest.raises(UserError, match="gaps.*error, interpolate, longest"):
        read_recording(tmp_path / "x.npy", WHERE, gaps="lognest")


def test_gaps_longer_than_the_recording_are_not_bridged(tmp_path, x):
    time = np.arange(N) + 1e8 * (np.arange(N) > 20)
    for path in tables(tmp_path, x, time):
        with pytest.raises(UserError, match="gaps are longer than the recording"):
            read_recording(path, WHERE, gaps="interpolate")
        np.testing.assert_array_equal(read_recording(path, WHERE, gaps="longest"), x[21:])


def test_dates_are_times(tmp_path):
    days = np.datetime64("2020-02-25") + np.arange(8)
    text = "date,value\n" + "".join(f"{day},{i**2}\n" for i, day in enumerate(days))
    np.testing.assert_array_equal(read_recording(written(tmp_path, text), WHERE)[:, 0], np.arange(8) ** 2)
    with pytest.raises(UserError, match="gap.*line 4 and line 5"):
        read_recording(written(tmp_path, text.replace("2020-02-28,9\n", "")), WHERE)
    with pytest.raises(UserError, match="line 3, column 'date': 'yesterday' isn't a time"):
        read_recording(written(tmp_path, text.replace("2020-02-26", "yesterday")), WHERE)


@pytest.mark.parametrize(
    ("form", "good"),
    [("%d.%m.%Y", True), ("%d/%m/%Y", True), ("%m/%d/%Y", True), ("%d-%b-%y", True), ("%Y-%m-%dT%H:%M+02:00", True)],
)
@pytest.mark.parametrize("first", ["2020-02-25", "2020-02-01"])
def test_dates_as_people_write_them(tmp_path, form, good, first):
    days = (np.datetime64(first) + np.arange(6)).tolist()
    text = "date;x\n" + "".join(f"{day.strftime(form)};{i**2}\n" for i, day in enumerate(days))
    path = written(tmp_path, text)
    if "/" in form and first.endswith("01"):  # day and month can't be told apart
        with pytest.raises(UserError, match="may mean two dates"):
            open_recording(path)
        assert len(open_recording(path, time="none", columns=["x"]).x) == 6
    else:
        np.testing.assert_array_equal(open_recording(path).time, 86400 * np.arange(6))


def test_excel_s_own_first_line_and_blanks_between_numbers(tmp_path, x):
    path = written(tmp_path, "sep=;\r\n" + as_text(x, ";", decimal=",", newline="\r\n"))
    np.testing.assert_array_equal(read_recording(path, WHERE), x)
    np.savetxt(tmp_path / "x.dat", x, fmt="%22.16e", header="a b c")
    np.testing.assert_array_equal(read_recording(tmp_path / "x.dat", WHERE), x)


def test_thousands_are_not_taken_for_decimals(tmp_path):
    for text in ('a,b\n"1,234",2\n"5,678",3\n', "a;b\n1,234;2\n5,678;3\n"):
        path = written(tmp_path, text)
        with pytest.raises(UserError, match="'1,234' may be"):
            read_recording(path, WHERE)
        assert read_recording(path, WHERE, decimal=",")[0, 0] == 1.234


# ------------------------------------------------------------------------------------------------------------- NetCDF


@pytest.mark.parametrize("dtype", ["f8", "f4", "i2", "i4", "i8", "u2"])
@pytest.mark.parametrize("attributes", [{}, {"_FillValue": 99}, {"missing_value": 98}, {"scale_factor": 0.5}])
def test_the_library_s_fill_values_are_missing_whatever_the_attributes_say(tmp_path, dtype, attributes):
    raw = (np.arange(3 * N).reshape(N, 3) % 31).astype(dtype)
    raw[7, 1] = netCDF4.default_fillvals[dtype]
    if "_FillValue" in attributes:
        attributes = {"_FillValue": np.dtype(dtype).type(99)}
    path = netcdf(tmp_path / "x.nc", raw, dtype=dtype, **attributes)
    with pytest.raises(UserError, match="time step 7, channel 1.*missing"):
        read_recording(path, WHERE)
    found = read_recording(path, WHERE, gaps="longest")
    np.testing.assert_array_equal(found, raw[8:] * attributes.get("scale_factor", 1.0))


@pytest.mark.parametrize("units", ["furlongs since Tuesday", "seconds since", "months since 2000-01-01"])
def test_times_that_can_not_be_decoded_give_a_sentence(tmp_path, x, units):
    path = netcdf(tmp_path / "x.nc", x, np.arange(N), units)
    with pytest.raises(UserError, match=f"units '{units}' of 'time' can't be decoded.*seconds since 2000-01-01"):
        read_recording(path, WHERE)


def test_times_that_can_be_decoded(tmp_path, x):
    for units in ("s", "ms", "seconds since 2000-01-01", "hours since 1850-1-1 00:00"):
        path = netcdf(tmp_path / "x.nc", x, np.arange(N), units)
        np.testing.assert_array_equal(read_recording(path, WHERE), x)


def test_variables_of_other_names(tmp_path, x):
    data = xr.Dataset({"u": ("time", x[:, 0]), "v": ("time", x[:, 1])}, {"time": np.arange(N)})
    data.to_netcdf(tmp_path / "x.nc")
    with pytest.raises(UserError, match="no variable 'x'.*u, v.*columns"):
        read_recording(tmp_path / "x.nc", WHERE)
    np.testing.assert_array_equal(read_recording(tmp_path / "x.nc", WHERE, columns=["v", "u"]), x[:, [1, 0]])
    data[["u"]].to_netcdf(tmp_path / "u.nc")
    np.testing.assert_array_equal(read_recording(tmp_path / "u.nc", WHERE), x[:, :1])


# --------------------------------------------------------------------------------------------------------- real files


def test_sunspots_nile_and_macrodata():
    sunspots = read_recording(statsmodels("sunspots"), WHERE)
    assert sunspots.shape == (309, 1) and sunspots[[0, 1, -1], 0].tolist() == [5, 11, 2.9]
    nile = read_recording(statsmodels("nile"), WHERE)
    assert nile.shape == (100, 1) and nile[[0, 1, -1], 0].tolist() == [1120, 1160, 740]
    macro = read_recording(statsmodels("macrodata"), WHERE)  # year and quarter are times
    assert macro.shape == (203, 12) and macro[0, :2].tolist() == [2710.349, 1707.4]


def test_carbon_dioxide_has_gaps_and_dates_without_dashes():
    path = statsmodels("co2")
    with pytest.raises(UserError, match="line 8, column 'co2'"):
        read_recording(path, WHERE)
    found = read_recording(path, WHERE, gaps="longest")
    rows = [line.split(",")[1] for line in path.read_text().split()[1:]]
    longest = max(len(run.split()) for run in " ".join(row or "|" for row in rows).split("|"))
    assert found.shape == (longest, 1)
    assert read_recording(path, WHERE, gaps="interpolate").shape == (2284, 1)


def test_prices_on_weekdays_and_a_table_for_each_month():
    from matplotlib.cbook import get_sample_data

    path = get_sample_data("msft.csv", asfileobj=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as pandas' about how dates are written
        with pytest.raises(UserError, match="falls between line 2 and line 3"):  # newest first
            read_recording(path, WHERE)
    assert read_recording(path, WHERE, time="none", columns=["Close"]).shape[1] == 1
    assert read_recording(statsmodels("elnino"), WHERE).shape == (61, 12)


def test_an_eeg(tmp_path):
    from matplotlib.cbook import get_sample_data

    eeg = np.frombuffer(Path(get_sample_data("eeg.dat", asfileobj=False)).read_bytes()).reshape(800, 4)
    np.save(tmp_path / "eeg.npy", eeg)
    np.testing.assert_array_equal(read_recording(tmp_path / "eeg.npy", WHERE), eeg)


def test_a_heart_as_an_electrocardiograph_writes_it(tmp_path):
    """OpenSignals' text: a commented head, no names, a tab at the end of each line, channels that are off."""
    beat = 500 + np.round(200 * np.exp(-(((np.arange(300) % 80) - 40) ** 2) / 8)).astype(int)
    rows = "".join(f"{i % 16}\t1\t0\t{value}\t\n" for i, value in enumerate(beat))
    path = written(
        tmp_path, f'# OpenSignals Text File Format\n# {{"sensor": ["ECG"]}}\n# EndOfHeader\n{rows}', "ecg.txt"
    )
    np.testing.assert_array_equal(read_recording(path, WHERE, columns=[4])[:, 0], beat)
    with pytest.raises(UserError, match="column 2 is constant: leave it out by naming the others in `columns`"):
        read_recording(path, WHERE)


def test_an_edf_file_and_signals_of_two_rates(tmp_path):
    """The test file of pyedflib: ten minutes at 200 Hz in microvolts, a sine of 1 Hz among its signals."""
    import pyedflib

    path = Path(pyedflib.__file__).parent / "data" / "test_generator.edf"
    found = open_recording(path, WHERE, columns=["sine 1 Hz", 5])
    assert (found.names, found.units, found.time_units) == (("sine 1 Hz", "sine 1 Hz"), ("uV", "uV"), "s")
    assert found.x.shape == (120_000, 2) and found.time[-1] == 599.995
    assert np.abs(np.fft.rfft(found.x[:2000, 0]))[1:].argmax() == 9  # ten turns in ten seconds
    with pytest.raises(UserError, match="no column 'ECG'.*squarewave, ramp"):
        read_recording(path, WHERE, columns=["ECG"])
    mixed = tmp_path / "mixed.EDF"
    heads = pyedflib.highlevel.make_signal_headers(["fast", "slow"], sample_frequency=100)
    heads[1]["sample_frequency"] = 50
    t = np.arange(200) / 100
    pyedflib.highlevel.write_edf(str(mixed), [100 * np.sin(9 * t), 100 * np.cos(9 * t[::2])], heads)
    with pytest.raises(UserError, match="fast 100, slow 50.*columns"):
        read_recording(mixed, WHERE)
    np.testing.assert_allclose(
        read_recording(mixed, WHERE, columns=["slow"])[:, 0], 100 * np.cos(9 * t[::2]), atol=0.02
    )
