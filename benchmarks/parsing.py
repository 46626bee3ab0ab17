"""How long Snakemake takes to read the project: python benchmarks/parsing.py [--repeats 5] [--large]

Three dry runs in turn, medians of processor seconds: a bare Snakefile with as many rules, this project with everything
done (made up by touching all outputs), and a synthetic project of 47 studies x 20 cases. With --large, instead, a
single dry run of 20 000 jobs, and its peak memory.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.large:
            seconds = run(synthetic(Path(folder) / "large", 47, 106), "-n", "--quiet", "all", "--cores", "1")
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(f"dry run of 47 studies x 106 cases, 20 000 jobs: {seconds:.0f} s of processor time, {memory:.0f} MB")
            return
        measure(Path(folder), given.repeats)


def measure(folder: Path, repeats: int) -> None:
    """Print the medians of the three dry runs."""
    present = copy(folder / "present")
    run(present, "--cores", "2", "--touch", "--forceall", "--config", "scale=smoke")
    touch_all(present)
    runs = {
        "bare Snakefile, as many rules": (bare(folder / "bare", rules(present)), []),
        "this project": (present, ["--config", "scale=smoke"]),
        "47 studies x 20 cases": (synthetic(folder / "synthetic", 47, 20), []),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, (where, arguments) in runs.items():
            seconds[name].append(run(where, "-n", "--quiet", "all", "--cores", "1", *arguments))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, value in medians.items():
        print(f"{name:<32}{value:6.2f} s")
    names = list(medians)
    print(f"above a bare Snakefile: {medians[names[1]] - medians[names[0]]:.2f} s (aim: at most 0.5)")


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


def touch_all(folder: Path) -> None:
    """Make every output as an empty file, so that a dry run finds everything done."""
    text = subprocess.run(
        [sys.executable, "-m", "snakemake", "--summary", "--cores", "1", "--config", "scale=smoke"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    for line in text.stdout.splitlines():
        path = folder / line.split("\t")[0]
        if line.startswith("results/"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


def bare(folder: Path, count: int) -> Path:
    folder.mkdir()
    text = "".join(f"rule r{i}:\n    output: 'r{i}.txt'\n    shell: 'touch {{output}}'\n\n\n" for i in range(count))
    (folder / "Snakefile").write_text("rule all:\n    input: 'r0.txt'\n\n\n" + text)
    (folder / "r0.txt").touch()
    return folder


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
