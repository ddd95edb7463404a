# make help tells what there is. Settings: VENV (.venv), PYTHON, ONCE, ARGS, WORKERS, E2E_WORKERS, and CALLCENTER_* of README.md.
.DEFAULT_GOAL := help
.PHONY: help setup setup-checkers setup-pbx demo run test bench soak lint format lock clean
.NOTPARALLEL:
SHELL := /bin/bash
VENV ?= .venv
export VENV
# compiled once instead of at every start: a service is ready in half the time
unexport PYTHONDONTWRITEBYTECODE

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Python environment and the packages it needs (quick when all is there)
	@scripts/setup.sh

setup-checkers: ## promtool and systemd-analyze, which check the files of deploy/
	@scripts/setup-checkers.sh

setup-pbx: setup ## Asterisk 22 and SIPp, real ones
	@scripts/setup-pbx.sh

demo: setup setup-pbx ## the whole hotline with simulated callers; ONCE=1: ends by itself
	@exec $(VENV)/bin/python -m demo $(if $(ONCE),--once)

run: setup ## the service
	@exec $(VENV)/bin/callcenter serve

test: setup setup-pbx setup-checkers ## all tests; ARGS='tests/unit -k queue' for some
	@scripts/test.sh

bench: setup ## how fast it is; ARGS='flow_files' for some (docs/performance.md)
	@$(VENV)/bin/python -m bench $(ARGS)

soak: setup setup-pbx ## the fault tests by the hundred, resumable; ARGS='-n 5 -k ledger' for fewer (docs/operations.md)
	@exec $(VENV)/bin/python -m soak $(ARGS)

lint: setup ## ruff, mypy strict, import rules, known vulnerabilities of dependencies
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/python scripts/audit.py

format: setup ## formats the code
	@$(VENV)/bin/ruff check --fix-only .
	@$(VENV)/bin/ruff format .

lock: ## requirements*.txt anew from pyproject.toml; UPGRADE=1: newest versions
	@scripts/lock.sh

clean: ## removes the environment and caches in this directory
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist *.egg-info
