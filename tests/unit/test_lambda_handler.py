"""What the Lambda function makes of the messages of an invocation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import FakeQueue, announce, ticket
from world import World

from ticketmill.domain.message import Message
from ticketmill.entrypoints import lambda_handler
from ticketmill.entrypoints.lambda_handler import OUT_OF_TIME, FunctionFault, TicketsFunction
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.worker.backoff import Backoff

PLENTY_S = 60.0
LITTLE_S = 0.4

ProcessBatch = Callable[[Sequence[Message]], list[Outcome]]


def messages(count: int, receive_count: int = 1) -> list[Message]:
    return [
        announce(f"tickets/T{n}.json", message_id=f"m{n}", receive_count=receive_count) for n in range(count)
    ]


def enriched(batch: Sequence[Message]) -> list[Outcome]:
    return [Outcome(message, Result.ENRICHED) for message in batch]


class Bench:
    """A function over a queue in memory, and what it told."""

    def __init__(self, process_batch: ProcessBatch, worker_threads: int = 2) -> None:
        self.queue = FakeQueue()
        self.told: list[Outcome] = []
        self.function = TicketsFunction(
            self.queue,
            process_batch,
            self.told.extend,
            batch_size=4,
            worker_threads=worker_threads,
            backoff=Backoff(20, jitter=lambda: 1.0),
        )


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Ends what a test left hanging."""
    event = threading.Event()
    yield event
    event.set()


def test_all_that_is_enriched_is_left_to_lambda_to_delete() -> None:
    batches: list[int] = []

    def process(batch: Sequence[Message]) -> list[Outcome]:
        batches.append(len(batch))
        return enriched(batch)

    bench = Bench(process)
    assert bench.function.work(messages(10), PLENTY_S) == []
    assert sorted(batches) == [2, 4, 4]
    assert [each.message.message_id for each in bench.told] == [f"m{n}" for n in range(10)]
    assert bench.queue.released == []


def test_what_fails_is_reported_back_alone_and_what_is_rejected_is_not(world: World) -> None:
    brought = [
        world.raw.drop("tickets/T1.json", ticket("T1")),
        world.raw.drop("tickets/T2.json", ticket("T2", "poison")),
        world.raw.drop("tickets/T3.json", b"no JSON"),
        world.raw.drop("tickets/T4.json", ticket("T4")),
        announce("tickets/T5.json", message_id="gone"),
    ]
    bench = Bench(world.pipeline.process_batch)
    assert bench.function.work(brought, PLENTY_S) == ["m2"]
    assert {ticket_id: row.status.value for ticket_id, row in world.rows.rows.items()} == {
        "T1": "enriched",
        "T2": "failed",
        "T3": "rejected",
        "T4": "enriched",
        "T5": "rejected",
    }


@pytest.mark.parametrize(("receive_count", "delay_s"), [(1, 20), (3, 80), (40, 900)])
def test_what_fails_comes_back_later_each_time(receive_count: int, delay_s: int) -> None:
    bench = Bench(lambda batch: [Outcome(message, Result.FAILED) for message in batch])
    assert bench.function.work(messages(1, receive_count), PLENTY_S) == ["m0"]
    assert bench.queue.released == [("m0", delay_s)]


def test_what_cannot_be_finished_in_time_comes_again_and_what_is_done_does_not(
    release: threading.Event,
) -> None:
    def process(batch: Sequence[Message]) -> list[Outcome]:
        if batch[0].message_id == "m4":
            release.wait(30)
        return enriched(batch)

    bench = Bench(process, worker_threads=1)
    again = bench.function.work(messages(12), LITTLE_S)
    assert again == [f"m{n}" for n in range(4, 12)]
    # begun: as after a failure; not begun: at once
    assert dict(bench.queue.released) == {
        **{f"m{n}": 20 for n in range(4, 8)},
        **{f"m{n}": 0 for n in range(8, 12)},
    }
    assert {each.message.message_id for each in bench.told if each.reason == OUT_OF_TIME} == set(again)
    assert len(bench.told) == 12


