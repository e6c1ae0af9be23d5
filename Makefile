# make setup   the environment: .venv/bin/ticketmill
# make demo    fourteen tickets from S3 through the queue to their rows, on this machine
# make test    every test, with an emulator of its own
# make check   linters and types
# make chaos   many tickets, real workers and every trouble: SEEDS="7 8 9" TICKETS=500
# make bench   how fast the pipeline is beside the bare encoder and the naive design (some minutes)
# make lambda-zip   the archive of the Lambda function: build/ticketmill-lambda-….zip
# make soak    whether a worker grows in ten minutes of work

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup demo test check chaos bench lambda-zip lambda-start lambda-lock soak format heads clean

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

# BENCH adds options, as in: make bench BENCH="--naive-python ../torch/bin/python"
bench: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python tests/benchmarks/pipeline.py $(BENCH)

# options by ZIP, as in: make lambda-zip ZIP="--python 3.13"
lambda-zip: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python infra/lambda_zip.py $(ZIP)

# builds the archive and measures how long the function takes to its first answer
lambda-start: setup
	@archive=$$($(MAKE) --silent lambda-zip | tail -n 1) && $(BIN)/python tests/benchmarks/lambda_start.py $$archive

# what the function's archive holds, pinned by hash: all that the package depends on but what talks to people
lambda-lock: setup
	$(BIN)/python -m pip install --quiet 'uv>=0.9'
	$(BIN)/uv pip compile pyproject.toml --excludes infra/lambda.excludes --upgrade --output-file infra/lambda.lock \
	  --python-version 3.11 --python-platform x86_64-manylinux_2_28 --generate-hashes --no-header --no-annotate --quiet

soak: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python tests/benchmarks/soak.py $(SOAK)

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# trains the heads that the package ships; the same corpus gives the same ones
heads: setup
	$(BIN)/ticketmill models train

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
