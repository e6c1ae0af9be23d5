"""The columns that parts make of documents, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Parts
from ticketmill.learning.parts.catalogue import catalogue
from ticketmill.learning.parts.chain import Material, Plan
from ticketmill.learning.parts.ports import Resources


def columns_of(texts: Sequence[str], parts: Parts, resources: Resources) -> dict[str, NDArray[Any]]:
    """The columns of texts by tokenizer and features that are fitted to them, one text at least.

    `columns` is (texts, columns); a sparse one is told as `data`, `indices`, `indptr` and `shape`, the rows
    one after another. LearningRefused where the parts read no columns.
    """
    plan = Plan(catalogue(), parts, 0, resources)
    embeddings = resources.encode(texts).embeddings if "embedding" in plan.reads else None
    truth = np.zeros((len(texts), 0), np.float32)
    found = Material(plan, texts, embeddings, truth, "softmax").columns()
    if found is None:
        raise LearningRefused(
            LearningCode.PARTS_DIFFER,
            f"{parts.classifier} reads the texts itself, and no features: choose another classifier",
        )
    if isinstance(found, np.ndarray):
        return {"columns": found}
    return {
        "data": found.data,
        "indices": found.indices,
        "indptr": found.indptr,
        "shape": np.array(found.shape),
    }
