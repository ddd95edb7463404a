# make help tells what there is. Settings: VENV (.venv), PYTHON, ONCE, ARGS, WORKERS, E2E_WORKERS, and CALLCENTER_* of README.md.
.DEFAULT_GOAL := help
.PHONY: help setup setup-checkers setup-browser setup-pbx demo run test web bench soak lint format lock clean
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

setup-browser: ## Chromium and a Chinese font, which the tests of the pages drive
	@scripts/setup-browser.sh

setup-pbx: setup ## Asterisk 22 and SIPp, real ones
	@scripts/setup-pbx.sh

demo: setup setup-pbx ## the whole hotline with simulated callers; ONCE=1: ends by itself
	@exec $(VENV)/bin/python -m demo $(if $(ONCE),--once)

run: setup ## the service
	@exec $(VENV)/bin/callcenter serve

test: setup setup-pbx setup-checkers setup-browser ## all tests; ARGS='tests/unit -k queue' for some
	@scripts/test.sh

web: ## bundles the pages into callcenter/web/static (needs node); PAGES='desk': only these
	@scripts/web.sh

bench: setup ## how fast it is; ARGS='flow_files' for some (docs/performance.md)
	@$(VENV)/bin/python -m bench $(ARGS)

soak: setup setup-pbx ## the fault tests by the hundred, resumable; ARGS='-n 5 -k ledger' for fewer (docs/operations.md)
	@exec $(VENV)/bin/python -m soak $(ARGS)

lint: setup ## ruff, mypy strict, import rules, known vulnerabilities of dependencies, TypeScript (where node is)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/python scripts/audit.py
	@if command -v npm >/dev/null; then scripts/web.sh check; else echo 'web: there is no node, so TypeScript is not checked'; fi

format: setup ## formats the code
	@$(VENV)/bin/ruff check --fix-only .
	@$(VENV)/bin/ruff format .

lock: ## requirements*.txt anew from pyproject.toml; UPGRADE=1: newest versions
	@scripts/lock.sh

clean: ## removes the environment and caches in this directory
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist *.egg-info
