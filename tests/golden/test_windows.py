"""Texts longer than one window, with the real encoder."""

from __future__ import annotations

import numpy as np

from ticketmill.encoder.encoder import Encoder

SENTENCE = "The export of the invoice stops at forty percent and then it starts again from zero.\n"


def test_a_long_text_is_the_mean_of_its_windows_by_their_tokens(exact_encoder: Encoder) -> None:
    text = SENTENCE * 40
    (whole,) = exact_encoder.encode([text])
    assert whole.windows > 1
    assert not whole.truncated
    assert len(whole.token_states) == len(whole.offsets) == whole.tokens + 2 * whole.windows
    mean = whole.token_states.mean(axis=0)
    assert np.abs(whole.layers[-1] - mean).max() < 1e-5
    assert np.abs(whole.embedding - mean / np.linalg.norm(mean)).max() < 1e-5


def test_every_window_reads_as_the_stretch_of_text_does_alone(exact_encoder: Encoder) -> None:
    text = SENTENCE * 20
    (whole,) = exact_encoder.encode([text])
    borders = [place for place, (start, end) in enumerate(whole.offsets) if start == end == 0][::2]
    first_end = int(whole.offsets[borders[1] - 2][1])
    (first,) = exact_encoder.encode([text[:first_end]])
    assert first.windows == 1
    assert text[:first_end].endswith(".")
    assert np.abs(whole.token_states[: len(first.token_states)] - first.token_states).max() < 1e-4


def test_offsets_after_the_first_window_point_into_the_whole_text(exact_encoder: Encoder) -> None:
    text = SENTENCE * 30 + "Reimburse me."
    (whole,) = exact_encoder.encode([text])
    spans = [text[start:end] for start, end in whole.offsets if end > start]
    assert spans[-2:] == ["me", "."]
    assert "".join(spans) == "".join(text.split())


def test_only_what_comes_after_the_last_window_is_cut_off(exact_encoder: Encoder) -> None:
    (whole,) = exact_encoder.encode(["word " * (8 * 254)])
    (cut,) = exact_encoder.encode(["word " * (8 * 254 + 1)])
    assert (whole.windows, whole.tokens, whole.truncated) == (8, 8 * 254, False)
    assert (cut.windows, cut.tokens, cut.truncated) == (8, 8 * 254, True)


def test_the_windows_of_texts_of_all_lengths_come_back_to_their_texts(exact_encoder: Encoder) -> None:
    texts = ["", "Refund", SENTENCE * 30, "login fails", SENTENCE * 50, " "]
    for text, together in zip(texts, exact_encoder.encode(texts), strict=True):
        (alone,) = exact_encoder.encode([text])
        assert together.windows == alone.windows
        assert np.array_equal(together.offsets, alone.offsets)
        assert np.abs(together.embedding - alone.embedding).max() < 1e-5
