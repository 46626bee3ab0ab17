#!/bin/sh
# Resolves the .in files in a fresh environment and writes what pip installed: lock.sh PYTHON.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" -m venv "$folder"
pip="$folder/bin/python -m pip --disable-pip-version-check"
# Markers of the .in files (packages without wheels for some system) are carried over.
sed -n "s/^\([^#;=]*\)[^;]*;\(.*\)/s|^\1==.*|\&;\2|/p" envs/requirements.in envs/requirements-test.in > "$folder/markers"
freeze() { $pip list --format=freeze --exclude pip --exclude setuptools | sed 's/+cpu$//' | sed -f "$folder/markers"; }
$pip install --quiet -r envs/requirements.in
freeze > "$folder/run"
$pip install --quiet -r envs/requirements.in -r envs/requirements-test.in
freeze > "$folder/all"
{ echo "# Made by 'make lock' from requirements.in. Everything a run needs."; cat "$folder/run"; } > envs/requirements.lock
{ echo "# Made by 'make lock' from requirements-test.in. On top of requirements.lock."; grep -vxFf "$folder/run" "$folder/all"; } > envs/requirements-test.lock
