"""What branches say of tickets whose business they did not see.

The shipped branch saw every ticket of the corpus, so what it says of them tells nothing of others. Heads are
calibrated and judged by these scores instead. They are found by a hash of the ticket's text.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles, npz_bytes

LEFT_OUT = "branch_left_out.npz"
SHIPPED_LEFT_OUT = Path(__file__).with_name("shipped") / LEFT_OUT
HASH_BYTES = 16


def left_out_file(texts: Sequence[str], scores: NDArray[np.float16]) -> bytes:
    """The file of the `scores` (n, labels) of n texts."""
    hashes = np.stack([np.frombuffer(_hash(each), np.uint8) for each in texts])
    return npz_bytes({"texts": hashes, "scores": scores})


def left_out_scores(texts: Sequence[str], own: Doubles, content: bytes) -> Doubles:
    """(n, labels): the left-out scores of `texts`, and of those that no branch was trained on its `own`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        known = {row.tobytes(): place for place, row in enumerate(stored["texts"])}
        scores = stored["scores"].astype(np.float64)
    places = [known.get(_hash(each)) for each in texts]
    found = own.copy()
    for row, place in enumerate(places):
        if place is not None:
            found[row] = scores[place]
    return found


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()
