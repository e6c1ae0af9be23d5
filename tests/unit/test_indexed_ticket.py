"""Which index the vector of an enrichment belongs to."""

from __future__ import annotations

import pytest

from ticketmill.indexed_ticket import embedding_model_of


@pytest.mark.parametrize(
    ("models", "model"),
    [
        ({"encoder": "all-MiniLM-L6-v2/int8", "embedding": "onepass/384"}, "all-MiniLM-L6-v2/int8"),
        ({"encoder": "all-MiniLM-L6-v2/int8"}, "all-MiniLM-L6-v2/int8"),
        (
            {"encoder": "x/int8", "embedding": "st:owner/name@0123456789ab/fp32/768"},
            "st:owner/name@0123456789ab",
        ),
    ],
)
def test_vectors_of_two_models_are_in_two_indexes(models: dict[str, str], model: str) -> None:
    assert embedding_model_of(models) == model
