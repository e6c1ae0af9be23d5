"""An overlay says at run time what its parts said in training; damaged files are refused."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_texts import encode, examples, heads, inputs_of

from ticketmill.arrays import npz_bytes
from ticketmill.domain.errors import SetupError
from ticketmill.learning.families import (
    Arrays,
    Fit,
    fit_dense,
    fit_keywords,
    fit_ngrams,
    ticket_of,
    tickets_of,
)
from ticketmill.learning.fit import fit_task
from ticketmill.learning.quadratic import fit_quadratic
from ticketmill.models.overlay import OVERLAY_ARRAYS, OVERLAY_FILE, Overlay, OverlaySpec, load_overlay
from ticketmill.text.reading import read_ticket

DENSE = ("embedding", "layers", "vectors", "statistics", "rules", "entities", "head_scores")
LABELS = ("billing", "crash", "login")


def files(families: tuple[str, ...] = ("embedding",)) -> dict[str, bytes]:
    spec = OverlaySpec(task="area", kind="softmax", labels=LABELS, families=families, temperature=1.0)
    arrays = {"bias": np.zeros(3, np.float32), "embedding.weights": np.zeros((384, 3), np.float16)}
    return {OVERLAY_FILE: spec.model_dump_json().encode(), OVERLAY_ARRAYS: npz_bytes(arrays)}


def test_the_worker_scores_as_training_did() -> None:
    found = [
        each.model_copy(update={"body": f"{each.body} {'order #4711, $12.50' * (number % 3)}"})
        for number, each in enumerate(examples(30))
    ]
    inputs = inputs_of(found)
    truth = np.array([[label in each.labels for label in LABELS] for each in found], np.float32)
    fit, rows = Fit(inputs, truth, "softmax"), np.arange(len(found))
    dense = fit_dense(fit, rows, DENSE, 5.0)
    grams = [fit_ngrams(fit, rows, "words"), fit_ngrams(fit, rows, "chars"), fit_keywords(fit, rows)]
    added = [fit_quadratic(fit, rows), *grams]
    arrays: Arrays = dense.arrays(1.0)
    for part in added:
        arrays |= part.arrays(0.5)
    arrays["bias"] = np.add(arrays["bias"], 0.5 * added[0].bias)
    spec = OverlaySpec(
        task="area",
        kind="softmax",
        labels=LABELS,
        families=(*DENSE, "quadratic", "words", "chars", "keywords"),
        temperature=1.0,
    )
    tickets = [ticket_of(each) for each in found]
    encodings = encode([each.body for each in found])
    chunks = tickets_of(tickets, [read_ticket(each) for each in tickets], encodings, heads())
    at_run_time = np.concatenate([Overlay(spec, arrays).scores(chunk) for chunk in chunks])
    in_training = dense.scores(inputs, rows) + 0.5 * sum(part.scores(inputs, rows) for part in added)
    np.testing.assert_allclose(at_run_time, in_training, atol=0.02)


def test_a_ticket_scores_the_same_in_every_batch() -> None:
    found = examples(20)
    overlay = load_overlay(fit_task(found, encode, heads(), "area", "single", lambda _: None).files)
    tickets = [ticket_of(each) for each in found]
    encodings = encode([each.body for each in found])
    (chunk,) = tickets_of(tickets, [read_ticket(each) for each in tickets], encodings, heads())
    together = overlay.probabilities(chunk)
    np.testing.assert_allclose(overlay.probabilities(chunk[7:8]), together[7:8], atol=1e-5)


@pytest.mark.parametrize("name", [OVERLAY_FILE, OVERLAY_ARRAYS])
@pytest.mark.parametrize("content", [b"", b"{}", b"PK\x03\x04 cut off"])
def test_damaged_files_are_refused_with_what_to_do(name: str, content: bytes) -> None:
    with pytest.raises(SetupError, match="train the task again"):
        load_overlay({**files(), name: content})


def test_a_missing_file_is_refused() -> None:
    with pytest.raises(SetupError, match="train the task again"):
        load_overlay({OVERLAY_FILE: files()[OVERLAY_FILE]})


def test_a_family_that_this_version_does_not_know_is_refused() -> None:
    with pytest.raises(SetupError, match="train the task again"):
        load_overlay(files(("embedding", "moods")))


def test_arrays_of_other_labels_are_refused() -> None:
    other = {"bias": np.zeros(2, np.float32), "embedding.weights": np.zeros((384, 2), np.float16)}
    with pytest.raises(SetupError, match="train the task again"):
        load_overlay({**files(), OVERLAY_ARRAYS: npz_bytes(other)})
