# Two commands: `make run` starts the product, `make test` checks it. Both set up what they need.
PYTHON ?= python3
VENV   ?= .venv
PY     := $(VENV)/bin/python
PIP    := $(VENV)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt
# A file's tests in one process, files in their order: sorted by how many tests they have, those of few but long ones
# would come last, and the other processes would wait.
APART  := --dist loadfile --no-loadscope-reorder
export PORT DATA_DIR PROJECT HOST ALLOWED_HOSTS

.PHONY: run test check unit e2e screenshots bench-acquire bench-loop bench-desk bench-dashboard bench-faults bench-reuters bench-round bench-score bench-teachers bench-xmc clean help

help:            ## what can be made
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/'

run: $(VENV)/.run  ## set up, make the database on the first start, run the app with its worker (PORT, DATA_DIR, PROJECT)
	@$(PY) -m core init && exec $(PY) app.py

test: check unit e2e  ## everything: lint, types, unit, laws, flows, architecture, docs, and a real browser

check: $(VENV)/.test  ## lint and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

unit: $(VENV)/.test  ## all tests but the browser's
	$(PY) -m pytest -m "not e2e" -n 2 $(APART)

e2e: $(VENV)/.test  ## the browser's tests (needs Debian's chromium)
	@command -v chromium >/dev/null || [ -x /usr/bin/chromium ] || \
	  { echo "No Chromium here. Install it with:  sudo apt-get install chromium fonts-noto-cjk"; exit 2; }
	$(PY) -m pytest -m e2e -n 3 $(APART) --reruns 1 -rfER

screenshots: $(VENV)/.test  ## the README's pictures, made by the browser's tests
	SCREENSHOTS=1 $(PY) -m pytest -m e2e tests/e2e/test_screenshots.py

bench-acquire: $(VENV)/.test .venv-bench/.made  ## our choice of texts against small-text's and modAL's on the same learner (an hour)
	$(PY) -m bench.acquire

.venv-bench/.made: requirements-bench.txt $(VENV)/.run
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .venv-bench -r $<
	@touch $@

bench-loop: $(VENV)/.test  ## one whole loop on real data: seconds a stage, peak memory, F1 on gold
	$(PY) -m bench.loop

bench-desk: $(VENV)/.test  ## how fast the annotate page answers one, 20 and 50 people, and with 100,000 texts (20 minutes)
	$(PY) -m bench.desk

bench-dashboard: $(VENV)/.test  ## how fast the dashboard of 100,000 texts and 1,000,000 annotations is (half an hour)
	$(PY) -m bench.dashboard

bench-faults: $(VENV)/.test  ## what 1,000 kills, cuts, reloads and double clicks lose or save twice (half an hour)
	$(PY) -m bench.faults

bench-score: $(VENV)/.test  ## how fast each architecture scores a pool of 150,000 texts, and in how much memory
	$(PY) -m bench.score

bench-reuters: $(VENV)/.test  ## how far Reuters-90 goes without a pretrained encoder, step by step, five seeds (a quarter of an hour)
	$(PY) -m bench.reuters

bench-round: $(VENV)/.test  ## what a round of 2,700 texts of 300 tokens costs
	$(PY) -m bench.round

bench-teachers: $(VENV)/.test  ## what training a round's models together saves, for each architecture (half an hour)
	$(PY) -m bench.teachers

bench-xmc: $(VENV)/.test  ## from how many labels a tree or adaptive clusters beat one layer for all (a quarter of an hour)
	$(PY) -m bench.xmc

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV) || { echo "No venv module. Install it with:  sudo apt-get install python3-venv"; exit 2; }

$(VENV)/.run: $(VENV)/bin/python requirements.txt constraints.txt
	@echo "Setting up the environment (a few minutes, once) ..."
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@

clean:           ## remove the environment; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis
