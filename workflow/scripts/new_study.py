"""Writes a study that runs as it is, to be made the paper's: new_study.py NAME (`make study NAME=my_paper`)."""

import argparse
import keyword
import re
import shutil
from pathlib import Path

from pesin.config.load import study_names
from pesin.errors import UserError

PROJECT = Path(__file__).resolve().parents[2]
EXAMPLE = "my_paper"
TAKEN = {"all", "simulate", "train", "entropy", "forecast", "judge", "costs", "ledger", "unknown_study"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="of the yaml, the folder and the tests, such as my_paper")
    name = parser.parse_args().name
    try:
        written = write(name, PROJECT)
    except UserError as error:
        raise SystemExit(str(error)) from None
    print("\n".join(str(path.relative_to(PROJECT)) for path in written))
    print(f'It runs as it is: make run ARGS="--config studies=[{name}]". CONTRIBUTING.md says what to change.')


def write(name: str, project: Path) -> list[Path]:
    """Copy the files of `workflow/skeleton`, under the study's name, to where they belong; returns them.

    Raises
    ------
    UserError
        If the name won't do, or anything of that name is there.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(f"'{name}' can't be a study's name: lower_snake_case, please, such as {EXAMPLE}.")
    if keyword.iskeyword(name) or name in TAKEN:
        raise UserError(f"'{name}' can't be a study's name: Python or Snakemake has it already. Choose a longer one.")
    skeleton = project / "workflow" / "skeleton"
    yaml, folder = project / "config/studies" / f"{name}.yaml", project / "workflow/scripts/studies" / name
    test = project / "tests/unit" / f"test_{name}.py"
    for path in (yaml, folder, test):
        if path.exists():
            known = ", ".join(study_names(yaml.parent))
            raise UserError(f"{path.relative_to(project)} is there already. The studies: {known}.")
    files = {skeleton / f"{EXAMPLE}.yaml": yaml, skeleton / f"test_{EXAMPLE}.py": test}
    files |= {path: folder / path.name for path in sorted((skeleton / EXAMPLE).glob("*.py"))}
    folder.mkdir()
    for source, target in files.items():
        shutil.copy(source, target)
        target.write_text(target.read_text(encoding="utf-8").replace(EXAMPLE, name), encoding="utf-8")
    return list(files.values())


if __name__ == "__main__":
    main()
