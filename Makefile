# Everything a developer or CI does: `make help`. Each target does the set-up it needs and is quiet when that is done.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
BUILD := build-linux
ASAN := $(BUILD)/asan
TSAN := $(BUILD)/tsan
# What calculates has a worker a core; the toolkit does both. What plays in real time mostly waits: more workers than
# cores, and nothing beside it that calculates and would make it late.
PYTEST := $(BIN)/python -m pytest -q
CALCULATING := -n $(shell nproc) --dist loadfile
MIXED := -n 4 --dist loadfile
WAITING := -n 8 --dist load --maxschedchunk 1
CROWD := -n 12 --dist load --maxschedchunk 1
LOOP := test/system/test_one_day.py test/system/test_seven_days.py
SCENARIOS := test/toolkit/scenario/test_scenarios.py
NETWORK := $(addprefix test/integration/test_,device_console.py web_access.py web_bms.py web_device.py web_requests.py \
	web_settings.py web_sockets.py web_tools.py) \
	$(addprefix test/system/test_,demo_web.py deploy_files.py nginx.py prometheus.py)
EMULATOR := test/project/test_hardware_on_emulator.py
ATTACKS := $(addprefix test/integration/test_,openapi.py web_answers.py web_attacks.py web_connections.py web_stacks.py)
EMBEDDED := $(BIN)/python -m pytest -q -c test/embedded.ini test/unit test/hardware

.PHONY: help setup build demo docs test test-control test-toolkit hardware check check-sanitized check-tsan \
	check-long check-instruments fuzz-build lint figures figures-record soak bench bench-record clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 26

setup: $(VENV)/.installed ## install Debian packages and the Python environment
	@:

demo: build ## run a simulated TinyBMS, the gateway and a GX, live in this terminal
	@$(BIN)/tinybms-gw demo $(DEMO_ARGS)

docs: setup ## build the documentation as a site, in build-linux/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

build: setup ## build the native gateway and the unit suites, in build-linux/
	@tools/dev/build.sh $(BUILD)

test: test-control test-toolkit ## test everything a user relies on; run it before each commit

test-control: build ## test the gateway: suites, properties, closed loop, bus and line, bench
	@tools/dev/part.sh suites 60 $(EMBEDDED) -n 8
	@tools/dev/part.sh corpora 1 tools/dev/unit.sh $(BUILD) '^fuzz_'
	@tools/dev/part.sh calculating 65 $(PYTEST) $(CALCULATING) test/pure $(LOOP)
	@tools/dev/part.sh scenarios 30 $(PYTEST) $(SCENARIOS)
	@tools/dev/part.sh "real time" 140 $(PYTEST) $(WAITING) test/system test/integration $(addprefix --ignore=,$(LOOP) $(NETWORK) $(ATTACKS))
	@tools/dev/packages.sh nginx openssl prometheus
	@tools/dev/part.sh network 90 $(PYTEST) $(CROWD) $(NETWORK)

test-toolkit: build ## test the toolkit, and the tree itself
	@tools/dev/packages.sh git mosquitto openssl
	@tools/dev/part.sh toolkit 150 $(PYTEST) $(MIXED) test/project test/toolkit $(addprefix --ignore=,$(SCENARIOS) $(EMULATOR))

hardware: build ## run the bench tests here or, with HARDWARE_ARGS, on a chip: docs/testing/bench.md
	@$(EMBEDDED) $(HARDWARE_ARGS)

check: test check-long check-instruments check-sanitized check-tsan ## make test, plus attacks, sanitizers, mutants, other instruction sets: what CI runs

check-long: build ## attack the web interface, compare it with its description, use its page in Chromium; the bench in an emulator
	@tools/dev/packages.sh chromium
	@$(PYTEST) $(CROWD) $(ATTACKS) $(EMULATOR)
	@$(PYTEST) test/web

check-instruments: build ## test mutants, and the pure components on two other instruction sets
	@tools/dev/packages.sh riscv64-unknown-elf-gcc picolibc-riscv64 xtensa-lx106-elf-gcc qemu-system-riscv32
	@$(PYTEST) $(CALCULATING) test/mutation test/target

check-sanitized: setup ## test the C code with ASan and UBSan
	@tools/dev/build.sh $(ASAN) -DSANITIZE=address,undefined
	@tools/dev/unit.sh $(ASAN)
	@tools/dev/pytest_sanitized.sh $(ASAN) $(PYTEST)

check-tsan: setup ## look for data races with ThreadSanitizer
	@tools/dev/build.sh $(TSAN) -DSANITIZE=thread
	@tools/dev/tsan.sh $(TSAN) $(PYTEST) -n 4 --dist worksteal

lint: build ## check style, types, spelling, Kconfig and secrets; run clang-tidy and cppcheck
	@tools/dev/packages.sh clang-tidy cppcheck
	@tools/dev/lint.sh $(BUILD)

fuzz-build: setup
	@tools/dev/packages.sh clang-14 libclang-rt-14-dev
	@tools/dev/build.sh $(BUILD)/fuzz -DCMAKE_C_COMPILER=clang-14 -DFUZZING=ON -DBUILD_TESTING=OFF \
		-DSANITIZE=fuzzer-no-link,address,undefined

figures: build fuzz-build ## measure the figures and check their limits: a table, and build-linux/figures.json
	@tools/dev/packages.sh riscv64-unknown-elf-gcc picolibc-riscv64 xtensa-lx106-elf-gcc qemu-system-riscv32
	@$(BIN)/python -m pytest -q -s -o python_files='figures_*.py' test/figures

figures-record: setup ## make the last figures the reference: test/figures/reference.json, docs/figures.md
	@PYTHONPATH=test $(BIN)/python -m support.instruments.record_figures $(BUILD)/figures.json

soak: build ## use the web server for 30 min (SOAK_MINUTES) and check limits: a table, and build-linux/soak.json
	@$(BIN)/python -m pytest -q -s -o python_files='soak_*.py' test/figures

bench: figures soak ## make figures, then make soak

bench-record: figures-record ## make the last figures and the last soak the reference
	@PYTHONPATH=test $(BIN)/python -m support.instruments.record_figures $(BUILD)/soak.json

clean: ## remove what the other targets made
	rm -rf $(BUILD) $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find tools -name '*.egg-info' -type d -prune -exec rm -rf {} +

$(VENV)/.installed: pyproject.toml tools/dev/packages.sh
	@tools/dev/packages.sh gcc make cmake ninja python3-venv libhttp-parser-dev libmbedtls-dev
	@[ -x $(BIN)/python ] || python3 -m venv $(VENV)
	@echo "installing the Python packages into $(VENV)" >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[dev]'
	@touch $@
