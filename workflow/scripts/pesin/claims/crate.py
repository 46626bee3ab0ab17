"""Writes a Workflow Run RO-Crate (profile 0.5) of a results folder: the workflow, its run, every file's origin."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from pesin.claims.facts import Ledger
from pesin.claims.provenance import attributes
from pesin.errors import UserError

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
SOURCE = ("Snakefile", "config", "workflow", "envs")
# What a NetCDF file says of itself; `inputs` holds the digests of the results it was made from.
SAID = (
    "study case step scale parameters seed digest code_digest inputs versions device threads status wall_time host"
).split()


def write_crate(folder: Path, project: Path) -> Path:
    """Write `ro-crate-metadata.json` into a results folder, and a copy of the workflow beside it, in `source/`.

    Parameters
    ----------
    folder
        results/<scale> of a finished run.
    project
        The project's root: Snakefile, config, workflow and envs are copied from it.

    Raises
    ------
    UserError
        If the folder holds no ledger.
    """
    from rocrate.rocrate import ROCrate

    ledger = folder / "ledger.json"
    if not ledger.is_file():
        raise UserError(f"{ledger} is not there: 'make run' makes it, and the crate describes what a run made.")
    facts = Ledger.model_validate_json(ledger.read_text(encoding="utf-8"))
    for part in SOURCE:
        _copied(project / part, folder / "source" / part)
    crate = ROCrate(version="1.1")  # the version that the run profiles build on
    crate.name = f"Pesin: claims on entropy and learned dynamics, re-run at {facts.scale} scale"
    crate.description = (
        f"Results, figures and verdicts of {len(facts.claims)} claims of {len(facts.papers)} papers, with the workflow "
        "that made them."
    )
    crate.license = "https://spdx.org/licenses/MIT"
    made = datetime.fromtimestamp(ledger.stat().st_mtime, UTC)
    crate.root_dataset["datePublished"] = made.isoformat(timespec="seconds")
    workflow = _workflow(crate, folder)
    results = _results(crate, folder)
    outputs = [*results, *_outputs(crate, folder, facts)]
    _profiles(crate)
    agent = _entity(crate, "#runner", "Organization", name="Whoever ran Pesin on this machine")
    run = _entity(
        crate,
        "#run",
        "CreateAction",
        name=f"Run of Pesin at {facts.scale} scale",
        instrument=workflow,
        agent=agent,
        object=_config(crate, folder, facts),
        result=outputs,
        endTime=made.isoformat(timespec="seconds"),
        actionStatus="http://schema.org/CompletedActionStatus",
    )
    crate.root_dataset["mentions"] = run
    crate.metadata.write(folder)
    return folder / "ro-crate-metadata.json"


def _workflow(crate, folder: Path):
    workflow = crate.add_workflow(folder / "source/Snakefile", "source/Snakefile", main=True, lang="snakemake")
    workflow["name"] = "Pesin"
    for part in SOURCE[1:]:
        crate.add_directory(folder / "source" / part, f"source/{part}", properties={"name": part})
    return workflow


def _results(crate, folder: Path) -> list:
    """Each NetCDF file as a data entity that carries its own attributes, and links to the results it was made from."""
    paths = sorted(path for path in folder.glob("*/*/*.nc"))
    found = {path: attributes(path) for path in paths}
    made, by_digest = {}, {}
    for path, said in found.items():
        name = path.relative_to(folder).as_posix()
        entity = crate.add_file(path, name, properties={"name": name, "encodingFormat": "application/x-netcdf"})
        entity["contentSize"] = str(path.stat().st_size)
        entity["additionalProperty"] = [
            _entity(crate, f"#{name}.{key}", "PropertyValue", name=key, value=str(said[key]))
            for key in SAID
            if key in said
        ]
        made[path] = by_digest[str(said.get("digest"))] = entity
    for path, said in found.items():
        digests = json.loads(said.get("inputs", "{}")).values()
        sources = [by_digest[digest] for digest in digests if digest in by_digest]
        if sources:
            made[path]["isBasedOn"] = sources if len(sources) > 1 else sources[0]
    return list(made.values())


def _outputs(crate, folder: Path, facts: Ledger) -> list:
    """Verdicts, figures, the ledger and what was spent."""
    kinds = {".csv": "text/csv", ".json": "application/json", ".html": "text/html", ".svg": "image/svg+xml"}
    names = [f"{study}/claims.nc" for study in facts.papers]
    names += [f"{study}/figures/{figure}.svg" for study, paper in facts.papers.items() for figure in paper.figures]
    names += ["ledger.csv", "ledger.json", "ledger.html", "ledger.svg", "costs.csv"]
    about = {name: paper for study, paper in facts.papers.items() for name in names if name.startswith(f"{study}/")}
    entities = []
    for name in names:
        if (folder / name).is_file():
            kind = kinds.get(Path(name).suffix, "application/x-netcdf")
            entity = crate.add_file(folder / name, name, properties={"name": name, "encodingFormat": kind})
            if name in about:
                entity["about"] = _paper(crate, about[name])
            entities.append(entity)
    return entities


def _paper(crate, paper):
    from pesin.claims.facts import link

    address = link(paper.source)
    return crate.get(address) or _entity(
        crate,
        address,
        "ScholarlyArticle",
        name=paper.source.title,
        author=paper.source.authors,
        datePublished=str(paper.source.year),
    )


def _config(crate, folder: Path, facts: Ledger) -> list:
    """What the run was given: config.yaml and the yaml of each study."""
    names = ["config/config.yaml", *(paper.config for paper in facts.papers.values())]
    files = [f"source/{name}" for name in names if (folder / "source" / name).is_file()]
    return [crate.add_file(folder / f, f, properties={"name": f, "encodingFormat": "application/yaml"}) for f in files]


def _profiles(crate) -> None:
    known = [_entity(crate, url, "CreativeWork", name=name, version=url[-3:]) for url, name in PROFILES.items()]
    crate.root_dataset["conformsTo"] = known


def _entity(crate, identifier: str, kind: str, **properties):
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def _copied(source: Path, target: Path) -> None:
    """A fresh copy of a file or folder; one from an earlier crate is replaced."""
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
