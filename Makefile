# make setup   the environment: .venv/bin/ticketmill
# make demo    fourteen tickets from S3 through the queue to their rows, on this machine
# make test    every test, with an emulator of its own
# make test-hub  the tests of named models: installs torch, transformers and sentence-transformers
# make check   linters and types
# make chaos   many tickets, real workers and every trouble: SEEDS="7 8 9" TICKETS=500
# make bench   how fast the pipeline is beside the bare encoder and the naive design (some minutes)
# make soak    whether a worker grows in ten minutes of work

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup demo test test-hub check chaos bench soak format heads clean

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

# the usual index has builds of torch that bring gigabytes for GPUs; this one has those for CPUs
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check

test-hub: setup
	$(PIP_INSTALL) --no-deps --extra-index-url $(TORCH_INDEX) torch==2.13.0
	$(PIP_INSTALL) --editable '.[hub]'
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 TICKETMILL_TEST_HUB=1 $(BIN)/pytest tests/hub tests/integration/test_hub.py

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

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# trains the heads that the package ships; the same corpus gives the same ones
heads: setup
	$(BIN)/ticketmill models train

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
