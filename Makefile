# `make` alone lists the targets. Python 3.11 or newer is all that must be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO := .demo

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-7s %s\n", $$1, $$2}'

$(READY): pyproject.toml constraints.txt Makefile
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("ragline needs Python 3.11 or newer and this is %s: make PYTHON=python3.12" % sys.version.split()[0])'
	@echo "Installing into $(VENV): a few minutes the first time"
	@$(PYTHON) -m venv $(VENV)
	@# What an earlier install left in this folder would hide what is registered since.
	@rm -rf ragline.egg-info
	@# --group, which reads the list of development tools, came with pip 25.1.
	@$(BIN)/python -m pip install -qq --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install -qq -c constraints.txt --editable . --group dev
	@touch $@

demo: $(READY) ## Index the sample documents and ask three questions
	@rm -rf $(DEMO)
	$(BIN)/rag index sample_corpus --index $(DEMO)
	@echo
	$(BIN)/rag ask "When did the first sailing under the joint flag leave Port Hallan?" --index $(DEMO)
	@echo
	$(BIN)/rag ask "How much is budgeted for fuel and electricity in 2026?" --index $(DEMO)
	@echo
	$(BIN)/rag ask "How much does a day in the Port Hallan car park cost?" --index $(DEMO)

test: $(READY) ## Run the tests
	@# As many at a time as there are cores; a test that waits for one lets others go on.
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

check: $(READY) ## Check style, types, the direction of imports, and the documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: $(READY) ## Write the generated parts of docs/ anew
	$(BIN)/python docs/generate.py

bench: $(READY) ## Run the benchmarks again
	$(BIN)/python -m benchmarks

clean: ## Remove what make made
	rm -rf $(VENV) $(DEMO) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
