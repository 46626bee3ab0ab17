"""How long Snakemake takes to read the project: python benchmarks/parsing.py [--repeats 5] [--large]

Medians of processor seconds at smoke scale, everything done (made up by touching all outputs), of all studies
and of four times as many: the dry run of the main process, and of a job's own process. Both against Snakefiles that
work nothing out: one with as many rules and a single job, one with the same jobs and files too. With --large, instead,
a single dry run of 20 000 jobs, and its peak memory.
"""

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
DRY = ("-n", "--quiet", "all", "--cores", "1")
SCALE = ("--config", "scale=smoke")
JOB = ("--mode", "subprocess", "--nolock", "--force", "--rerun-triggers", "mtime")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.large:
            seconds = run(synthetic(Path(folder) / "large", 47, 106), *DRY)
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"dry run of 47 studies x 106 cases, 20 000 jobs: {seconds:.0f} s of processor time, {memory:.0f} MB")
            return
        for times in (1, 4):
            measure(Path(folder) / str(times), times, given.repeats)


def measure(folder: Path, times: int, repeats: int) -> None:
    """Print the medians of the dry runs of a project that has each study so many times."""
    folder.mkdir()
    project = multiply(copy(folder / "project"), times)
    studies = sorted(path.stem for path in (project / "config/studies").glob("*.yaml"))
    said = subprocess.run(
        [sys.executable, "-c", JOBS], cwd=project, env=os.environ | {"PYTHONPATH": "workflow/scripts"},
        capture_output=True, check=True,
    )  # fmt: skip
    jobs = json.loads(said.stdout)
    touch_all(project, jobs, studies)
    run(project, "--cores", "1", "--touch", "--forceall", "--quiet", "all", *SCALE)
    shutil.rmtree(project / ".snakemake/pesin")
    count = rules(project)
    plain, same = bare(folder / "plain", count, {}), bare(folder / "same", count, jobs)
    first = next(path for path in jobs if "/train/" in path)
    _, _, study, step, case = Path(first).with_suffix("").parts
    here = ("--target-jobs", f"{step}:study={study},case={case}", "--allowed-rules", step)
    runs = {
        "main: a bare Snakefile": (plain, DRY),
        "main: a bare Snakefile of the same jobs": (same, DRY),
        "main: this project, nothing kept": (project, (*DRY, *SCALE)),
        "main: this project": (project, (*DRY, *SCALE)),
        "job: a bare Snakefile": (plain, (*DRY, *JOB, "--target-jobs", "r1:", "--allowed-rules", "r1")),
        "job: this project": (project, (*DRY, *SCALE, *JOB, *here)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, (where, arguments) in runs.items():
            if "nothing kept" in name:
                shutil.rmtree(where / ".snakemake/pesin", ignore_errors=True)
            seconds[name].append(run(where, *arguments))
    print(f"{len(studies)} studies, {count} rules, {len(jobs)} results, verdicts and figures")
    for name, values in seconds.items():
        print(f"{name:<44}{statistics.median(values):6.2f} s", flush=True)


JOBS = """
import json, os
from pathlib import Path
from pesin.config.models import Config
from pesin.plan import Plan

plan, found = Plan(Path.cwd(), Config(scale="smoke")), {}
for study in plan.selected:
    for result in plan.study(study).results:
        step, case = result.split("/")
        given = plan.inputs(study, step, case).values()
        taken = [path for paths in given for path in (paths if isinstance(paths, list) else [paths])]
        found[plan.result(f"{study}/{result}")] = [*taken, *plan.code(study, step, case)]
    found[plan.claims(study)] = [*plan.study_results(study), *plan.driver_code("judge")]
    for figure in plan.declared(study).figures:
        path = f"{plan.results}/{study}/figures/{figure}.svg"
        found[path] = [*plan.figure_inputs(study, figure), *plan.figure_code(study, figure)]
print(json.dumps({made: [os.path.relpath(path) for path in taken] for made, taken in found.items()}))
"""


def touch_all(folder: Path, jobs: dict[str, list[str]], studies: list[str]) -> None:
    """Make every output as an empty file, so that a dry run finds everything done."""
    results = Path("results/smoke")
    made = [Path(path) for path in jobs] + [results / study / "captions.rst" for study in studies]
    made += [path.with_suffix(suffix) for path in made if path.suffix == ".svg" for suffix in (".pdf", ".png")]
    made += [results / name for name in ("costs.csv", "ledger.csv", "ledger.json", "ledger.html", "ledger.svg")]
    for path in made:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


def bare(folder: Path, count: int, jobs: dict[str, list[str]]) -> Path:
    """A project of so many rules that work nothing out, everything done: a single job, or all of those given."""
    folder.mkdir()
    (folder / "jobs.json").write_text(json.dumps(jobs))
    for path in {path for made, taken in jobs.items() for path in (made, *taken)} | {"r0.txt"}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    text = "import json\nJOBS = json.load(open('jobs.json'))\n\n\nrule all:\n    input: 'r0.txt', list(JOBS)\n\n\n"
    for suffix in ("nc", "svg"):
        text += f"rule {suffix}:\n    input: lambda wildcards: JOBS[f'{{wildcards.path}}.{suffix}']\n"
        text += f"    output: '{{path}}.{suffix}'\n    shell: 'touch {{output}}'\n\n\n"
    text += "".join(f"rule r{i}:\n    output: 'r{i}.txt'\n    shell: 'touch {{output}}'\n\n\n" for i in range(count))
    (folder / "Snakefile").write_text(text)
    if jobs:
        run(folder, "--cores", "1", "--touch", "--forceall", "--quiet", "all")
    return folder


def multiply(folder: Path, times: int) -> Path:
    """Give each study of a project further copies under other names."""
    yamls, scripts = folder / "config/studies", folder / "workflow/scripts/studies"
    names = sorted(path.stem for path in yamls.glob("*.yaml"))
    word = re.compile(rf"\b({'|'.join(names)})\b")
    for number in range(1, times):
        for name in names:
            new = f"{name}_{number}"
            shutil.copy(yamls / f"{name}.yaml", yamls / f"{new}.yaml")
            shutil.copytree(scripts / name, scripts / new, ignore=shutil.ignore_patterns("__pycache__"))
            for path in (yamls / f"{new}.yaml", *(scripts / new).rglob("*.py")):
                path.write_text(word.sub(rf"\1_{number}", path.read_text()))
    return folder


def run(folder: Path, *arguments: str) -> float:
    """Processor seconds of one call of Snakemake."""
    before = os.times()
    subprocess.run([sys.executable, "-m", "snakemake", *arguments], cwd=folder, capture_output=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def rules(folder: Path) -> int:
    text = subprocess.run(
        [sys.executable, "-m", "snakemake", "--list-rules"], cwd=folder, capture_output=True, text=True
    )
    return len(text.stdout.split())


def copy(target: Path) -> Path:
    target.mkdir()
    for part in ("config", "workflow", "envs"):
        shutil.copytree(ROOT / part, target / part)
    shutil.copy(ROOT / "Snakefile", target)
    return target


def synthetic(folder: Path, studies: int, cases: int) -> Path:
    """The toy study of the tests, many times, each with many cases."""
    copy(folder)
    shutil.rmtree(folder / "config/studies")
    shutil.rmtree(folder / "workflow/scripts/studies")
    (folder / "config/studies").mkdir()
    (folder / "workflow/scripts/studies").mkdir()
    (folder / "workflow/scripts/studies/__init__.py").touch()
    toy = yaml.safe_load((ROOT / "tests/toy/toy_map.yaml").read_text())
    toy["cases"] |= {f"case_{i}": toy["cases"]["chaotic"] for i in range(cases - 2)}
    for i in range(studies):
        (folder / f"config/studies/toy_{i}.yaml").write_text(yaml.safe_dump(toy, sort_keys=False))
        shutil.copytree(ROOT / "tests/toy/toy_map", folder / f"workflow/scripts/studies/toy_{i}")
    return folder


if __name__ == "__main__":
    main()
