"""The features `fasttext`: a document is the mean of its words' vectors, which are learned from the labels.

A word's vector is the mean of those of its letters' n-grams, so that a new or misspelled word has one, too.
Vectors that are learned without the labels say less of so few texts, see docs/parts.md.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ticketmill.arrays import Floats
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.learning.parts.ports import Files, Labelled, Part, PartDocument, Setting

VECTORS_FILE = "vectors.bin"
LABEL = "\x01"
"""Begins a label in the file that fastText learns from. No word has it."""
_BLANK = re.compile(r"[\s\x00-\x1f]+")


class WordVectors:
    """A model of fastText. Reading it is safe for several threads."""

    def __init__(self, body: bytes) -> None:
        import fasttext

        self._body = body
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / VECTORS_FILE
            path.write_bytes(body)
            self._model: Any = fasttext.load_model(str(path))

    def transform(self, documents: Sequence[PartDocument]) -> Floats:
        """(documents, dimensions)"""
        return np.stack([self._model.get_sentence_vector(_line(each)) for each in documents])

    def files(self) -> Files:
        """The model as its library writes it: matrices and a list of words."""
        return {VECTORS_FILE: self._body}


def _line(document: PartDocument) -> str:
    """fastText parts words at blanks."""
    return " ".join(_BLANK.sub("_", word.lower()) for word in document.words)


def _fit(labelled: Labelled, setting: Setting) -> WordVectors:
    import fasttext

    options = setting.options
    lines = [
        " ".join([*(f"{LABEL}{at}" for at in np.flatnonzero(row)), _line(document)])
        for document, row in zip(labelled.documents, labelled.truth, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        texts, model = Path(folder) / "texts", Path(folder) / VECTORS_FILE
        texts.write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            fasttext.train_supervised(
                input=str(texts),
                label=LABEL,
                loss="softmax" if labelled.kind == "softmax" else "ova",
                dim=options["dimensions"],
                epoch=options["epochs"],
                lr=options["learning_rate"],
                minn=options["shortest_ngram"],
                maxn=options["longest_ngram"],
                bucket=options["buckets"],
                minCount=1,
                thread=1,
                seed=setting.seed,
                verbose=0,
            ).save_model(str(model))
        except (ValueError, RuntimeError) as error:
            raise LearningRefused(
                LearningCode.TOO_FEW_TICKETS,
                "fasttext cannot learn from these texts: give it more of them, or choose the features sbert",
            ) from error
        return WordVectors(model.read_bytes())


WORD_VECTORS = Part(
    "fasttext",
    "features",
    "means of word vectors, learned from the labels",
    fit=_fit,
    load=lambda files, _: WordVectors(files[VECTORS_FILE]),
    packages=("fasttext-community",),
    modules=("fasttext",),
    options={
        "dimensions": 100,
        "epochs": 50,
        "learning_rate": 0.5,
        "shortest_ngram": 3,
        "longest_ngram": 5,
        "buckets": 20_000,
    },
    reads=frozenset({"words"}),
)
