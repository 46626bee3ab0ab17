# Pesin's targets. `make help` lists them.
PYTHON ?= python3
SCALE ?= laptop
N ?= 5
ARGS ?=
PY := .venv/bin/python
SNAKEMAKE := $(PY) -m snakemake

# Snakemake 9.27 ends with a traceback where it can't keep its sources below the home: a service, a container.
ifneq ($(shell cache="$${XDG_CACHE_HOME:-$$HOME/.cache}"; mkdir -p "$$cache" 2>/dev/null && test -w "$$cache" && echo yes),yes)
export XDG_CACHE_HOME := $(CURDIR)/.snakemake/cache
$(info There is no home that can be written to: caches lie in $(XDG_CACHE_HOME).)
endif

# Some images forbid bytecode; here thousands of jobs would each compile the project's modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run entropy verify study test test-all test-cluster lint schema costs docs compare replicates crate reference lock clean

help: ## list the targets
	@echo "make <target>   [SCALE=smoke|laptop|paper] [ARGS='more of snakemake']"
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile | expand -t 14

run: .venv/.ready ## everything at the chosen scale: results, figures, ledger, report
	@status=0; \
	$(SNAKEMAKE) --cores all --scheduler greedy --quiet rules --keep-going --rerun-incomplete --config scale=$(SCALE) $(ARGS) || status=$$?; \
	if [ $$status -eq 0 ]; then \
	  $(SNAKEMAKE) --quiet all --report results/$(SCALE)/report.html --config scale=$(SCALE) || status=$$?; \
	fi; \
	$(PY) workflow/scripts/summary.py results/$(SCALE); \
	exit $$status

study: .venv/.ready ## write a new study that runs as it is: make study NAME=my_paper
	@$(PY) workflow/scripts/new_study.py "$(NAME)"
	@$(PY) workflow/scripts/study_tables.py

entropy: .venv/.ready ## every entropy that suits a recording of your own: make entropy FILE=rec.csv [ARGS="--gaps longest"]
	@test -n "$(FILE)" || { echo "Which recording? make entropy FILE=rec.csv" >&2; exit 1; }
	@$(PY) workflow/scripts/entropy_of.py "$(FILE)" --to results/own $(ARGS)

costs: .venv/.ready ## wall time and peak memory of each step of the last run
	@$(PY) workflow/scripts/summary.py results/$(SCALE) --costs

verify: .venv/.ready ## name every stale or altered file of the chosen scale, by contents alone
	@$(PY) workflow/scripts/verify.py --scale $(SCALE)

compare: .venv/.ready ## what moved between two ledgers: make compare A=results/reference/laptop B=results/laptop
	@$(PY) workflow/scripts/compare.py "$(A)" "$(B)"

replicates: .venv/.ready ## the ledger again with seeds 0 to N-1, and under another instruction set: which verdicts stand
	@$(PY) workflow/scripts/replicates.py -n $(N) --scale $(SCALE) $(if $(STUDIES),--studies $(STUDIES)) $(if $(ARGS),-- $(ARGS))

crate: .venv/.ready ## describe the results of the last run as a Workflow Run RO-Crate
	@$(PY) workflow/scripts/crate.py results/$(SCALE)

# Three files at once on two cores: SLURM's tests mostly wait, for SLURM.
test: .venv/.ready-test lint ## all tests
	@$(PY) -m pytest $(STUDIES) -n 3 --dist loadfile --no-loadscope-reorder

test-all: STUDIES := --all-studies
test-all: test ## all tests, and all studies through Snakemake, here and on SLURM: for releases and new locks

test-cluster: .venv/.ready-test ## all studies at smoke scale on a real SLURM (root on Debian), against a local run
	@$(PY) -m pytest tests/cluster -rs -s --all-studies

lint: .venv/.ready-test ## formatting, types, layers
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m snakefmt --check Snakefile workflow/rules
	@$(SNAKEMAKE) --lint
	@PYTHONPATH=workflow/scripts .venv/bin/python -c "from importlinter.cli import lint_imports_command as c; c()"
	@$(PY) -m mypy

schema: .venv/.ready ## write config/schema/ anew from the pydantic models
	@PYTHONPATH=workflow/scripts $(PY) -m pesin.config.schema config/schema

docs: .venv/.ready ## tables of the studies from the yamls; docs/entropy.md and its pictures from the registry of measures
	@$(PY) workflow/scripts/study_tables.py
	@$(PY) workflow/scripts/entropy_page.py

reference: ## keep the present ledger, and the table of the zoo, as those we stand by
	@mkdir -p results/reference/$(SCALE) && cp results/$(SCALE)/ledger.csv results/$(SCALE)/ledger.svg results/reference/$(SCALE)/
	@if [ -f results/$(SCALE)/replicates.csv ]; then cp results/$(SCALE)/replicates.csv results/reference/$(SCALE)/; fi
	@if [ -f results/$(SCALE)/dysts_chaos_benchmark/entropy/flows.nc ]; then $(PY) workflow/scripts/zoo_table.py results/$(SCALE); fi

lock: ## resolve envs/*.in anew into the lock files
	@sh envs/lock.sh $(PYTHON)

clean: ## delete the environment and all results (not the reference)
	@rm -rf .venv .snakemake results/smoke results/laptop results/paper

.venv/.ready: envs/requirements.lock
	@sh envs/make.sh "$(PYTHON)" envs/requirements.lock && touch $@

.venv/.ready-test: .venv/.ready envs/requirements-test.lock
	@$(PY) -m pip install -qq --disable-pip-version-check -r envs/requirements-test.lock && touch $@
