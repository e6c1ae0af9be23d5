# make setup   the environment: .venv/bin/ticketmill
# make demo    fourteen tickets from S3 through the queue to their rows, on this machine
# make test    every test, with an emulator of its own
# make check   linter and types

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: setup demo test check format heads clean

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

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# trains the heads that the package ships; the same corpus gives the same ones
heads: setup
	$(BIN)/ticketmill models train

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
