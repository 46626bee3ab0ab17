"""Measure a recording of one's own: entropy_of.py FILE [options]. `make entropy FILE=rec.csv` calls it."""

import sys

from pesin.survey import main

sys.exit(main())
