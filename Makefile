# Everything a developer or CI does: `make help`. Each target does the set-up it needs and is quiet when that is done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
BUILD := build-linux
ASAN := $(BUILD)/asan
JOBS ?= $(shell nproc)
PYTEST := $(BIN)/python -m pytest -q -n 2 --dist loadfile

.PHONY: help setup build demo test test-native test-sanitized lint bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

setup: $(VENV)/.installed ## Debian packages, Python environment
	@:

demo: build ## simulated TinyBMS -> gateway -> GX, live in this terminal
	@$(BIN)/tinybms-gw demo $(DEMO_ARGS)

build: setup ## the native gateway and the unit suites, in build-linux/
	@tools/dev/build.sh $(BUILD)

test: test-native test-sanitized ## everything, then everything again with ASan and UBSan

test-native: build
	@$(BIN)/python -m pytest -q -c test/unit/pytest.ini test/unit
	@$(PYTEST) test

test-sanitized: setup
	@tools/dev/build.sh $(ASAN) -DSANITIZE=address,undefined
	@tools/dev/unit.sh $(ASAN)
	@tools/dev/pytest_sanitized.sh $(ASAN) $(PYTEST)

lint: build ## ruff, mypy, clang-format, clang-tidy, cppcheck
	@tools/dev/packages.sh clang-tidy cppcheck
	@tools/dev/lint.sh $(BUILD)

bench: build ## timing and throughput, written to build-linux/bench.json
	@$(BIN)/python -m pytest -q -s -o python_files='bench_*.py' test/bench

clean: ## removes what the other targets made
	rm -rf $(BUILD) $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find tools -name '*.egg-info' -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml tools/dev/packages.sh
	@tools/dev/packages.sh gcc make cmake ninja python3-venv
	@[ -x $(BIN)/python ] || python3 -m venv $(VENV)
	@echo "installing the Python packages into $(VENV)" >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[dev]'
	@touch $@
