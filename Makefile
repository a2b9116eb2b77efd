# make venv        the package and its test tools in .venv, rebuilt when its sources change
# make quickstart  a first campaign with the shipped potentials, in runs/quickstart
# make test        lint, types, documentation, tests
# make docs        the documentation as a site, in build/docs
# make bench       speed of kernel, launcher, reduction and page on this machine, minutes long
# make reproduction  the papers' questions: three campaigns, hours long, and docs/reproduction.md
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ON_MACHINE := tests/cluster tests/md
AS_USERS := tests/cli tests/dashboard tests/docs tests/report tests/training
REPRODUCED := cu195se-small mg2sn-small mg3sb2-small
SOURCES := pyproject.toml README.md CMakeLists.txt $(shell find ensemble -type f -not -name '*.pyc')

.PHONY: venv quickstart test test-on-machine test-as-users test-others lint docs bench reproduction \
	clean

venv: $(STAMP)

# A real installation, not an editable one: what is tested is what a user gets. CMake's build folder
# stays in build/, so only what changed is compiled again.
$(STAMP): $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[docs,test]'
	touch $@

quickstart: $(STAMP)
	$(BIN)/ensemble launch campaigns/quickstart.toml

# Three at a time on two cores, as many wait for clusters, browsers and queues. Rooms that start queues
# and look at what runs on the machine are one, which takes longest: the others stand back a little. What
# is short comes last.
# Threads of the linear algebra wait for one another by looking again and again: beside other processes
# reductions with two took seven times as long as with one.
test test-on-machine test-as-users test-others: export OPENBLAS_NUM_THREADS = 1
test: $(STAMP)
	$(MAKE) --jobs=3 --keep-going test-on-machine test-as-users test-others docs lint

test-on-machine: $(STAMP)
	$(BIN)/pytest $(ON_MACHINE)

test-as-users: $(STAMP)
	nice -n 2 $(BIN)/pytest $(AS_USERS)

test-others: $(STAMP)
	nice -n 2 $(BIN)/pytest $(addprefix --ignore=,$(ON_MACHINE) $(AS_USERS))

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(STAMP)
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going docs build/docs

bench: $(STAMP)
	$(BIN)/python tests/benchmarks/mtp.py
	$(BIN)/python -P tests/benchmarks/launch.py all
	$(BIN)/python -P tests/benchmarks/simulate.py
	PYTHONPATH=tests/reduction OMP_NUM_THREADS=1 $(BIN)/python -P tests/benchmarks/estimators.py speed
	$(BIN)/python -P tests/benchmarks/results.py
	PYTHONPATH=tests/dashboard $(BIN)/python -P tests/benchmarks/dashboard.py

# What is done already is not done again. Runs that were given up (status 1) stand in the document.
reproduction: $(STAMP)
	for name in $(REPRODUCED); do \
		$(BIN)/ensemble launch campaigns/$$name.toml || test $$? -eq 1 || exit 1; \
	done
	$(BIN)/python -P -m ensemble.reproduction

clean:
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis
