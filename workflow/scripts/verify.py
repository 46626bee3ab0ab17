"""Names every stale or altered file of a scale: verify.py [--scale laptop] [--results results] [--studies a b]"""

import argparse
from pathlib import Path

from pesin.claims.verify import verify
from pesin.config.load import check_config
from pesin.errors import UserError
from pesin.plan import Plan

PROJECT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="laptop")
    parser.add_argument("--results", default="results")
    parser.add_argument("--studies", nargs="+", default="all")
    arguments = parser.parse_args()
    try:
        config = check_config(
            {"scale": arguments.scale, "studies": arguments.studies, "results": arguments.results}, "verify.py"
        )
        findings, checked = verify(Plan(PROJECT, config))
    except UserError as error:
        raise SystemExit(str(error)) from None
    for path, what in findings:
        print(f"{path}: {what}")
    print(f"{checked} files checked by their contents, {len({path for path, _ in findings})} at fault.")
    if findings:
        raise SystemExit(
            "To make them anew: delete those that are altered or of unknown origin, then run snakemake with"
            " --forcerun and the paths of those that are stale."
        )


if __name__ == "__main__":
    main()
