# Every target does its own set-up: a machine needs Python >= 3.11, git and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV := $(BIN)/uv
TESTS ?= tests

.PHONY: demo test lint format constraints golden clean help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q uv
	VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install -q --require-hashes -r constraints.txt
	VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install -q --no-deps -e .
	@touch $@

constraints: ## resolve the pinned versions again
	$(UV) pip compile pyproject.toml --extra jobs --extra test --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --universal --python-version 3.11 --upgrade -q -o constraints.txt
