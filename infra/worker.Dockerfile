# The worker: docker build --file infra/worker.Dockerfile --tag ticketmill .
# It carries the bundle it was built with; another one is mounted over /opt/ticketmill/bundle.

FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY src src
COPY infra/template.yaml infra/template.yaml
# from the lock: what has another hash does not get into the image
RUN python -m venv /opt/ticketmill/venv \
 && /opt/ticketmill/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock \
 && /opt/ticketmill/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .
# what builds a bundle stays in this stage: the worker needs none of it
RUN python -m venv /tmp/builder \
 && /tmp/builder/bin/pip install --no-cache-dir --disable-pip-version-check '.[build]' \
 && TICKETMILL_CACHE_DIR=/tmp/cache /tmp/builder/bin/ticketmill models build \
 && cp -RL /tmp/cache/bundles/current /opt/ticketmill/bundle

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home ticketmill
COPY --from=build /opt/ticketmill /opt/ticketmill
ENV PATH=/opt/ticketmill/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    TICKETMILL_BUNDLE=/opt/ticketmill/bundle \
    TICKETMILL_METRICS_PORT=9464
USER 10001
# the worker finishes the batch in hand on SIGTERM: give it longer than its deadline of 25 s to stop
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9464/healthz', timeout=4)"]
ENTRYPOINT ["ticketmill"]
CMD ["work"]
