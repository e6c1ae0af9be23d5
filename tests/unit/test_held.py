"""How much is held at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from ticketmill.batching import side_by_side
from ticketmill.domain.ticket import Ticket
from ticketmill.entrypoints.cli import enrich as cli
from ticketmill.importers.files import Document
from ticketmill.models import extractive_summary as summary
from ticketmill.pipeline.enricher import PART_CHARACTERS, _parts
from ticketmill.text.sentences import Sentence, sentences


def ticket(characters: int) -> Ticket:
    return Ticket(ticket_id="T-1", body="x" * characters)


def test_a_part_of_a_batch_holds_no_more_characters_than_can_become_tokens() -> None:
    batch = [ticket(1_000_000) for _ in range(20)] + [ticket(100) for _ in range(50)]
    parts = list(_parts(batch, most_tokens=2048))
    assert [each for part in parts for each in part] == batch
    assert [len(part) for part in parts] == [PART_CHARACTERS // 2048, PART_CHARACTERS // 2048, 54]


def test_documents_are_gathered_up_to_a_number_and_up_to_a_size() -> None:
    small = [Document(b"{}", "small") for _ in range(cli.ENRICH_CHUNK + 1)]
    assert [len(chunk) for chunk in cli._held_at_once(small)] == [cli.ENRICH_CHUNK, 1]
    large = [Document(b" " * (cli.ENRICH_CHUNK_BYTES // 2), "large") for _ in range(5)]
    assert [len(chunk) for chunk in cli._held_at_once(large)] == [2, 2, 1]


def test_text_that_the_encoder_did_not_see_is_not_split_into_sentences() -> None:
    seen: list[int] = []

    def record(text: str) -> list[Sentence]:
        seen.append(len(text))
        return sentences(text)

    offsets = np.array([[0, 0], [0, 4], [0, 0]], dtype=np.int32)
    states = np.ones((3, 2), dtype=np.float32)
    summary.summarize("", "I was charged twice. " * 50_000, states, offsets, split=record)
    assert seen == [4 + summary.UNREAD_CHARACTERS]


def test_work_side_by_side_comes_back_in_order_and_takes_no_more_than_there_is_room_for() -> None:
    taken: list[int] = []
    most_ahead = 0
    slow_first = threading.Event()

    def items() -> Iterator[int]:
        for item in range(6):
            taken.append(item)
            yield item

    def work(item: int) -> int:
        if item == 0:
            slow_first.wait(5)
        else:
            slow_first.set()
        return item * 10

    found = []
    for item, result in side_by_side(items(), work, threads=2):
        most_ahead = max(most_ahead, len(taken) - len(found))
        found.append((item, result))
    assert found == [(item, item * 10) for item in range(6)]
    assert most_ahead <= 3


def test_a_fault_of_one_item_is_raised_when_its_turn_comes() -> None:
    results = side_by_side([1, 0, 2], lambda item: 1 / item, threads=2)
    assert next(results) == (1, 1.0)
    with pytest.raises(ZeroDivisionError):
        next(results)
