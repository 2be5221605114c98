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
CLUSTER_ARGS ?= -n 2 --dist loadfile
SLOW_ARGS ?= -n 2 --maxschedchunk=1
E2E_TESTS ?= tests/e2e
E2E_ARGS ?= -n 0 -s
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' clt_operator/__init__.py)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
DATE = $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
IMAGE_TOOL ?= $(shell docker info >/dev/null 2>&1 && echo docker || command -v buildah)
IMAGE_PREFIX ?=
IMAGE_TAG ?= $(VERSION)
IMAGE_ARGS ?=
LABEL := --label org.opencontainers.image
# Files of a commit have its date: the same commit gives the same layers. Buildah's cache looks at
# no value of an ARG, at labels of the command line it does.
IMAGE_DATED = $(if $(findstring buildah,$(IMAGE_TOOL)),--layers --timestamp $(DATE) \
  $(LABEL).version=$(VERSION) $(LABEL).revision=$(REVISION),--build-arg SOURCE_DATE_EPOCH=$(DATE))
RESOLVE := $(UV) pip compile -q --generate-hashes --universal --python-version 3.11 \
  --no-emit-index-url --no-header --no-annotate

# Every step is a process: without compiled modules each would compile thousands of files again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-cluster test-cluster-slow cluster-binaries test-e2e e2e-packages chart-test lint format docs manifests dashboards golden images constraints clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  \1\t/'

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
	$(BIN)/python -m pytest $(SLOW_ARGS) -m slow_fault $(CLUSTER_TESTS)

test-e2e: cluster-binaries ## tests on real nodes: images built, installed by the README, real pods
	@PYTHONPATH=tests $(BIN)/python -m e2e.harness.machine
	$(BIN)/python -m pytest $(E2E_ARGS) $(E2E_TESTS)

e2e-packages: $(STAMP) ## install the Debian packages that test-e2e needs (as root)
	PYTHONPATH=tests $(BIN)/python -m e2e.harness.machine --install

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

images: ## build both images; IMAGE_TOOL=docker|buildah IMAGE_PREFIX=registry/team/ IMAGE_TAG=
	@test -n "$(IMAGE_TOOL)" || { echo "docker (running) or buildah is needed" >&2; exit 1; }
	$(foreach image,operator jobs,$(IMAGE_TOOL) build $(IMAGE_DATED) $(IMAGE_ARGS) \
	  --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
	  -f images/$(image)/Dockerfile -t $(IMAGE_PREFIX)clt-$(image):$(IMAGE_TAG) . &&) :

constraints: $(STAMP) ## resolve the pinned versions again
	$(RESOLVE) --upgrade pyproject.toml --extra jobs --extra test -o constraints.txt
	$(RESOLVE) pyproject.toml -c constraints.txt --extra jobs -o images/jobs/constraints.txt
	$(RESOLVE) pyproject.toml -c constraints.txt --excludes images/operator/excludes.txt \
	  -o images/operator/constraints.txt
	$(RESOLVE) --upgrade images/build/tools.in -o images/build/tools.txt

clean: ## remove what the targets made here (not the store)
	rm -rf $(VENV) build dist quickstart-report .mypy_cache .ruff_cache .pytest_cache
