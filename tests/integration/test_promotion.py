"""A promotion in a stack: audits of its tickets judge, in the words of the commands."""

from __future__ import annotations

import json

import numpy as np
from commands import Run, WorkOff
from learned_versions import ANN, card, held_out

from ticketmill import bootstrap
from ticketmill.arrays import npz_bytes
from ticketmill.bootstrap import Adapters
from ticketmill.domain.held_out import HELD_OUT_FILE
from ticketmill.domain.label import CorrectionKind, FoundBy
from ticketmill.domain.labels import Intent
from ticketmill.domain.model_card import ModelVersion
from ticketmill.learning.registry import register
from ticketmill.learning.store import LearningStore
from ticketmill.models.overlay import OVERLAY_ARRAYS, OVERLAY_FILE, OverlaySpec
from ticketmill.operations.corrections import Speaker, Word
from ticketmill.settings import load_settings

TICKETS = 24
AUDITOR = Speaker("ann", FoundBy.AUDIT)


def of_one_word(store: LearningStore, label: Intent, encoder: str) -> ModelVersion:
    """A version that says `label` of every ticket, and did well on examples of its own."""
    labels = tuple(map(str, Intent))
    spec = OverlaySpec(task="intent", kind="softmax", labels=labels, families=("embedding",), temperature=1.0)
    bias = np.array([10.0 if each == label else 0.0 for each in labels], np.float32)
    arrays = {"bias": bias, "embedding.weights": np.zeros((384, len(labels)), np.float32)}
    files = {
        OVERLAY_FILE: spec.model_dump_json().encode(),
        OVERLAY_ARRAYS: npz_bytes(arrays),
        HELD_OUT_FILE: held_out(90, 10),
    }
    return register(store, files, card(encoder=encoder), f"says-{label}", "ann", ANN.at)


def test_audits_of_the_tickets_of_a_stack_judge_a_promotion(
    ticketmill: Run, work_off: WorkOff, adapters: Adapters, environment: dict[str, str]
) -> None:
    for number in range(TICKETS):
        ticket = {"ticket_id": f"T{number}", "subject": "Login", "body": f"I cannot log in. Code {number}."}
        adapters.raw_tickets.put(f"tickets/T{number}.json", json.dumps(ticket).encode())
    work_off()
    settings = load_settings(bundle=environment["TICKETMILL_BUNDLE"])
    corrections = bootstrap.make_corrections(settings, adapters)
    assert adapters.learning is not None
    encoder = bootstrap.encoder_here(settings)
    assert encoder is not None
    version = of_one_word(adapters.learning, Intent.BUG_REPORT, encoder)

    few = ticketmill("models", "promote", version.name, code=6)
    assert "0 audits" in few.stderr

    environment["TICKETMILL_PROMOTION_AUDITS"] = "20"
    for number in range(TICKETS):
        corrections.correct(f"T{number}", {"intent": Word(CorrectionKind.CONFIRM)}, AUDITOR)
    refused = ticketmill("models", "promote", version.name, code=6)
    assert "[gate_failed]" in refused.stderr
    assert f"0.000 right beside 1.000 of {TICKETS} audits" in refused.stderr
    assert f"the challenger alone 0, the other alone {TICKETS}" in refused.stderr

    right = Word(CorrectionKind.LABEL, (Intent.BUG_REPORT,))
    for number in range(TICKETS):
        corrections.correct(f"T{number}", {"intent": right}, AUDITOR)
    promoted = ticketmill("models", "promote", version.name)
    assert f"audits: passed, 1.000 right beside 0.000 of {TICKETS} audits" in promoted.stderr
    assert "intent/v1 serves" in promoted.stdout
    history = json.loads(ticketmill("models", "list", "--history", "--json").stdout)
    assert "held-out examples" in history[0]["reason"]
