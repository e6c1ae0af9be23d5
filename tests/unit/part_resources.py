"""What parts are fitted with in tests: an encoder that knows words alone, and a tokenizer of a few words."""

from __future__ import annotations

from collections.abc import Sequence

from labelled_texts import FILLERS, WORDS, encode, examples
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from ticketmill.domain.dataset import Example
from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Parts
from ticketmill.domain.model_card import TaskKind
from ticketmill.learning.fine_tuned_part import FineTune
from ticketmill.learning.fit import FittedTask
from ticketmill.learning.parts.catalogue import Catalogue
from ticketmill.learning.parts.model import fit_parts
from ticketmill.learning.parts.ports import Resources


def tokenizer_json() -> bytes:
    known = ["[UNK]", *FILLERS, *(word for words in WORDS.values() for word in words)]
    vocabulary = {word: at for at, word in enumerate(known)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer.to_str().encode()


def no_fine_tuning(source: str | None) -> FineTune:
    raise LearningRefused(LearningCode.MISSING_PART, "nothing is fine-tuned here")


RESOURCES = Resources(encode, lambda _: tokenizer_json(), no_fine_tuning)


def fitted(
    parts: Parts,
    found: Sequence[Example] | None = None,
    kind: TaskKind = "single",
    known: Catalogue | None = None,
) -> FittedTask:
    texts = examples(8) if found is None else found
    return fit_parts(texts, "area", kind, parts, RESOURCES, lambda _: None, known=known)
