"""Word pieces of several texts as one padded batch, between the special tokens of a BertModel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ticketmill.domain.errors import SetupError

TokenBatch = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Token ids and mask, (B, S) each: 1 for a token, 0 for padding on the right."""

SPECIAL_TOKENS = (("[CLS]", "<s>"), ("[SEP]", "</s>"), ("[PAD]", "<pad>"))
"""Begin, end and padding of a window, as BERT's tokenizers spell them and as multilingual ones do."""


class SpecialTokens(NamedTuple):
    """The ids of begin, end and padding."""

    begin: int
    end: int
    padding: int

    def batch(self, rows: Sequence[Sequence[int]]) -> TokenBatch:
        """Token ids and mask of `rows`, with begin and end around every row."""
        longest = max(map(len, rows)) + 2
        input_ids = np.full((len(rows), longest), self.padding, dtype=np.int64)
        attention_mask = np.zeros((len(rows), longest), dtype=np.int64)
        for row, ids in enumerate(rows):
            input_ids[row, : len(ids) + 2] = [self.begin, *ids, self.end]
            attention_mask[row, : len(ids) + 2] = 1
        return input_ids, attention_mask


def special_tokens(tokenizer: Tokenizer) -> SpecialTokens:
    """Those of `tokenizer`. SetupError where it is not that of a BertModel."""
    return SpecialTokens(*(_id(tokenizer, spellings) for spellings in SPECIAL_TOKENS))


def _id(tokenizer: Tokenizer, spellings: tuple[str, ...]) -> int:
    known = (tokenizer.token_to_id(token) for token in spellings)
    found = next((each for each in known if each is not None), None)
    if found is None:
        raise SetupError(f"tokenizer.json has no {spellings[0]}: it is not that of a BertModel")
    return found
