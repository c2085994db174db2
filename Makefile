# make demo   index Python's own documentation and answer four questions (needs Python >= 3.11 and nothing else)
# make serve  open the search page on it
# make test   everything, on a real Redis and a real Elasticsearch (also needs Docker or a JDK >= 21, and Chromium)
# make eval   nDCG@10 of text, vector and fusions on judged collections: make eval DATA=folder-of-BEIR-folders
# make faults the long campaign of kills and failures
# make soak   the API under random requests, and the server under 200 clients, for some minutes

PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: eval help demo serve install test test-unit lint faults faults-short soak chromium servers clean

help:
	@sed -n 's/^# //p' $(MAKEFILE_LIST)

demo: .venv/.core
	@$(BIN)/hybrid demo
	@echo "or, in this folder: make serve"

serve: .venv/.core
	@$(BIN)/hybrid serve --collection $(or $(HYBRID_COLLECTION),demo)

install: .venv/.dev

# Two halves at once: the tests on servers mostly wait for servers, the others mostly compute.
SIMULATED := tests/faults/test_simulation.py tests/faults/test_canaries.py
ON_SERVERS := tests/contract tests/faults $(addprefix --ignore=,$(SIMULATED))
COMPUTING := tests/unit tests/property tests/web tests/browser tests/docs tests/packaging $(SIMULATED)

test: install chromium lint
	$(BIN)/python -m coverage erase
	@mkdir -p test-artifacts; \
	$(BIN)/python -m coverage run -m pytest $(COMPUTING) > test-artifacts/computing.txt 2>&1 & computing=$$!; \
	$(BIN)/python -m coverage run -m pytest $(ON_SERVERS); servers=$$?; \
	wait $$computing; computed=$$?; cat test-artifacts/computing.txt; exit $$((servers | computed))
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report

test-unit: install
	$(BIN)/python -m pytest -m "not servers and not browser" tests

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

DATA ?= $(or $(HYBRID_EVAL_DATA),$(firstword $(wildcard ../shared/data fixtures)))
JUDGED = $(sort $(dir $(foreach name,queries.jsonl queries.jsonl.gz,$(wildcard $(DATA)/$(name) $(DATA)/*/$(name)))))
eval: install
	@test -n "$(JUDGED)" || { echo "no judged collection in $(DATA): no queries.jsonl there or one folder below. \
	Name a folder of BEIR folders: make eval DATA=…" >&2; exit 1; }
	$(BIN)/hybrid eval $(JUDGED)

# Kills, stops, cut networks and full disks, on simulated and on real stores; about half an hour.
faults: install
	$(BIN)/python -m tests.faults.simulation --count 20000
	$(BIN)/python -m tests.faults.campaign --long

soak: install
	$(BIN)/python -m tests.soak.api 10000
	$(BIN)/python -m tests.soak.xss
	$(BIN)/python -m tests.soak.load 60

faults-short: install
	$(BIN)/python -m pytest tests/faults

# Real servers for a longer session: start once, copy the two export lines, run pytest as often as you like.
servers: install
	$(BIN)/python -m tests.servers

# Browser tests need Chromium: installed where that is allowed, else they say that it is missing.
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk; \
	else echo "Chromium is missing, so the browser tests will fail. Install it, e.g.: sudo apt-get install chromium"; fi

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

.venv/.core: .venv/bin/pip pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.dev: .venv/bin/pip pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch .venv/.core $@

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis test-artifacts .coverage*
