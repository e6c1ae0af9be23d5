"""Tickets through the whole pipeline with named models, and what is left when a model is unplugged."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import TICKETMILL, Run
from needed import require_hub

require_hub()

import tiny

from ticketmill import bootstrap
from ticketmill.bootstrap import Adapters
from ticketmill.bootstrap.search import index_model, question_encoder
from ticketmill.circuit_breaker import BreakerState, CircuitBreaker
from ticketmill.domain.enrichment import EnrichedTicket, Enrichment
from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Source, Status
from ticketmill.domain.row import TicketRow
from ticketmill.domain.ticket import Ticket
from ticketmill.indexed_ticket import embedding_model_of
from ticketmill.models.transformers.runner import Reason
from ticketmill.pipeline.enricher import Enricher
from ticketmill.settings import Settings, load_settings
from ticketmill.worker.pace import Limits
from ticketmill.worker.statistics import Statistics
from ticketmill.worker.worker import make_worker

BODIES = [
    "My parcel is late again and nobody answers the phone. I want a refund for the order, please, as it is "
    "the third time since March that this happened.",
    "Thanks for the great help with my login yesterday! The new password works and everyone in the office is "
    "happy with how fast you were.",
    "Where is my invoice?",
]
INTENTS = ("login_issue", "payment_issue", "general_inquiry")
ENTAILMENT = ("entailment", "neutral", "contradiction")

Check = Callable[[Enrichment], bool]


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "distilbert": tiny.distilbert(folder / "distilbert", "NEGATIVE", "POSITIVE"),
        "finbert": tiny.bert(folder / "finbert", "Neutral", "Positive", "Negative"),
        "intents": tiny.distilbert(folder / "intents", *INTENTS),
        "bart": tiny.bart(folder / "bart"),
        "deberta": tiny.deberta(folder / "deberta", *ENTAILMENT),
        "bert-embedder": tiny.sentence_transformer(folder / "st"),
    }


@pytest.fixture
def settings(stack_name: str, bundle_dir: Path) -> Callable[..., Settings]:
    def make(**flags: Any) -> Settings:
        return load_settings(stack=stack_name, bundle=bundle_dir, batch_size=4, worker_threads=2, **flags)

    return make


def drop(adapters: Adapters, *ids: str) -> None:
    for number, ticket_id in enumerate(ids):
        ticket = {
            "ticket_id": ticket_id,
            "subject": f"Ticket {ticket_id}",
            "body": BODIES[number % len(BODIES)],
            "metadata": {"tags": ["own-tag"]},
        }
        adapters.raw_tickets.put(f"tickets/{ticket_id}.json", json.dumps(ticket).encode())


def work(settings: Settings, adapters: Adapters, enricher: Enricher) -> Statistics:
    """A worker of this process, until the queue is empty."""
    pipeline = bootstrap.make_pipeline(settings, adapters, enricher)
    return make_worker(settings, adapters.queue, pipeline.process_batch, Limits(until_empty=True)).run()


def enrichment(adapters: Adapters, ticket_id: str) -> Enrichment:
    key = row(adapters, ticket_id).enriched_key
    assert key is not None
    return EnrichedTicket.model_validate_json(adapters.enriched_tickets.get(key)).enrichment


def row(adapters: Adapters, ticket_id: str) -> TicketRow:
    found = adapters.rows.get(ticket_id)
    assert found is not None
    return found


def raw_sum(found: Enrichment) -> float:
    assert found.sentiment is not None
    return sum(found.sentiment.raw_scores.values())


@pytest.mark.parametrize(
    ("task", "kind", "checkpoint", "served"),
    [
        (
            "sentiment",
            "hf",
            "distilbert",
            lambda found: (
                found.sentiment.source is Source.HUB
                and set(found.sentiment.scores) == {"negative", "positive"}
                and set(found.sentiment.raw_scores) == {"NEGATIVE", "POSITIVE"}
                and raw_sum(found) == pytest.approx(1, abs=1e-3)
            ),
        ),
        (
            "sentiment",
            "hf",
            "finbert",
            lambda found: (
                found.sentiment.source is Source.HUB
                and set(found.sentiment.scores) == {"negative", "neutral", "positive"}
                and set(found.sentiment.raw_scores) == {"Neutral", "Positive", "Negative"}
            ),
        ),
        (
            "intent",
            "hf",
            "intents",
            lambda found: found.intent.source is Source.HUB and set(found.intent.scores) == set(INTENTS),
        ),
        (
            "intent",
            "nli",
            "deberta",
            lambda found: (
                found.intent.source is Source.HUB
                and len(found.intent.scores) == 3
                and sum(found.intent.scores.values()) == pytest.approx(1, abs=1e-3)
            ),
        ),
        (
            "topics",
            "nli",
            "deberta",
            lambda found: all(
                topic.source is Source.HUB or topic.label == "own-tag" for topic in found.topics
            ),
        ),
        ("embedding", "st", "bert-embedder", lambda found: len(found.embedding) == 32),
    ],
)
def test_a_named_model_serves_its_task_through_the_whole_pipeline(
    task: str,
    kind: str,
    checkpoint: str,
    served: Check,
    checkpoints: dict[str, Path],
    settings: Callable[..., Settings],
    adapters: Adapters,
) -> None:
    chosen = settings(**{task: f"{kind}:{checkpoints[checkpoint]}"})
    enricher = bootstrap.load_enricher(chosen)
    ids = [f"T{number}" for number in range(6)]
    drop(adapters, *ids)
    assert work(chosen, adapters, enricher).as_dict()["enriched"] == len(ids)
    for ticket_id in ids:
        found = enrichment(adapters, ticket_id)
        assert served(found)
        assert found.status is Status.ENRICHED
        model, precision, *dimensions = (
            found.models[task].removeprefix(f"{kind}:").rsplit("/", 2 if task == "embedding" else 1)
        )
        assert model.startswith(str(checkpoints[checkpoint]) + "@")
        assert precision in ("fp32", "bf16", "int8")
        assert dimensions == (["32"] if task == "embedding" else [])
    plain = bootstrap.current_fingerprint(settings())
    assert row(adapters, "T0").fingerprint == bootstrap.current_fingerprint(chosen) != plain


def test_a_summarizer_writes_of_long_tickets_and_leaves_short_ones_alone(
    checkpoints: dict[str, Path], settings: Callable[..., Settings], adapters: Adapters
) -> None:
    chosen = settings(summary=f"hf:{checkpoints['bart']}")
    drop(adapters, "T0", "T1", "T2")
    work(chosen, adapters, bootstrap.load_enricher(chosen))
    sources = [row(adapters, ticket_id).summary_source for ticket_id in ("T0", "T1", "T2")]
    assert sources == [Source.HUB, Source.HUB, Source.EXTRACTIVE]
    assert row(adapters, "T2").summary == BODIES[2]


def test_all_of_them_in_one_worker_and_what_it_tells_of_them(
    checkpoints: dict[str, Path], ticketmill: Run, environment: dict[str, str], adapters: Adapters
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment |= {
        "TICKETMILL_SENTIMENT": f"hf:{checkpoints['distilbert']}",
        "TICKETMILL_SUMMARY": f"hf:{checkpoints['bart']}",
        "TICKETMILL_TOPICS": f"nli:{checkpoints['deberta']}",
        "TICKETMILL_INTENT": f"nli:{checkpoints['deberta']}",
        "TICKETMILL_EMBEDDING": f"st:{checkpoints['bert-embedder']}",
        "TICKETMILL_METRICS_PORT": str(port),
    }
    before = json.loads(ticketmill("models", "status", "--json").stdout)["models"]
    assert {each["task"]: each["loaded"] for each in before}["sentiment"] is None
    worker = subprocess.Popen(
        [TICKETMILL, "work", "--json"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        _wait_until(lambda: _ready(port))
        at_start = {
            each["task"]: each
            for each in json.loads(ticketmill("models", "status", "--json").stdout)["models"]
        }
        assert set(at_start) == {"sentiment", "summary", "topics", "intent", "embedding"}
        assert all(each["loaded"] and each["calls"] == 1 for each in at_start.values()), "warm before ready"
        drop(adapters, *(f"T{number}" for number in range(6)))
        _wait_until(lambda: all(adapters.rows.get(f"T{number}") for number in range(6)))
        told = json.loads(ticketmill("status", "--json").stdout)["models"]
        assert all(each["breaker"] == "closed" and each["p95_ms"] > 0 for each in told)
        assert all(each["tickets"] == 7 for each in told if each["task"] != "summary")
        assert "Named models" in ticketmill("models", "status").stdout
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            metrics = answer.read().decode()
        assert 'ticketmill_model_breaker_open{task="summary"} 0.0' in metrics
    finally:
        worker.terminate()
        worker.communicate(timeout=30)
    assert row(adapters, "T0").status is Status.ENRICHED
    assert row(adapters, "T0").fallbacks == {}


def test_a_question_is_encoded_as_tickets_are_and_looked_for_in_their_index(
    checkpoints: dict[str, Path], settings: Callable[..., Settings]
) -> None:
    chosen = settings(embedding=f"st:{checkpoints['bert-embedder']}")
    (made,) = bootstrap.load_enricher(chosen).enrich([Ticket(ticket_id="T1", body=BODIES[0])])
    assert embedding_model_of(made.models) == index_model(chosen)
    assert question_encoder(chosen)(BODIES[0]) == pytest.approx(np.array(made.embedding), abs=1e-5)


def test_without_memory_and_with_the_weights_gone_no_ticket_is_lost_and_the_breaker_opens(
    checkpoints: dict[str, Path], settings: Callable[..., Settings], adapters: Adapters, tmp_path: Path
) -> None:
    folder = shutil.copytree(checkpoints["distilbert"], tmp_path / "model")
    chosen = settings(sentiment=f"hf:{folder}")
    enricher = bootstrap.load_enricher(chosen)
    (runner,) = enricher.runners
    clock = _Clock()
    runner.breaker = CircuitBreaker(clock=clock)
    runner.model = _Raising(MemoryError())
    shutil.move(folder / "model.safetensors", tmp_path / "unplugged")
    ids = [f"T{number:02d}" for number in range(24)]
    drop(adapters, *ids)
    done = work(chosen, adapters, enricher).as_dict()
    assert (done["partial"], done["failed"], adapters.queue.depths().total) == (len(ids), 0, 0)
    rows = [row(adapters, ticket_id) for ticket_id in ids]
    assert all(each.sentiment_source is Source.FALLBACK and each.sentiment is not None for each in rows)
    reasons = {each.fallbacks["sentiment"] for each in rows}
    assert reasons == {Reason.OUT_OF_MEMORY, Reason.NOT_LOADED, Reason.BREAKER_OPEN}
    assert runner.breaker.state is BreakerState.OPEN
    assert not runner.health().loaded

    shutil.move(tmp_path / "unplugged", folder / "model.safetensors")
    clock.now += runner.breaker.pause_s
    drop(adapters, "probe")
    assert work(chosen, adapters, enricher).as_dict()["enriched"] == 1
    drop(adapters, *ids)
    assert work(chosen, adapters, enricher).as_dict()["enriched"] == len(ids), "partial ones are done again"
    assert runner.breaker.state is BreakerState.CLOSED
    assert {row(adapters, ticket_id).sentiment_source for ticket_id in ids} == {Source.HUB}


def test_a_model_that_takes_too_long_holds_nobody_up(
    checkpoints: dict[str, Path], settings: Callable[..., Settings], adapters: Adapters
) -> None:
    chosen = settings(topics=f"nli:{checkpoints['deberta']}", hub_timeout_s=0.2)
    enricher = bootstrap.load_enricher(chosen)
    (runner,) = enricher.runners
    runner.model = _Raising(ValueError("too late"), after_s=2)
    ids = [f"T{number:02d}" for number in range(16)]
    drop(adapters, *ids)
    done = work(chosen, adapters, enricher).as_dict()
    assert (done["partial"], done["failed"], adapters.queue.depths().total) == (len(ids), 0, 0)
    rows = [row(adapters, ticket_id) for ticket_id in ids]
    assert {each.fallbacks["topics"] for each in rows} == {Reason.TIMEOUT, Reason.BREAKER_OPEN}
    assert {topic.label for each in rows for topic in each.topics} == {"own-tag"}
    assert {topic.source for each in rows for topic in each.topics} == {Source.FALLBACK}
    assert runner.breaker.state is BreakerState.OPEN


def test_an_embedding_that_fails_is_missing_and_not_another_models(
    checkpoints: dict[str, Path], settings: Callable[..., Settings], adapters: Adapters
) -> None:
    chosen = settings(embedding=f"st:{checkpoints['bert-embedder']}")
    enricher = bootstrap.load_enricher(chosen)
    enricher.runners[0].model = _Raising(RuntimeError("boom"))
    drop(adapters, "T0")
    work(chosen, adapters, enricher)
    found = enrichment(adapters, "T0")
    assert (found.embedding, found.failed_stages, found.status) == ((), ("embedding",), Status.PARTIAL)
    assert found.fallbacks == {"embedding": Reason.ERROR}
    assert found.sentiment is not None


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"sentiment": "hf:/no/such/folder"}, r"TICKETMILL_SENTIMENT: hf:/no/such/folder is not a model"),
        (
            {"summary": "hf:sshleifer/distilbart-cnn-6-6"},
            r"TICKETMILL_SUMMARY: .*run `ticketmill models pull",
        ),
        ({"summary": "hf:{distilbert}"}, r"TICKETMILL_SUMMARY: .* writes no summaries"),
        ({"topics": "nli:{distilbert}"}, r"TICKETMILL_TOPICS: .* is no model of entailment"),
        ({"intent": "hf:{distilbert}"}, r"TICKETMILL_INTENT: .*has the labels NEGATIVE, POSITIVE"),
        ({"sentiment": "hf:{torn}"}, r"TICKETMILL_SENTIMENT: .* cannot be loaded and run"),
        ({"sentiment": "hf:{distilbert}", "hub_max_mb": 1}, None),
        (
            {"topics": "nli:{deberta}", "sentiment": "hf:{large}", "hub_max_mb": 1},
            r"TICKETMILL_HUB_MAX_MB: .* MB",
        ),
    ],
)
def test_a_model_that_cannot_serve_is_told_before_the_first_ticket(
    flags: dict[str, Any],
    message: str | None,
    checkpoints: dict[str, Path],
    settings: Callable[..., Settings],
    tmp_path: Path,
) -> None:
    torn = shutil.copytree(checkpoints["distilbert"], tmp_path / "torn")
    with (torn / "model.safetensors").open("r+b") as file:
        file.truncate(2000)
    folders = {
        **{name: str(path) for name, path in checkpoints.items()},
        "torn": str(torn),
        "large": str(tiny.distilbert(tmp_path / "large", "NEGATIVE", "POSITIVE", width=256)),
    }
    filled = {
        name: value.format(**folders) if isinstance(value, str) else value for name, value in flags.items()
    }
    if message is None:
        bootstrap.load_enricher(settings(**filled))
        return
    with pytest.raises(SetupError, match=message):
        bootstrap.load_enricher(settings(**filled))


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class _Raising:
    """Stands in for a model that has broken."""

    resident_mb = 1.0

    def __init__(self, error: Exception, after_s: float = 0) -> None:
        self._error, self._after_s = error, after_s

    def __call__(self, _items: Sequence[Any]) -> list[Any]:
        time.sleep(self._after_s)
        raise self._error


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _wait_until(holds: Callable[[], Any], timeout_s: float = 100) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
