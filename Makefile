# The two commands a user needs are `make run` and `make test`; `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SOURCES := $(shell find src -name '*.py' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h')
PIP    := $(BIN)/python -m pip install -q --disable-pip-version-check
# The modules are built in place before; left to itself, pip would compile them again.
INSTALL := REDRACER_BUILD_ONLY=nothing $(PIP) --no-build-isolation

.PHONY: help run test test-long lint build docs docs-site browser compat clients redis-py compat-quick asan fuzz damage crash replication sentinel bench clean

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: $(VENV)/.built ## build into .venv, start a server and its dashboard; ARGS="--port 7000" passes options
	@PYTHONPATH=src exec $(BIN)/python -m redracer serve $(ARGS) --dashboard-port 8379

build: $(VENV)/.installed ## build the compiled modules in place

test: $(VENV)/.built $(VENV)/.test-tools lint ## build, then every test of the quick set
	$(BIN)/python -m pytest -m "not long"

test-long: $(VENV)/.built $(VENV)/.test-tools ## every test, also those that take minutes
	$(BIN)/python -m pytest

lint: $(VENV)/.test-tools ## style, types, layers
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# What builds, and what a server for trying out has besides: scripts and the dashboard.
$(VENV)/.tools: pyproject.toml | $(VENV)/bin/python
	$(PIP) --no-compile 'setuptools>=77' 'cython>=3.3' 'lupa>=2.1' 'starlette>=0.40' 'uvicorn>=0.30'
	@touch $@

$(VENV)/.built: $(SOURCES) setup.py $(VENV)/.tools
	flock $(VENV)/.lock $(BIN)/python setup.py -q build_ext --inplace
	$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.installed: | $(VENV)/.built
	@test -e $(BIN)/redracer-server || $(INSTALL) -e '.[lua]'
	@touch $@

$(VENV)/.test-tools: pyproject.toml | $(VENV)/.built
	$(INSTALL) -e '.[test]'
	@touch $@

docs: $(VENV)/.installed ## write docs/commands.md, docs/tools.md and the README's table of commands
	$(BIN)/python -m tools.command_table
	$(BIN)/python -m tools.help_pages

docs-site: $(VENV)/bin/python ## build the documentation as a site, in build/site
	$(PIP) 'mkdocs-material>=9.5'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

compat: $(VENV)/.installed ## run Redis's own test suite; ARGS="--units unit/expire --failures" runs a part of it
	$(BIN)/python -m tests.compat $(ARGS)

clients: $(VENV)/.installed ## programs that people use with Redis (BullMQ, Celery, RQ, Huey, locks, limits) against the server
	$(INSTALL) -e '.[clients,lua,test]'
	@mkdir -p build/bullmq && cp tests/clients/bullmq/package*.json build/bullmq
	@command -v npm > /dev/null || echo 'there is no npm: the tests of BullMQ are left out'
	@! command -v npm > /dev/null || (cd build/bullmq && npm ci --silent --ignore-scripts --no-audit --no-fund)
	$(BIN)/python -m pytest -q tests/clients $(ARGS)

redis-py: $(VENV)/.test-tools ## redis-py's own tests of its commands, on a store in a process (ten minutes); ARGS="--server"
	$(BIN)/python -m tests.redis_py $(ARGS)

browser: $(VENV)/.installed ## drive every panel of the dashboard with Debian's chromium; screenshots go to build/screenshots
	$(INSTALL) -e '.[browser-test,dashboard,test]'
	REDRACER_SCREENSHOTS=$(CURDIR)/build/screenshots $(BIN)/python -m pytest -q -rs tests/dashboard/test_dashboard_page.py $(ARGS)

compat-quick: $(VENV)/.installed ## the part of Redis's test suite that `make test` runs
	$(BIN)/python -m tests.compat --quick $(ARGS)

asan: $(VENV)/.test-tools ## build a copy under AddressSanitizer and UBSan (build/asan); run the unit tests and a short fuzz there
	$(BIN)/python -m tests.fuzz.sanitized -m pytest tests/unit -p no:cacheprovider --timeout 1200
	$(BIN)/python -m tests.fuzz.sanitized -m tests.fuzz --inputs 200000 $(ARGS)

fuzz: $(VENV)/.test-tools ## ten million random and mutated inputs under the sanitizers (a quarter of an hour); ARGS="--seed 7"
	$(BIN)/python -m tests.fuzz.sanitized -m tests.fuzz --inputs 10000000 $(ARGS)

damage: $(VENV)/.test-tools ## load 100,000 damaged payloads of DUMP, RDB files and logs each under the sanitizers (an hour); ARGS="--seed 7"
	$(BIN)/python -m tests.fuzz.sanitized -m tests.fuzz.damage --inputs 100000 $(ARGS)

crash: $(VENV)/.test-tools ## kill the server hundreds of times while it writes to the disk (20 minutes); ARGS="--seed 7"
	$(BIN)/python -m tests.crash $(ARGS)
	$(BIN)/python -m tests.crash.snapshots $(ARGS)

replication: $(VENV)/.test-tools ## compare primaries and replicas under load, with links cut and processes killed (8 minutes)
	$(BIN)/python -m tests.replication $(ARGS)

sentinel: $(VENV)/.test-tools ## have real Sentinels fail over, 50 times under write load, and in mixed sets (15 minutes)
	$(BIN)/python -m tests.sentinel $(ARGS)

bench: $(VENV)/.installed ## measure against redis-server (an hour; ARGS="--quick", or "--only cpu --tests SET" for a part)
	$(BIN)/python -m benchmarks $(or $(ARGS),--publish)

clean: ## remove what the build made
	rm -rf build $(VENV)
	find src -name '*.so' -delete
