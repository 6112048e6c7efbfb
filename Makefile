# The commands that README and CONTRIBUTING name; each sets up what it needs.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test unit integration lint cluster bench bench-large bench-churn manifests docs lock clean

help: ## list these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Hashes are checked: what is installed is what was locked.
$(VENV)/runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/development: requirements-dev.lock $(VENV)/runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

demo: $(VENV)/runtime ## see compositions of a small embedded cluster: no Kubernetes needed
	@$(BIN)/python -m kubediscovery demo

test: lint unit integration ## lint, types, import contract, unit, property and integration tests

lint: $(VENV)/development ## format, lint, types, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/development ## tests that need no control plane
	$(BIN)/python -m pytest tests --ignore=tests/integration --numprocesses=2

binaries: $(VENV)/development
	$(BIN)/python -m kubediscovery.testing build
	$(BIN)/python -m tests.integration.informers

# Most of their time they wait; each of the processes has a control plane of its own.
integration: binaries ## tests on a real control plane
	$(BIN)/python -m pytest tests/integration --numprocesses=3 --dist=loadfile

cluster: binaries ## a real control plane in the foreground; prints its kubeconfig
	$(BIN)/python -m kubediscovery.testing run

bench: binaries ## speed and memory beside the peers, with 10,000 pods
	$(BIN)/python -m benchmarks

bench-large: binaries ## the same with 100,000 pods, and up to a million objects
	$(BIN)/python -m benchmarks --set large

bench-churn: binaries ## memory during an hour in which pods are replaced
	$(BIN)/python -m benchmarks --set churn

manifests: $(VENV)/development ## write manifests/ anew after a change of what is installed
	$(BIN)/python -m kubediscovery.kustomize manifests

# The site's tools are no part of the development environment.
$(VENV)-site/made: requirements-docs.lock
	$(PYTHON) -m venv $(VENV)-site
	$(VENV)-site/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

docs: $(VENV)-site/made ## the documents as a site in site/
	$(VENV)-site/bin/mkdocs build --strict

lock: ## renew requirements.lock and requirements-dev.lock
	$(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/pip install --quiet uv
	$(VENV)-lock/bin/uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-find-links --no-header pyproject.toml --extra tracing -o requirements.lock
	$(VENV)-lock/bin/uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-find-links --no-header pyproject.toml --extra tracing --extra dev -c requirements.lock -o requirements-dev.lock
	$(VENV)-lock/bin/uv pip compile --quiet --universal --upgrade --generate-hashes --no-emit-find-links --no-header pyproject.toml --extra docs -c requirements.lock -o requirements-docs.lock
	rm -rf $(VENV)-lock

clean: ## remove the environment; the control plane's cache stays
	rm -rf $(VENV) $(VENV)-lock $(VENV)-site build dist site .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
