# Tabularium. `make` alone says what there is.
# The first call of a target sets up everything it needs in .venv, from requirements.lock; later calls find it done.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
ARGS ?=
PYTEST_ARGS ?=
WORKERS ?= auto

# An environment that was copied or moved, or whose interpreter is gone, is made again.
$(shell [ -x $(BIN)/python ] && [ "$$(cat $(VENV)/.home 2>/dev/null)" = "$(CURDIR)" ] || rm -f $(STAMP))

.PHONY: help serve test check bench format lock clean

help: ## Say what there is
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(STAMP) ## Start the server on http://127.0.0.1:8055, with a project at the first start; ARGS="--port 9000"
	@exec $(BIN)/tabularium serve $(ARGS)

test: $(STAMP) ## Run the whole suite on every database that answers; PYTEST_ARGS="-k filters" WORKERS=0
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope $(PYTEST_ARGS)

check: $(STAMP) ## Check format, lint, types and the rules of the house
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/architecture

bench: $(STAMP) ## Measure requests against a bare server; ARGS="--help"
	@exec $(BIN)/python -m bench $(ARGS)

format: $(STAMP) ## Put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP) ## Renew requirements.lock from pyproject.toml, for every supported Python; ARGS="--upgrade"
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --no-emit-index-url --custom-compile-command "make lock" --group dev $(ARGS) \
	    --output-file requirements.lock pyproject.toml

clean: ## Remove the environment and what tools leave behind; data/ stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml scripts/setup
	@scripts/setup $(VENV)
	@touch $@
