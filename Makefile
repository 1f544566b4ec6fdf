# Every target does the set-up it needs; the stamp says that .venv is what these files ask for.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PLUGINS := plugins/diagnostics plugins/localization plugins/weighted-loss
MODEL ?= clf-lorenz96
# Where the environment forbids byte code, each of the processes that a test starts would compile all that it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install train test test-slow test-faults bench bench-full science science-quick docs notebooks lint clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt $(PLUGINS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with make PYTHON=..."; exit 2; }
	@echo "setting up .venv: TensorFlow and what else pyproject.toml asks for, some 4 GB, a few minutes"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
		--editable '.[dev]' $(PLUGINS:%=--editable ./%) --editable './plugins/localization[netcdf,sim]'
	@touch $@

train: $(STAMP)
	$(BIN)/zoo train $(MODEL) --publish
	$(BIN)/zoo evaluate $(MODEL)
	@echo
	@echo "next: $(BIN)/zoo show $(MODEL)@1, $(BIN)/zoo list models, $(BIN)/zoo predict --help"

test: $(STAMP)
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow"

test-slow: $(STAMP)
	$(BIN)/python -m pytest -q -n auto --dist worksteal

test-faults: $(STAMP)
	$(BIN)/python -m tests.faults

bench: $(STAMP)
	$(BIN)/python -m benchmarks.speed --json build/bench.json

bench-full: $(STAMP)
	$(BIN)/python -m benchmarks.speed --full --json build/bench.json
	$(BIN)/python -m benchmarks.speed.page build/bench.json

science: $(STAMP)
	$(BIN)/python -m benchmarks.science

science-quick: $(STAMP)
	$(BIN)/python -m benchmarks.science --quick

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "next: open build/site/index.html"

notebooks: $(STAMP)
	$(BIN)/python docs/notebooks/execute.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	for plugin in $(PLUGINS); do $(BIN)/mypy $$plugin/src || exit 1; done

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .coverage build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