def test_suspects_are_worked_after_the_others_and_one_by_one() -> None:
    batches: list[list[str]] = []

    def process(batch: Sequence[Message]) -> list[Outcome]:
        batches.append([each.message_id for each in batch])
        return enriched(batch)

    suspects = [announce("a", message_id=f"s{n}", receive_count=3) for n in range(2)]
    assert Bench(process).function.work([*suspects, *messages(6)], PLENTY_S) == []
    assert batches[-2:] == [["s0"], ["s1"]]
    assert sorted(each for batch in batches[:-2] for each in batch) == [f"m{n}" for n in range(6)]


def test_a_queue_that_hangs_does_not_keep_the_answer(release: threading.Event) -> None:
    bench = Bench(lambda batch: [Outcome(message, Result.FAILED) for message in batch])
    bench.queue.release = lambda *_: release.wait(30)  # type: ignore[method-assign, assignment, return-value]
    assert bench.function.work(messages(2), LITTLE_S) == ["m0", "m1"]
    assert not release.is_set()


def test_a_bug_fails_the_invocation_without_quoting_a_ticket(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = "what the ticket says"

    def process(_batch: Sequence[Message]) -> list[Outcome]:
        raise KeyError(said)

    with pytest.raises(FunctionFault, match="KeyError") as caught:
        Bench(process).function.work(messages(1), PLENTY_S)
    assert caught.value.__cause__ is None
    assert said not in caplog.text + str(caught.value)


def test_the_handler_reads_what_the_event_source_sends_and_names_what_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    brought: list[Message] = []

    def invoke(given: Sequence[Message], _context: object) -> list[str]:
        brought.extend(given)
        return [given[1].message_id]

    monkeypatch.setattr(lambda_handler, "environment", lambda: SimpleNamespace(invoke=invoke))
    recorded = Path(__file__).parents[2] / "events" / "lambda" / "sqs.json"
    answer = lambda_handler.handler(json.loads(recorded.read_text()), SimpleNamespace())  # type: ignore[arg-type]
    first, second = brought
    assert answer == {"batchItemFailures": [{"itemIdentifier": second.message_id}]}
    assert (first.receive_count, first.sent_at.isoformat()) == (1, "2026-11-21T09:30:00.123000+00:00")
    assert first.receipt != second.receipt
    assert json.loads(first.body)["Records"][0]["s3"]["bucket"]["name"]


def loaded_by(code: str, **environment: str) -> set[str]:
    """The modules of a fresh process that ran `code`."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys; {code}; print(json.dumps(list(sys.modules)))"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


REGISTRY = (
    "directory",
    "directory_items",
    "job_records",
    "job_workers",
    "ports",
    "records",
    "registry",
    "store",
)
"""What of `learning` loads versions; the rest makes them."""
NEVER = {"torch", "transformers", "sklearn", "scipy", "onnx", "safetensors", "matplotlib", "sympy", "yaml"}
NEVER |= {"boto3", "typer", "click", "rich", "huggingface_hub"}


def test_importing_the_handler_loads_no_model_and_no_client() -> None:
    loaded = loaded_by("import ticketmill.entrypoints.lambda_handler")
    assert "ticketmill.entrypoints.lambda_handler" in loaded
    assert "ticketmill.aws.clients" not in loaded
    assert not {name.split(".")[0] for name in loaded} & (NEVER | {"onnxruntime", "tokenizers"})


def test_lambda_has_everything_made_before_the_first_event_and_nothing_that_trains_or_talks_to_people(
    bundle_dir: Path,
) -> None:
    named = dict.fromkeys(("RAW_BUCKET", "ENRICHED_BUCKET", "TABLE"), "tickets")
    named |= dict.fromkeys(("QUEUE_URL", "DEAD_LETTER_QUEUE_URL"), "http://127.0.0.1:9/x")
    loaded = loaded_by(
        "import ticketmill.entrypoints.lambda_handler",
        AWS_LAMBDA_INITIALIZATION_TYPE="on-demand",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        TICKETMILL_BUNDLE=str(bundle_dir),
        **{f"TICKETMILL_{name}": value for name, value in named.items()},
    )
    assert {"onnxruntime", "tokenizers", "botocore", "ticketmill.pipeline.batch"} <= loaded
    assert not {name.split(".")[0] for name in loaded} & NEVER
    assert not any(name.startswith("ticketmill.entrypoints.cli") for name in loaded)
    of_learning = {name for name in loaded if name.startswith("ticketmill.learning.")}
    assert of_learning <= {f"ticketmill.learning.{name}" for name in REGISTRY}
