# Two commands: `make bench` measures and reports, `make test` checks the suite itself.

PYTHON ?= python3
BIN := .venv/bin
# Each failure once: the report has the rest.
BRIEF := -rN

.PHONY: bench test test-matrix venv lint types nightly gpu smoke docs picture clean

bench: venv ## measure the quick grid, print the answer and render the report
	@# Exit status 1 means that an implementation failed: that is a result, and the report shows it.
	$(BIN)/python -m pytest suites --grid quick --benchmark-save $(BRIEF) || test $$? -eq 1
	@printf 'report: ' && $(BIN)/python -m reports

test: venv lint types ## lint, types, all tests: side by side, then those that need the machine alone
	$(BIN)/python tests/matrix.py found

test-matrix: venv ## all tests with each CPU capability, with 1 and 2 threads, and with the CPU libraries held back
	$(BIN)/python tests/matrix.py $(SETTINGS)

venv: .venv/installed ## the set-up alone

.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[contestants,profile,docs,dev]'
	@touch $@

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv
	$(BIN)/mypy

smoke: venv ## the smallest grid and its report
	$(BIN)/python -m pytest suites --grid smoke --benchmark-save=smoke $(BRIEF)
	@printf 'report: ' && $(BIN)/python -m reports

nightly: venv ## the gpu grid (full without a GPU), compared with the last night; make's own exit status is 0 or 2
	$(BIN)/python nightly.py

gpu: ## the gpu grid with the torch of $(PYTHON): nothing is installed
	$(PYTHON) -m pytest suites --grid gpu --device cuda --benchmark-save $(BRIEF) || test $$? -eq 1
	@printf 'report: ' && $(PYTHON) -m reports

docs: venv ## the guide as a site, in site/index.html; a dead link fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo site/index.html

picture: venv ## the picture of DESIGN.md, from the imports
	$(BIN)/python -m tests.architecture

clean: ## what was generated; saved runs stay, ours (results/runs) and pytest-benchmark's (.benchmarks)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info reports/out results/profiles site
