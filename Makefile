# Everything a developer or CI runs. Needs Python 3.11 or later, git and make, nothing else: the rest goes into .venv.
# `make` alone tells what there is. Paths are relative throughout, so that any clone path works, spaces included.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
RUN  := $(VENV)/bin/python -m
# Two marks, so that a change to pyproject.toml alone downloads nothing.
LOCKED    := $(VENV)/.locked
INSTALLED := $(VENV)/.installed

# How many histories `make simulate` plays, and how many `make prove` does.
SEEDS       ?= 200
PROVE_SEEDS ?= 20000

# An environment knows its own path. One that was copied or moved along with the clone, or whose Python has gone, is made anew.
ifneq ($(shell test -x $(VENV)/bin/python && cat $(LOCKED) 2>/dev/null),$(CURDIR))
.PHONY: $(LOCKED)
endif

# ------------------------------------------------------------------------------------------------------------ for people

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

.PHONY: demo
demo: $(INSTALLED) ## see it work, on a simulated fleet in a temporary folder
	@$(VENV)/bin/reconciler demo

.PHONY: check
check: static ## the daily loop: lints, types, contracts and the fast tests, below a minute
	@$(RUN) pytest --quiet --numprocesses auto -m "not slow"

.PHONY: test
test: static ## everything, as CI runs it
	@$(RUN) tests.simulation --seeds 600
	@$(RUN) pytest --quiet --numprocesses auto --dist worksteal -m "not long" --durations 40 --durations-min 8

.PHONY: format
format: $(INSTALLED) ## put the code into shape, and mend what ruff can mend
	@$(RUN) ruff check --quiet --fix-only .
	@$(RUN) ruff format .

.PHONY: coverage
coverage: $(INSTALLED) ## the fast tests, and which lines they never reach
	@$(RUN) coverage run -m pytest --quiet -m "not slow"
	@$(RUN) coverage report

.PHONY: simulate
simulate: $(INSTALLED) ## histories with crashes and faults: make simulate SEEDS=200
	@$(RUN) tests.simulation --seeds $(SEEDS)

.PHONY: prove
prove: $(INSTALLED) ## the long proof, before a release: more histories, more random examples (PROVE_SEEDS=20000)
	@$(RUN) pytest --quiet --numprocesses auto --hypothesis-profile prove --ignore tests/daemon/test_story.py
	@STORY_S=600 $(RUN) pytest --quiet --capture=no -o faulthandler_timeout=1200 tests/daemon/test_story.py
	@$(RUN) tests.simulation --seeds $(PROVE_SEEDS)

.PHONY: lab
lab: $(INSTALLED) ## three real libvirt hosts on this machine, to try things on (as root; INSTALL=1 installs what is missing)
	@$(RUN) tests.lab

.PHONY: lock
lock: $(INSTALLED) ## resolve the dependencies anew into requirements.lock (UPGRADE=1: to the newest versions)
	@$(VENV)/bin/uv pip compile pyproject.toml --group dev --output-file requirements.lock --quiet \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## remove the environment, caches and builds
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find reconciler tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ----------------------------------------------------------------------------------------------------------- behind them

.PHONY: static
static: $(INSTALLED)
	@$(RUN) ruff check --quiet --output-format concise .
	@$(RUN) ruff format --quiet --check . || { echo "hint: make format" >&2; exit 1; }
	@$(RUN) mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-logo > $(VENV)/contracts.txt || { cat $(VENV)/contracts.txt; exit 1; }

$(LOCKED): requirements.lock
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "error: no Python 3.11 or later on the path" >&2; \
		echo "hint: install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "error: $$found has no venv module" >&2; \
		"$$found" -c 'import sys; print("hint: on Debian and Ubuntu: apt install python3.%d-venv" % sys.version_info[1])' >&2; \
		exit 1; \
	fi; \
	echo "setting up $(VENV) with $$("$$found" --version) ..." >&2; \
	"$$found" -m venv --clear $(VENV)
	@$(RUN) pip install --quiet --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@pwd -P > $(LOCKED)

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(RUN) pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)
