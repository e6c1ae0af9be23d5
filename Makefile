# make setup   the environment: .venv/bin/ticketmill
# make demo    fourteen tickets from S3 through the queue to their rows, on this machine
# make test    every test, with an emulator of its own
# make check   linters and types
# make chaos   many tickets, real workers and every trouble: SEEDS="7 8 9" TICKETS=500
# make bench   how fast the pipeline is beside the bare encoder and the naive design (some minutes)
# make soak    whether a worker grows in ten minutes of work
#
# make localstack-up    the pipeline on LocalStack in containers: LocalStack, stack, worker; -logs, -down
# make localstack-host  LocalStack without Docker, and the stack on it, until Ctrl-C
# make test-localstack  the integration tests against LocalStack, without Docker

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup demo test check chaos bench soak format heads clean
.PHONY: localstack-up localstack-down localstack-logs localstack-host test-localstack

setup: $(READY)

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
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
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec localstack/compose.yaml

# BENCH adds options, as in: make bench BENCH="--naive-python ../torch/bin/python"
bench: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python tests/benchmarks/pipeline.py $(BENCH)

soak: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python tests/benchmarks/soak.py $(SOAK)

COMPOSE := docker compose --file localstack/compose.yaml

localstack-up:
	$(COMPOSE) up --build --detach --wait

# what LocalStack keeps stays in its volume: $(COMPOSE) down --volumes drops that, too
localstack-down:
	$(COMPOSE) down

localstack-logs:
	$(COMPOSE) logs --follow

localstack-host: setup
	@$(BIN)/python localstack/host.py up

test-localstack: setup
	@$(BIN)/python localstack/host.py run $(BIN)/pytest tests/integration

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# trains the heads that the package ships; the same corpus gives the same ones
heads: setup
	$(BIN)/ticketmill models train

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
