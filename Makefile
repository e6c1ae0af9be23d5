# make setup   the environment: .venv/bin/ticketmill
# make demo    fourteen tickets from S3 through the queue to their rows, on this machine
# make test    every test, with an emulator of its own
# make check   linters and types
# make chaos   many tickets, real workers and every trouble: SEEDS="7 8 9" TICKETS=500
# make bench   how fast the pipeline is beside the bare encoder and the naive design (some minutes)
# make conformance  what the places do differently, asked anew: LOCALSTACK=http://127.0.0.1:4566 asks it, too
# make audit   whether a dependency has a known weakness: AUDIT=--required fails where no database answers
# make lock    the versions and hashes of all dependencies anew, after a change of pyproject.toml
# make soak    whether a worker grows in ten minutes of work

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup demo test check chaos bench soak conformance audit lock format heads clean

setup: $(READY)

# from the lock: what has another hash is not installed
$(READY): pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(READY)

demo: setup
	@$(BIN)/ticketmill models build
	@set -e; environment=$$($(BIN)/ticketmill up); eval "$$environment"; trap '$(BIN)/ticketmill down' EXIT; \
	$(BIN)/ticketmill drop events/samples; \
	$(BIN)/ticketmill work --until-empty; \
	$(BIN)/ticketmill list; \
	$(BIN)/ticketmill show TKT-001

test: setup
	$(BIN)/pytest

SEEDS ?= 1 2 3
TICKETS ?= 500

# BROKEN=past_overwrites (or another way of tests/chaos/broken.py) breaks the workers, and the checks must see it
chaos: setup
	CHAOS_SEEDS="$(SEEDS)" CHAOS_TICKETS=$(TICKETS) CHAOS_BROKEN=$(BROKEN) $(BIN)/pytest -s tests/chaos/test_chaos.py

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/cfn-lint infra/template.yaml infra/ecs-service.yaml

# BENCH adds options, as in: make bench BENCH="--naive-python ../torch/bin/python"
bench: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python tests/benchmarks/pipeline.py $(BENCH)

soak: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python tests/benchmarks/soak.py $(SOAK)

conformance: setup
	$(BIN)/python tests/conformance/table.py $(if $(LOCALSTACK),--localstack $(LOCALSTACK))

audit: setup
	@$(BIN)/python infra/audit.py $(AUDIT)

UV_COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --upgrade pyproject.toml

# not by way of setup: it installs from what is made here
lock:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	$(UV_COMPILE) --extra dev --output-file requirements-dev.lock
	$(UV_COMPILE) --constraint requirements-dev.lock --output-file requirements.lock

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# trains the heads that the package ships; the same corpus gives the same ones
heads: setup
	$(BIN)/ticketmill models train

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
