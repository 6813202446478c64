# Lakelatch. `make up` shows everything on this machine; `make test` proves it.
# A fresh machine needs Python 3.11 or newer and make; `pulumi` or Go are used when they are there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Some images set it; then each of a stack's many processes would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup up down preview test clients browser check check-mutants check-deep format catalogue reference lock bench docs clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: $(READY) ## Make .venv with everything that is locked

# One marker for one lock: nothing is asked of the package index while neither has changed.
$(READY): requirements-dev.txt $(wildcard */pyproject.toml tools/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: name a newer one, as in \`make up PYTHON=python3.12\`"; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -E '^uv==' requirements-dev.txt | cut -d' ' -f1)"
	@echo "installing what requirements-dev.txt locks"
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --compile-bytecode requirements-dev.txt
	@touch $@

up: $(READY) ## Bring the whole stack up and send a first query through the gateway
	@$(BIN)/lakelatch up

down: $(READY) ## Stop it and remove everything it made
	@$(BIN)/lakelatch down

# What a pull request would be compared with; another branch by `make preview BASE=origin/release`.
BASE ?= $(shell git rev-parse --verify --quiet origin/main >/dev/null && echo origin/main || echo main)

preview: $(READY) ## Show what your changes would do: access since the merge base, then resources of the local stack under the policies
	@base=$$(git merge-base HEAD $(BASE)) && echo "access: what is here, against $$base" && \
	  $(BIN)/lakelatch access diff --from "$$base"
	@echo "resources: what is here, against the local stack, with the policy pack"
	@stack=$$($(BIN)/lakelatch env) && eval "$$stack" && \
	  pulumi preview --stack local --policy-pack policies --diff --non-interactive

# One more than the cores: tests of whole stacks wait for others now and then.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

test: $(READY) ## Run all tests: rooms first, then the whole line with the real engine
	@$(BIN)/lakelatch engine install
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

clients: $(READY) ## Fetch the Java and Node drivers that tests run, into the user's cache
	@PYTHONPATH=tests $(BIN)/python -m support.client_caches

browser: ## Install headless Chromium where there is none, from Debian's packages; tests of the access report run it
	@test -z "$$LAKELATCH_BROWSER" || exit 0; \
	for name in chromium chromium-browser google-chrome google-chrome-stable; do command -v $$name >/dev/null && exit 0; done; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium

check: $(READY) ## Format, lint, types, borders: quick, before every commit
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/catalogue.py --check
	$(BIN)/python tools/reference.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --site-dir site

check-mutants: $(READY) ## Break the code in small ways and see the tests notice: an hour, before a release
	$(BIN)/python -m lakelatch_mutants

check-deep: $(READY) ## Ask gateway and simulator 200,000 generated things, and change 200 policies under load
	LAKELATCH_DIFFERENTIAL=200000 $(BIN)/python -m pytest -s tests/envoy/test_differential.py
	LAKELATCH_RELOADS=200 $(BIN)/python -m pytest -s tests/gateway/test_reload.py

format: $(READY) ## Put the code into its format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

catalogue: $(READY) ## Write the action catalogue anew from the installed databricks-sdk
	$(BIN)/python tools/catalogue.py

reference: $(READY) ## Write docs/reference/ anew from the code
	$(BIN)/python tools/reference.py

lock: $(READY) ## Lock the newest versions that the *.in files allow
	$(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url --python-version 3.11 requirements.in -o requirements.txt
	cp requirements.txt requirements-dev.txt
	$(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url --python-version 3.11 requirements.in requirements-dev.in -o requirements-dev.txt

bench: $(READY) ## Compare side by side and write bench/RESULTS.md
	PYTHONPATH=tests $(BIN)/python -m bench

docs: $(READY) ## Build the documentation into site/, strictly
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean: down ## Remove the environment and every cache of this checkout
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
