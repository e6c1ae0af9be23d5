"""The 8-bit encoder against the exact one, on the pinned texts; docs/quality.md has the whole corpus."""

from __future__ import annotations

import numpy as np
import pytest
from make_golden import TEXTS

from ticketmill.encoder.bundle import Bundle
from ticketmill.encoder.encoder import Encoder

# other scripts and torn words are further off than tickets are: the mean over those is above 0.997
MEAN_COSINE = 0.993
LOWEST_COSINE = 0.98


def test_the_shipped_bundle_is_of_8_bits(bundle: Bundle) -> None:
    assert bundle.manifest.encoder.precision == "int8"


def test_8_bits_keep_the_direction_of_the_pinned_texts(encoder: Encoder, exact_encoder: Encoder) -> None:
    texts = list(TEXTS.values())
    cosines = [
        float(rounded.embedding @ exact.embedding)
        for rounded, exact in zip(encoder.encode(texts), exact_encoder.encode(texts), strict=True)
        if exact.tokens
    ]
    assert np.mean(cosines) >= MEAN_COSINE
    assert min(cosines) >= LOWEST_COSINE


@pytest.mark.parametrize("name", ["word", "sentence", "german", "stack_trace"])
def test_what_stands_beside_a_text_does_not_change_its_vector(name: str, encoder: Encoder) -> None:
    (alone,) = encoder.encode([TEXTS[name]])
    together = dict(zip(TEXTS, encoder.encode(list(TEXTS.values())), strict=True))
    assert alone.embedding @ together[name].embedding == pytest.approx(1.0, abs=1e-3)
