"""The RO-Crate of a results folder: files that are there, what they say of themselves, and what they were made from."""

import json

import pytest
import xarray as xr
from rocrate.rocrate import ROCrate

from made_up import made_up
from pesin.claims.crate import write_crate
from pesin.errors import UserError
from pesin.steps.files import publish
from project import ROOT


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two made-up papers with figures, and two results of the first, the second made from the first."""
    folder = tmp_path_factory.mktemp("crate") / "results/laptop"
    made_up(folder, papers=2, figures=1)
    data = xr.Dataset({"x": ("time", [1.0, 2.0], {"units": "1", "long_name": "x"})})
    for step, inputs in (("simulate", {}), ("entropy", {"data": "digest of simulate"})):
        path = folder / "paper_00" / step / "flow.nc"
        inputs = {name: xr.load_dataset(folder / "paper_00/simulate/flow.nc").attrs["digest"] for name in inputs}
        said = {"study": "paper_00", "step": step, "case": "flow", "seed": 7, "inputs": json.dumps(inputs)}
        publish(data, path, said)
    write_crate(folder, ROOT)
    return folder


def entities(folder):
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    return {entity["@id"]: entity for entity in graph}


def test_every_file_it_names_is_there(folder):
    files = [e for e in entities(folder).values() if "File" in e["@type"]]
    assert len(files) > 8
    for entity in files:
        assert (folder / entity["@id"]).is_file(), entity["@id"]


def test_the_run_names_workflow_inputs_and_outputs(folder):
    found = entities(folder)
    root = found["./"]
    assert {part["@id"] for part in root["conformsTo"]} >= {"https://w3id.org/ro/wfrun/workflow/0.5"}
    assert "ComputationalWorkflow" in found[root["mainEntity"]["@id"]]["@type"]
    run = found[root["mentions"]["@id"] if isinstance(root["mentions"], dict) else root["mentions"][0]["@id"]]
    assert run["@type"] == "CreateAction" and run["instrument"]["@id"] == root["mainEntity"]["@id"]
    results = {part["@id"] for part in run["result"]}
    assert {"ledger.csv", "ledger.json", "ledger.html", "paper_00/entropy/flow.nc"} <= results
    assert "paper_01/figures/figure_0.svg" in results


def test_a_result_says_its_seed_and_what_it_was_made_from(folder):
    found = entities(folder)
    entropy = found["paper_00/entropy/flow.nc"]
    said = {found[part["@id"]]["name"]: found[part["@id"]]["value"] for part in entropy["additionalProperty"]}
    assert said["seed"] == "7" and len(said["digest"]) == 64
    based = entropy["isBasedOn"]
    assert (based if isinstance(based, dict) else based[0])["@id"] == "paper_00/simulate/flow.nc"


def test_it_opens_again_and_is_made_again(folder):
    before = (folder / "ro-crate-metadata.json").read_text()
    assert ROCrate(folder).mainEntity.id == "source/Snakefile"
    write_crate(folder, ROOT)
    assert set(entities(folder)) == {entity["@id"] for entity in json.loads(before)["@graph"]}


def test_a_folder_without_a_ledger_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match="'make run' makes it"):
        write_crate(tmp_path, ROOT)
