#!/bin/sh
# Makes .venv from a lock file: make.sh PYTHON LOCK. Says in a sentence what is missing.
set -eu
python=$1
lock=$2
if ! command -v "$python" >/dev/null 2>&1; then
  echo "Pesin needs Python 3.11 or newer, and there is no '$python' here. Install it, or name yours: make run PYTHON=/path/to/python3" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Pesin needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1). Name another one: make run PYTHON=python3.12" >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "'$python' can't make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2
  exit 1
fi
echo "Making .venv from $lock: some minutes and 2.5 GB, once."
"$python" -m venv .venv
.venv/bin/python -m pip install -qq --disable-pip-version-check -r "$lock"
