# Every target does its own set-up: a machine needs Python >= 3.11, git and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := $(BIN)/uv
STORE ?= .clt/store
TESTS ?= tests/unit tests/integration
PYTEST_ARGS ?= -n 2 --dist loadgroup
CLUSTER_TESTS ?= tests/cluster
CLUSTER_ARGS ?= -n 0

# Every step is a process: without compiled modules each would compile thousands of files again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-cluster test-cluster-slow cluster-binaries chart-test lint format docs manifests dashboards golden constraints clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q uv==0.13.9
	VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install -q --require-hashes -r constraints.txt
	VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install -q --no-deps -e .
	@touch $@

setup: $(STAMP) ## install everything into .venv

demo: $(STAMP) ## run the quickstart study and say where its report is
	$(BIN)/cltctl apply examples/quickstart.yaml --local --store $(STORE)
	$(BIN)/cltctl report quickstart --store $(STORE) --to quickstart-report

test: lint ## lint, types, unit and integration tests
	$(BIN)/python -m pytest $(PYTEST_ARGS) $(TESTS)

cluster-binaries: $(STAMP)
	@$(if $(KUBECONFIG),:,PYTHONPATH=tests $(BIN)/python -m cluster.harness.binaries)

test-cluster: cluster-binaries ## tests on a real control plane (Go builds it once), or on KUBECONFIG's
	$(BIN)/python -m pytest $(CLUSTER_ARGS) -m "not slow_fault" $(CLUSTER_TESTS)

test-cluster-slow: cluster-binaries ## the faults that last minutes, on the same control plane
	$(BIN)/python -m pytest $(CLUSTER_ARGS) -m slow_fault $(CLUSTER_TESTS)

chart-test: $(STAMP) ## the chart: lint, goldens, every version of Kubernetes, and a real API server
	$(BIN)/python -m pytest $(CLUSTER_ARGS) tests/unit/chart tests/cluster/chart

lint: $(STAMP) ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## write the code as ruff formats it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## make the generated pages again
	$(BIN)/python -m clt_operator.api.reference > docs/reference/spec.md
	$(BIN)/python -m clt_operator.api.reference status > docs/reference/status.md
	$(BIN)/python -m clt_operator.api.reference profiles > docs/reference/profiles.md
	$(BIN)/python docs/pages.py
	CLT_UPDATE_DOCS=1 $(BIN)/python -m pytest -q tests/integration/docs -k outputs

manifests: $(STAMP) ## make what is made of the chart again: definition, schema, README, manifests
	$(BIN)/python -m charts.pages manifests

dashboards: $(STAMP) ## make dashboards and alerts again from charts/monitoring
	$(BIN)/python -m charts.monitoring

golden: $(STAMP) ## write the golden manifests again; read the difference before you commit it
	CLT_UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/unit/render

constraints: $(STAMP) ## resolve the pinned versions again
	$(UV) pip compile pyproject.toml --extra jobs --extra test --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --universal --python-version 3.11 \
	  --upgrade -q -o constraints.txt

clean: ## remove what the targets made here (not the store)
	rm -rf $(VENV) build dist quickstart-report .mypy_cache .ruff_cache .pytest_cache
