"""Files of overlays whose weights are drawn, for tests and benchmarks that need no training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ticketmill.arrays import npz_bytes
from ticketmill.models.overlay import OVERLAY_ARRAYS, OVERLAY_FILE, OverlaySpec
from ticketmill.models.overlay_features import SPARSE

HIDDEN = 384
POOLED = 4 * HIDDEN
DIRECTIONS = 64
BUCKETS = 20_000
"""N-grams that an overlay of the sample knows, of each kind."""


def overlay_files(
    task: str,
    labels: Sequence[str],
    seed: int,
    families: Sequence[str] = ("embedding",),
    kind: str = "softmax",
    columns: dict[str, int] | None = None,
) -> dict[str, bytes]:
    """An overlay of `families`; `columns` has how many those have that are neither embedding nor n-grams."""
    dice = np.random.default_rng(seed)
    widths = {"embedding": HIDDEN, "vectors": HIDDEN, "layers": 3 * HIDDEN, **(columns or {})}

    def drawn(rows: int) -> np.ndarray:
        return dice.normal(size=(rows, len(labels))).astype(np.float32)

    arrays: dict[str, np.ndarray] = {"bias": np.zeros(len(labels), np.float32)}
    for family in families:
        if family == "quadratic":
            arrays["quadratic.mean"] = np.zeros(POOLED, np.float32)
            arrays["quadratic.projection"] = dice.normal(size=(POOLED, DIRECTIONS)).astype(np.float32)
            arrays["quadratic.linear"] = drawn(POOLED)
            arrays["quadratic.weights"] = drawn(DIRECTIONS * (DIRECTIONS + 1) // 2)
        elif family in SPARSE:
            buckets = dice.choice(1 << 16, BUCKETS, replace=False)
            arrays[f"{family}.buckets"] = np.sort(buckets).astype(np.uint16)
            arrays[f"{family}.weights"] = dice.integers(-127, 128, (BUCKETS, len(labels))).astype(np.int8)
            arrays[f"{family}.scales"] = np.full(BUCKETS, 0.001, np.float32)
        else:
            arrays[f"{family}.weights"] = drawn(widths[family])
    spec = OverlaySpec(
        task=task,
        kind=kind,
        labels=tuple(labels),
        families=tuple(families),
        temperature=0.3,  # type: ignore[arg-type]
    )
    return {OVERLAY_FILE: spec.model_dump_json().encode(), OVERLAY_ARRAYS: npz_bytes(arrays)}
