"""Every entropy that suits a recording: as a new user would ask for them, on real files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import statsmodels.datasets
import xarray as xr

from pesin.entropy.registry import MEASURES, get
from pesin.entropy.resampling import resample
from pesin.errors import UserError
from pesin.survey import PARTS, main, survey, table
from pesin.systems.recordings import Recording
from project import ROOT

DATASETS = Path(statsmodels.datasets.__file__).parent


def recording(x, names=None):
    names = tuple(names or "abcdefgh"[: x.shape[1]])
    return Recording(x, names, ("",) * len(names), None, "", ())


def of(found, name):
    return next(one for one in found if one.measure.name == name)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).normal(size=(700, 2))


@pytest.fixture(scope="module")
def noise_survey(noise):
    return survey(recording(noise))


def test_each_measure_of_series_clouds_and_pairs_is_there_with_the_registry_s_value(noise, noise_survey):
    taken = ("series", "symbols", "two series", "pairs", "samples", "matrix")
    suiting = [m.name for m in MEASURES.values() if m.takes in taken] + ["pair_irreversibility"]
    assert sorted(one.measure.name for one in noise_survey) == sorted(suiting)
    for one in noise_survey:
        if one.measure.takes == "series":
            for column, name in enumerate("ab"):
                np.testing.assert_array_equal(one.values[(name,)][0], get(one.measure.name)(noise[:, column]).value)
    x, y = noise.T
    assert of(noise_survey, "transfer_entropy").values[("b", "a")][0] == get("transfer_entropy")(y, x).value
    assert (
        of(noise_survey, "mutual_information").values[("a", "b")][0]
        == get("mutual_information")(x[:, None], y[:, None]).value
    )


def test_intervals_are_those_of_resample(noise, noise_survey):
    found = of(noise_survey, "sample_entropy").values[("a",)]
    assert found[1] < found[0] < found[2]
    other = resample("sample_entropy", noise[:, 0], rng=np.random.default_rng(5))
    np.testing.assert_allclose(found[2] - found[1], other.high - other.low, rtol=0.4)  # other resamples
    assert np.isfinite(of(noise_survey, "differential_entropy").values[()]).all()


def test_what_does_not_suit_says_why():
    walk = np.cumsum(np.random.default_rng(1).normal(size=(60, 2)), axis=0)
    found = survey(recording(walk))
    notes = table(found)
    assert "few points" in notes and "60 points, 600 are advised" in notes
    differential = of(found, "differential_entropy")
    assert np.isfinite(differential.values[()][0]) and np.isnan(differential.values[()][1])
    assert any("independent samples" in note for note in differential.notes)
    short = survey(recording(walk[:20]))
    assert any("takes 38 points, there are 20" in note for note in of(short, "rosenstein_exponent").notes)
    assert np.isnan(of(short, "rosenstein_exponent").values[("a",)]).all()
    assert {MEASURES[one.measure.name].avoid.rstrip(".")[:20] in notes.replace("\n    ", " ") for one in found} == {
        True
    }


def test_costly_measures_are_left_out_of_long_recordings():
    x = np.random.default_rng(2).normal(size=(20_001, 1))
    found = survey(recording(x), ["sample_entropy", "diffusion_spectral_entropy", "permutation_entropy"])
    assert any("cost grows as N^2" in note for note in of(found, "sample_entropy").notes)
    assert any("cost grows as N^3" in note for note in of(found, "diffusion_spectral_entropy").notes)
    assert np.isfinite(of(found, "permutation_entropy").values[("a",)]).all()


def test_few_integers_are_symbols_and_other_channels_are_cut_at_their_median():
    x = np.random.default_rng(3).integers(3, size=(400, 1))
    found = of(survey(recording(x - 1.0), ["entropy_rate"]), "entropy_rate")
    assert found.values[("a",)][0] == get("entropy_rate")(x[:, 0]).value
    cut = of(survey(recording(x + 0.5), ["entropy_rate"]), "entropy_rate")
    assert cut.values[("a",)][0] == get("entropy_rate")((x[:, 0] > np.median(x)).astype(int)).value


def test_a_name_that_is_no_measure_is_named():
    with pytest.raises(UserError, match="'pesin_entropy' is no measure of such a recording.*permutation_entropy"):
        survey(recording(np.random.default_rng(0).normal(size=(50, 1))), ["pesin_entropy"])


@pytest.mark.parametrize(
    ("name", "channels", "units"), [("sunspots", 1, "year"), ("nile", 1, "year"), ("macrodata", 12, "year")]
)
def test_real_files_as_a_new_user(tmp_path, capsys, name, channels, units):
    path = DATASETS / name / f"{name}.csv"
    assert main([str(path), "--to", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "permutation_entropy" in said and "What to know" in said
    with xr.open_dataset(tmp_path / f"{name}.entropy.nc") as kept:
        assert kept.sizes["channel"] == channels and kept["part"].values.tolist() == list(PARTS)
        assert kept["time"].attrs["units"] == units
        values = kept["permutation_entropy"].sel(part="value")
        np.testing.assert_allclose(
            values, [get("permutation_entropy")(x).value for x in kept["recording"].values.T], rtol=1e-12
        )
        for variable in kept.data_vars.values():
            assert variable.attrs["units"] and variable.attrs["long_name"]
    assert (tmp_path / f"{name}.entropy.png").read_bytes().startswith(b"\x89PNG")


def test_dates_come_back_as_dates(tmp_path):
    assert (
        main(
            [str(DATASETS / "co2/co2.csv"), "--gaps", "longest", "--only", "permutation_entropy", "--to", str(tmp_path)]
        )
        == 0
    )
    with xr.open_dataset(tmp_path / "co2.entropy.nc") as kept:
        assert kept["time"].dtype.kind == "M" and "longest stretch" in kept.attrs["notes"]


def test_make_entropy(tmp_path):
    path = tmp_path / "rec.csv"
    path.write_text("time;x\n" + "".join(f"{t};{np.cos(t**2):.6f}\n".replace(".", ",") for t in range(300)))
    ask = f"ARGS=--to {tmp_path} --only permutation_entropy,sample_entropy"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    command = ["make", "-s", "-o", ".venv/.ready", "entropy", f"FILE={path}", f"PY='{sys.executable}'", ask]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "sample_entropy" in done.stdout and (tmp_path / "rec.entropy.nc").is_file()
    missing = subprocess.run(
        [*command[:5], f"FILE={tmp_path / 'no.csv'}", *command[6:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert missing.returncode != 0 and "no such recording" in missing.stderr and "Traceback" not in missing.stderr
