# The images of the worker and, with --target, of the trainer and the indexer:
#   docker build --file infra/worker.Dockerfile --tag ticketmill .
#   docker build --file infra/worker.Dockerfile --target trainer --tag ticketmill-trainer .
#   docker build --file infra/worker.Dockerfile --target indexer --tag ticketmill-indexer .
# Each carries the bundle it was built with; another one is mounted over /opt/ticketmill/bundle.

FROM python:3.13-slim AS source
WORKDIR /source
COPY pyproject.toml requirements.lock requirements-train.lock requirements-search.lock README.md LICENSE ./
COPY src src
COPY infra/template.yaml infra/search-service.yaml infra/

# what builds a bundle stays in this stage: the images need none of it
FROM source AS bundle
RUN python -m venv /tmp/builder \
 && /tmp/builder/bin/pip install --no-cache-dir --disable-pip-version-check '.[build]' \
 && TICKETMILL_CACHE_DIR=/tmp/cache /tmp/builder/bin/ticketmill models build \
 && mkdir /opt/ticketmill \
 && cp -RL /tmp/cache/bundles/current /opt/ticketmill/bundle

# from a lock: what has another hash does not get into an image
FROM source AS worker-venv
RUN python -m venv /opt/ticketmill/venv \
 && /opt/ticketmill/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock \
 && /opt/ticketmill/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM source AS trainer-venv
RUN python -m venv /opt/ticketmill/venv \
 && /opt/ticketmill/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-train.lock \
 && /opt/ticketmill/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM source AS indexer-venv
RUN python -m venv /opt/ticketmill/venv \
 && /opt/ticketmill/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-search.lock \
 && /opt/ticketmill/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.13-slim AS base
RUN useradd --system --uid 10001 --no-create-home ticketmill
COPY --from=bundle /opt/ticketmill/bundle /opt/ticketmill/bundle
ENV PATH=/opt/ticketmill/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TICKETMILL_BUNDLE=/opt/ticketmill/bundle
USER 10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["ticketmill"]

# it listens on no port; a training that is cut off is received again
FROM base AS trainer
COPY --from=trainer-venv /opt/ticketmill/venv /opt/ticketmill/venv
CMD ["learn"]

# it searches too: run it with the command serve
FROM base AS indexer
COPY --from=indexer-venv /opt/ticketmill/venv /opt/ticketmill/venv
# a volume of ECS takes over who may write to this folder
VOLUME ["/tmp"]
CMD ["index", "work"]

# the last stage is what a build without --target makes
FROM base AS worker
COPY --from=worker-venv /opt/ticketmill/venv /opt/ticketmill/venv
ENV TICKETMILL_METRICS_PORT=9464
# the worker finishes the batch in hand on SIGTERM: give it longer than its deadline of 25 s to stop
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
CMD ["work"]
