"""Features: counts of words, the same weighed by rarity, and the encoder's embedding."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ticketmill.arrays import Floats, npz_bytes
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.learning.parts.ports import Columns, Files, Labelled, Option, Part, PartDocument, Setting

VOCABULARY_FILE = "vocabulary.json"
RARITY_FILE = "rarity.npz"
JOINT = " "
"""Between the words of a run. A word has no space in it, but with ICU in some languages; then two runs may be
the same column."""


class WordCounts:
    """Runs of words as columns, by scikit-learn's vectorizers."""

    def __init__(self, vectorizer: Any) -> None:
        self._vectorizer = vectorizer

    def transform(self, documents: Sequence[PartDocument]) -> Columns:
        """(documents, runs), of single precision."""
        return self._vectorizer.transform([each.words for each in documents]).astype(np.float32)

    def files(self) -> Files:
        """The columns in their order, and how rare each is."""
        vocabulary = self._vectorizer.vocabulary_
        runs = sorted(vocabulary, key=vocabulary.__getitem__)
        files = {VOCABULARY_FILE: json.dumps(runs, ensure_ascii=False).encode()}
        if hasattr(self._vectorizer, "idf_"):
            files[RARITY_FILE] = npz_bytes({"idf": self._vectorizer.idf_})
        return files


class Embeddings:
    """What the encoder gives of a document, as it is."""

    def transform(self, documents: Sequence[PartDocument]) -> Floats:
        """(documents, dimensions)"""
        return np.stack([_embedding(each) for each in documents])

    def files(self) -> Files:
        """None: the encoder is that of the bundle."""
        return {}


def _embedding(document: PartDocument) -> Floats:
    if document.embedding is None:
        raise ValueError("the document was not encoded")
    return document.embedding


def runs_of(words: Sequence[str], longest: int) -> list[str]:
    """The words in lower case, and runs of up to `longest` of them."""
    lower = [word.lower() for word in words]
    return [
        JOINT.join(lower[at : at + length])
        for length in range(1, longest + 1)
        for at in range(len(lower) - length + 1)
    ]


def _vectorizer(name: str, options: Mapping[str, Option], vocabulary: Sequence[str] | None = None) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

    longest = int(options["longest_run"])
    columns = None if vocabulary is None else {run: at for at, run in enumerate(vocabulary)}
    kind = {"bow": CountVectorizer, "tfidf": TfidfVectorizer}[name]
    weighed = {"sublinear_tf": bool(options["logarithmic"])} if name == "tfidf" else {}
    return kind(
        analyzer=lambda words: runs_of(words, longest),
        min_df=int(options["fewest_documents"]),
        vocabulary=columns,
        dtype=np.float64,
        **weighed,
    )


def _fit_counts(name: str, labelled: Labelled, setting: Setting) -> WordCounts:
    words = [each.words for each in labelled.documents]
    try:
        return WordCounts(_vectorizer(name, setting.options).fit(words))
    except ValueError as error:
        raise LearningRefused(
            LearningCode.TOO_FEW_TICKETS,
            f"no word is in {setting.options['fewest_documents']} of the texts: give more texts, or choose "
            "the features sbert",
        ) from error


def _load_counts(name: str, files: Files, setting: Setting) -> WordCounts:
    vectorizer = _vectorizer(name, setting.options, json.loads(files[VOCABULARY_FILE]))
    if name == "tfidf":
        with np.load(io.BytesIO(files[RARITY_FILE]), allow_pickle=False) as stored:
            vectorizer.idf_ = stored["idf"]
    else:
        vectorizer.fixed_vocabulary_ = True
        vectorizer.vocabulary_ = vectorizer.vocabulary
    return WordCounts(vectorizer)


SKLEARN: Mapping[str, Any] = {"packages": ("scikit-learn", "scipy"), "modules": ("sklearn", "scipy")}
"""What the parts of scikit-learn need."""

FEATURES = (
    Part(
        "bow",
        "features",
        "counts of words",
        fit=lambda labelled, setting: _fit_counts("bow", labelled, setting),
        load=lambda files, setting: _load_counts("bow", files, setting),
        options={"longest_run": 1, "fewest_documents": 1},
        reads=frozenset({"words"}),
        **SKLEARN,
    ),
    Part(
        "tfidf",
        "features",
        "counts of words, weighed by how rare they are",
        fit=lambda labelled, setting: _fit_counts("tfidf", labelled, setting),
        load=lambda files, setting: _load_counts("tfidf", files, setting),
        options={"longest_run": 1, "fewest_documents": 1, "logarithmic": True},
        reads=frozenset({"words"}),
        **SKLEARN,
    ),
    Part(
        "sbert",
        "features",
        "the embedding of the bundle's encoder",
        fit=lambda _, __: Embeddings(),
        load=lambda _, __: Embeddings(),
        reads=frozenset({"embedding"}),
        learns=False,
    ),
)
