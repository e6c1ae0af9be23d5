"""Summaries compared with those of people, beside simple baselines."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ticketmill.domain.errors import SetupError
from ticketmill.learning.labelled import LabelledText

ROUGE = ("rouge1", "rouge2", "rougeL")
MAX_WORDS = 50
"""The limit of a baseline's summary: its length must not decide."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class SummaryScore:
    """Mean ROUGE F1 over texts and references, with stemming, and the mean number of words."""

    method: str
    rouge1: float
    rouge2: float
    rouge_l: float
    words: float


def score_summaries(rows: Sequence[LabelledText], ours: Sequence[str]) -> list[SummaryScore]:
    """Our summaries, lead-1, the subject if there is one, and LexRank."""
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise _missing("rouge-score") from None
    scorer = RougeScorer(list(ROUGE), use_stemmer=True)
    methods: dict[str, Sequence[str]] = {"ticketmill": ours}
    methods["lead-1"] = [_shortened(_first_sentence(row)) for row in rows]
    if any(row.subject for row in rows):
        methods["subject alone"] = [row.subject for row in rows]
    lex_rank = lex_rank_summarizer()
    methods["LexRank, 1 sentence"] = [_shortened(lex_rank(row.body or row.subject, 1)) for row in rows]
    methods["LexRank, 2 sentences"] = [_shortened(lex_rank(row.body or row.subject, 2)) for row in rows]
    return [_score(name, rows, texts, scorer) for name, texts in methods.items()]


def lex_rank_summarizer() -> Callable[[str, int], str]:
    """LexRank by sumy. Sentences and words are split here, so that nothing is downloaded."""
    try:
        from sumy.nlp.stemmers import Stemmer
        from sumy.parsers.plaintext import PlaintextParser
        from sumy.summarizers.lex_rank import LexRankSummarizer
        from sumy.utils import get_stop_words
    except ImportError:
        raise _missing("sumy") from None
    summarizer = LexRankSummarizer(Stemmer("english"))
    summarizer.stop_words = get_stop_words("english")

    def summarize(text: str, count: int) -> str:
        document = PlaintextParser.from_string(text, _Tokenizer()).document
        # sumy divides by zero for a text without a word
        with np.errstate(invalid="ignore"):
            return " ".join(str(sentence) for sentence in summarizer(document, count)) or text

    return summarize


class _Tokenizer:
    """The tokenizer that sumy needs."""

    language = "english"

    def to_sentences(self, paragraph: str) -> list[str]:
        return _split(paragraph)

    def to_words(self, sentence: str) -> list[str]:
        return _WORD.findall(sentence.lower())


def _score(name: str, rows: Sequence[LabelledText], texts: Sequence[str], scorer: Any) -> SummaryScore:
    scores = [
        np.mean(
            [[scorer.score(reference, text)[kind].fmeasure for kind in ROUGE] for reference in row.labels], 0
        )
        for row, text in zip(rows, texts, strict=True)
    ]
    rouge1, rouge2, rouge_l = np.mean(scores, axis=0).tolist()
    words = float(np.mean([len(text.split()) for text in texts]))
    return SummaryScore(name, rouge1, rouge2, rouge_l, words)


def _first_sentence(row: LabelledText) -> str:
    return next(iter(_split(row.body)), row.subject)


def _split(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE.split(text) if part.strip()]


def _shortened(text: str) -> str:
    return " ".join(text.split()[:MAX_WORDS])


def _missing(package: str) -> SetupError:
    return SetupError(f"scoring summaries needs {package}: pip install 'ticketmill[evaluate]'")
