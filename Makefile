# Two commands do everything: `make demo` (set-up and main job) and `make test` (set-up and tests).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup demo test check mutants bench tables clean

setup: $(STAMP)

# every file is checked against its hash, but torch, which has builds of its own for CPU and CUDA
$(STAMP): pyproject.toml setup.py constraints.txt constraints-torch.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-deps --require-hashes --requirement constraints.txt
	$(BIN)/pip install --quiet --requirement constraints-torch.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/pip check
	touch $(STAMP)

demo: setup
	$(BIN)/abawbench demo

# one thread for each of the processes: torch and BLAS would fight for the cores
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell
	$(BIN)/pyright
	$(BIN)/python -m pytest tests/test_layers.py
	$(BIN)/abawbench leaderboard check

# make mutants MUTANTS="abawbench.metrics.f1*"; a mutant takes about a second
MUTANTS ?= abawbench.metrics.*
mutants: setup
	$(BIN)/pip install --quiet mutmut==3.8.1
	OMP_NUM_THREADS=1 $(BIN)/mutmut run --max-children 1 "$(MUTANTS)"
	$(BIN)/mutmut results

# make bench BENCHMARKS="forward temporal"; python -m benchmarks runs them all
BENCHMARKS ?= scoring
bench: setup
	$(BIN)/python -m benchmarks $(BENCHMARKS)

tables: setup
	$(BIN)/python -c 'from abawbench.base.rules import catalogue; print(catalogue(), end="")' > docs/rules.md
	$(BIN)/python -c 'from abawbench.datasets.manifests.facts import overview; print(overview(), end="")' > docs/datasets.md
	$(BIN)/python -c 'from abawbench.tuning.trials.optimism_page import page; print(page(), end="")' > docs/optimism.md
	$(BIN)/abawbench leaderboard build
	$(BIN)/python -m benchmarks.claims report

clean:
	rm -rf .venv build dist mutants *.egg-info
