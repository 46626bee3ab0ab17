"""Describes the results of a run as a Workflow Run RO-Crate, in place: crate.py RESULTS_FOLDER."""

import sys
from pathlib import Path

from pesin.claims.crate import write_crate
from pesin.errors import UserError

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the folder of the results: crate.py results/laptop")
    try:
        path = write_crate(Path(sys.argv[1]), Path(__file__).parents[2])
    except UserError as error:
        sys.exit(str(error))
    print(f"Crate:   {path}")
