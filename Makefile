# Two commands do all the set-up: `make report` and `make test`. A machine needs Python 3.11+, pip and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CONFIG ?= configs/sample.yml
# A file at a time to each of two processes, in the order of tests/conftest.py.
PYTEST := -n 2 --dist loadfile --no-loadscope-reorder

# What the API reference tells: the public names, and the rooms that a notebook opens by name.
TOLD := segment_lab segment_lab.errors segment_lab.pages segment_lab.show segment_lab.texts

.DEFAULT_GOAL := help
.PHONY: help env report test test-slow test-fast lint lab docs sample lock clean bench

help:  ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what is missing into $(VENV) (a few minutes the first time) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

env: $(STAMP)  ## Install what is missing into .venv, from the lock

report: env  ## Render the reports of CONFIG (default: the sample study) into reports/
	@$(BIN)/segment-lab run $(CONFIG)

test: env  ## Run the tests; the slow ones are test-slow's
	@$(BIN)/python -m pytest -q $(PYTEST) -m "not slow"

test-slow: env  ## Run the slow tests, and every property with three times the examples
	@$(BIN)/python -m pytest -q $(PYTEST) -m "slow or hypothesis" --hypothesis-profile thorough

test-fast: env  ## Run the tests without the browser and the slow ones
	@$(BIN)/python -m pytest -q $(PYTEST) -m "not browser and not slow"

lint: env  ## Check style and types
	@$(BIN)/ruff check src tests benchmarks docs notebooks
	@$(BIN)/mypy

lab: env  ## Open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks/welcome.ipynb

docs: env  ## Make the API reference (docs/api/index.html), the study file's keys, the table of sizes
	@$(BIN)/python docs/reference.py
	@$(BIN)/python docs/sizes.py
	@$(BIN)/pdoc --docformat numpy --output-directory docs/api $(TOLD)

sample: env  ## Write the sample CRM anew (same seed, same bytes)
	@$(BIN)/segment-lab sample --out data/sample

lock: env  ## Resolve the newest allowed versions into requirements.lock
	@$(BIN)/python -m uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --quiet --upgrade --output-file requirements.lock

bench: env  ## Measure side by side with peers and the raw engine, and operate a year
	@$(BIN)/python benchmarks/customer_table.py
	@$(BIN)/python benchmarks/customer_table.py --task segments --format parquet
	@$(BIN)/python benchmarks/out_of_core.py
	@$(BIN)/python benchmarks/scorecard.py
	@$(BIN)/python benchmarks/report.py
	@$(BIN)/python benchmarks/year.py

clean:  ## Remove the environment, caches and rendered reports
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis reports/*
