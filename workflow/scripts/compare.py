"""Says which verdicts and values moved between two ledgers: compare.py A B (ledger.csv files or their folders)."""

import sys
from pathlib import Path

from pesin.claims.compare import compare, read_ledger
from pesin.errors import UserError

if __name__ == "__main__":
    if len(sys.argv) != 3 or not all(sys.argv[1:]):
        sys.exit("Name two ledgers: make compare A=results/reference/laptop B=results/laptop")
    try:
        print("\n".join(compare(*(read_ledger(Path(path)) for path in sys.argv[1:]))))
    except UserError as error:
        sys.exit(str(error))
