"""The encoder's numbers against those of sentence-transformers, made once by `make_golden.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_golden import TEXTS
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ticketmill.encoder.bundle import TOKENIZER, Bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.encoder.tokenizer import read_pieces

HERE = Path(__file__).parent
TOLERANCE = 1e-4
# sentence-transformers embeds the bare [CLS] [SEP] where a text has no tokens; ticketmill says zeros
WITHOUT_TOKENS = {"empty", "whitespace", "control_characters"}
CLS, SEP = 101, 102


@pytest.fixture
def encoder(exact_encoder: Encoder) -> Encoder:
    return exact_encoder


@pytest.fixture(scope="module")
def one_window(exact_bundle: Bundle) -> Encoder:
    """Encodes no more of a text than sentence-transformers does."""
    return Encoder(exact_bundle, threads=2, max_windows=1)


@pytest.fixture(scope="module")
def golden() -> dict[str, NDArray[np.float32]]:
    with np.load(HERE / "embeddings.npz") as vectors:
        return dict(vectors)


def test_every_golden_text_has_its_vector(golden: dict[str, NDArray[np.float32]]) -> None:
    assert golden.keys() == TEXTS.keys()
    assert {vector.shape for vector in golden.values()} == {(384,)}


@pytest.mark.parametrize("name", sorted(TEXTS.keys() - WITHOUT_TOKENS))
def test_a_text_alone_embeds_as_sentence_transformers_does(
    name: str, one_window: Encoder, golden: dict[str, NDArray[np.float32]]
) -> None:
    (encoded,) = one_window.encode([TEXTS[name]])
    assert np.abs(encoded.embedding - golden[name]).max() <= TOLERANCE


def test_texts_embed_in_one_call_as_they_do_alone(
    one_window: Encoder, golden: dict[str, NDArray[np.float32]]
) -> None:
    encoded = dict(zip(TEXTS, one_window.encode(list(TEXTS.values())), strict=True))
    for name in TEXTS.keys() - WITHOUT_TOKENS:
        assert np.abs(encoded[name].embedding - golden[name]).max() <= TOLERANCE, name


@pytest.mark.parametrize("name", sorted(WITHOUT_TOKENS))
def test_a_text_without_tokens_embeds_as_zeros(name: str, encoder: Encoder) -> None:
    (encoded,) = encoder.encode([TEXTS[name]])
    assert encoded.tokens == 0
    assert not encoded.truncated
    assert encoded.embedding.shape == (384,)
    assert encoded.layers.shape == (7, 384)
    assert encoded.token_states.shape == (0, 384)
    assert not encoded.embedding.any()
    assert not encoded.layers.any()


@pytest.mark.parametrize("name", sorted(WITHOUT_TOKENS))
def test_the_graph_embeds_cls_and_sep_alone_as_sentence_transformers_does(
    name: str, encoder: Encoder, golden: dict[str, NDArray[np.float32]]
) -> None:
    output = encoder.encode_tokens(np.array([[CLS, SEP]]), np.ones((1, 2), dtype=np.int64))
    assert np.abs(output.embedding[0] - golden[name]).max() <= TOLERANCE


def test_only_the_text_longer_than_the_limit_is_truncated(one_window: Encoder) -> None:
    encoded = dict(zip(TEXTS, one_window.encode(list(TEXTS.values())), strict=True))
    assert {name for name, one in encoded.items() if one.truncated} == {"longer_than_the_limit"}
    assert encoded["longer_than_the_limit"].tokens == 254
    assert encoded["longer_than_the_limit"].token_states.shape == (256, 384)


def test_offsets_point_at_the_characters_of_each_token(encoder: Encoder) -> None:
    text = "Grüße, 你好 café"
    (encoded,) = encoder.encode([text])
    spans = [text[start:end] for start, end in encoded.offsets]
    assert spans[0] == spans[-1] == ""
    assert "".join(spans) == text.replace(" ", "")
    assert encoded.tokens == len(encoded.offsets) - 2 == len(encoded.token_states) - 2


def test_a_lone_surrogate_reads_as_an_unreadable_character(encoder: Encoder) -> None:
    broken, clean = encoder.encode(["refund \ud83d please", "refund \ufffd please"])
    assert np.abs(broken.embedding - clean.embedding).max() <= TOLERANCE
    assert "refund \ud83d please"[slice(*broken.offsets[-2])] == "please"


@pytest.mark.parametrize(
    ("text", "tokens", "truncated"),
    [
        pytest.param("a" * 1_000_000, 1, False, id="one word"),
        pytest.param(" " * 1_000_000, 0, False, id="blanks"),
        pytest.param("\x00" * 1_000_000, 0, False, id="control characters"),
        pytest.param(" " * 999_990 + "help", 1, False, id="a word after blanks"),
        pytest.param("refund please " * 70_000, 8 * 254, True, id="prose"),
        pytest.param("好" * 1_000_000, 8 * 254, True, id="chinese"),
    ],
)
@pytest.mark.timeout(10)
def test_a_million_characters_are_read_within_seconds(
    text: str, tokens: int, truncated: bool, encoder: Encoder
) -> None:
    (encoded,) = encoder.encode([text])
    assert encoded.windows <= 8
    assert (encoded.tokens, encoded.truncated) == (tokens, truncated)


@pytest.mark.parametrize("words", range(213, 223))
def test_where_the_stretch_ends_does_not_change_the_pieces(words: int, exact_bundle: Bundle) -> None:
    # The number of words decides what stands at the limit, where a cut could split it: an accent and its
    # letter, a special token, a long word, a word so long that it is unknown as one piece.
    text = "help " * words + f"re\u0301sume\u0301 [SEP] internationalization 好 [MASK] café {'ya' * 55} " * 40
    tokenizer = Tokenizer.from_file(str(exact_bundle.path(TOKENIZER)))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    (at_once,) = read_pieces(tokenizer, [text], 254, first_stretch=len(text))
    last_start, last_end = at_once.offsets[-1]
    for stretch in range(last_start, last_end + 25):
        assert read_pieces(tokenizer, [text], 254, stretch) == [at_once], stretch
    assert at_once.truncated
