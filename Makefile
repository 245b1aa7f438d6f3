# `make` lists the targets. Each one works on a fresh clone: it sets up what it needs first.

PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) scripts/setup.py
# More words for the command behind a target: make demo ARGS="--port 9000", make test ARGS="-k refund"
ARGS ?=
# Python keeps what it compiles, also where the environment forbids it: a start takes twice as long otherwise.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/.pytest_cache/d/bytecode

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test check fmt lint types imports fast bench lock clean

help: ## list the targets
	@echo "make demo    starts the hub with simulated gateways; make test runs every test."
	@echo
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1|\2/' | awk -F'|' '{ printf "  %-9s %s\n", $$1, $$2 }'

setup: ## make .venv with all that the tests and tools need
	@$(SETUP) dev

demo: ## serve on 127.0.0.1:8787 with SQLite and simulated gateways
	@$(SETUP)
	@exec $(BIN)/tallystick dev $(ARGS)

dev: demo ## the same as demo

test: setup ## run everything: static checks, then all tests on SQLite, PostgreSQL, Redis and Chromium
	@$(MAKE) --no-print-directory --keep-going lint types imports
	@$(BIN)/python scripts/ensure_programs.py
	@$(BIN)/python -m pytest -n 4 $(ARGS)

check: setup ## the quick loop: format, lint, types, imports, fast tests, docs
	@$(MAKE) --no-print-directory --keep-going lint types imports fast

fmt: setup ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lint: setup ## format check and lint
	@$(BIN)/ruff format --check . > .venv/format.txt 2>&1 || { cat .venv/format.txt; echo "Mend it: make fmt"; exit 1; }
	@$(BIN)/ruff check --quiet .

types: setup ## mypy --strict
	@$(BIN)/mypy --no-error-summary

imports: setup ## which file may import which
	@$(BIN)/lint-imports > .venv/imports.txt 2>&1 || { cat .venv/imports.txt; exit 1; }

fast: setup ## the tests that need no server, no browser and no further program
	@$(BIN)/python -m pytest -q -n auto -m "not postgres and not redis and not browser and not server and not tools and not slow" $(ARGS)

bench: setup ## measure; see bench/
	@$(BIN)/python -m bench $(ARGS)

lock: setup ## bring the lock files up to the newest versions that pyproject.toml allows
	@$(BIN)/python scripts/lock.py $(ARGS)

clean: ## remove .venv and all caches, never a database
	@rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage build dist .setup.lock
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
