# Two commands: `make bench` measures and reports, `make test` checks the suite itself.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: bench test test-matrix venv lint types nightly gpu smoke clean

bench: venv ## measure the quick grid and render the report
	@# Exit status 1 means that a contestant failed: that is a result, and the report shows it.
	$(BIN)/python -m pytest suites --grid quick --benchmark-save --benchmark-quiet || test $$? -eq 1
	@$(BIN)/python -m reports

test: venv lint types ## lint, types, all tests: one worker a core, then those that need the machine alone
	$(BIN)/python tests/matrix.py found

test-matrix: venv ## all tests with each CPU capability, with 1 and 2 threads, and with the CPU libraries held back
	$(BIN)/python tests/matrix.py $(SETTINGS)

venv: .venv/installed ## the set-up alone

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[contestants,profile,dev]'
	@touch $@

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv
	$(BIN)/mypy

smoke: venv ## the smallest grid through the front door, and its report
	$(BIN)/python -m pytest suites --grid smoke --benchmark-save=smoke --benchmark-quiet
	$(BIN)/python -m reports

nightly: venv ## gpu grid (full where there is no GPU), compared with the last night; make itself knows only 0 and 2
	$(BIN)/python nightly.py

gpu: ## the gpu grid with whatever torch $(PYTHON) has: nothing is installed
	$(PYTHON) -m pytest suites --grid gpu --device cuda --benchmark-save --benchmark-quiet || test $$? -eq 1
	@$(PYTHON) -m reports

clean: ## what was generated; saved runs stay, ours (results/runs) and pytest-benchmark's (.benchmarks)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info reports/out results/profiles
