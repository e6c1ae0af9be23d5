"""Checkpoints of the named architectures, a thousand times smaller, with tokenizers made from a few words.

Saved as their authors' are, by `save_pretrained`, so that what loads these loads those. Their weights are
random but for the classifiers' last layer, which is chosen so that they tell their labels apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
)

WORDS = """the a is was and to my we you it not please help thanks great terrible refund invoice login
password order
parcel late broken happy angry cannot this support ticket about since morning arrives new refused"""
LETTERS = list("abcdefghijklmnopqrstuvwxyz0123456789.,!?'")
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
VOCABULARY = [*SPECIAL, *LETTERS, *(f"##{letter}" for letter in LETTERS), *WORDS.split()]
SIZES = {"vocab_size": len(VOCABULARY), "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
# far larger than for training, so that texts are told apart
SPREAD = 0.3
SEED = 3


def save_tokenizer(folder: Path, max_tokens: int = 512) -> None:
    """A tokenizer of word pieces that can write any English text."""
    tokenizer = Tokenizer(
        models.WordPiece({piece: adapters for adapters, piece in enumerate(VOCABULARY)}, unk_token="<unk>")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        model_max_length=max_tokens,
        model_input_names=["input_ids", "attention_mask"],
    )
    fast.save_pretrained(folder)


def save(folder: Path, model: Any, max_tokens: int = 512) -> Path:
    model.eval().save_pretrained(folder)
    save_tokenizer(folder, max_tokens)
    return folder


def labels(*names: str) -> dict[str, Any]:
    return {
        "num_labels": len(names),
        "id2label": dict(enumerate(names)),
        "label2id": {name: adapters for adapters, name in enumerate(names)},
    }


def distilbert(folder: Path, *names: str, width: int = 32) -> Path:
    torch.manual_seed(SEED)
    config = DistilBertConfig(
        dim=width, n_layers=2, n_heads=2, hidden_dim=64, initializer_range=SPREAD, **SIZES, **labels(*names)
    )
    return save(folder, DistilBertForSequenceClassification(config))


def bert(folder: Path, *names: str) -> Path:
    """FinBERT's architecture."""
    torch.manual_seed(SEED)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=SPREAD,
        **SIZES,
        **labels(*names),
    )
    return save(folder, BertForSequenceClassification(config))


def deberta(folder: Path, *names: str) -> Path:
    """mDeBERTa's architecture, its relative positions included."""
    torch.manual_seed(SEED)
    config = DebertaV2Config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        relative_attention=True,
        position_buckets=16,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        type_vocab_size=0,
        position_biased_input=False,
        max_relative_positions=-1,
        initializer_range=SPREAD,
        **SIZES,
        **labels(*(names or ("entailment", "neutral", "contradiction"))),
    )
    return save(folder, DebertaV2ForSequenceClassification(config))


def bart(folder: Path, max_tokens: int = 512) -> Path:
    """DistilBART's architecture."""
    torch.manual_seed(SEED)
    config = BartConfig(
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=max_tokens,
        decoder_start_token_id=2,
        forced_eos_token_id=2,
        init_std=SPREAD,
        **SIZES,
    )
    model = BartForConditionalGeneration(config)
    # what the published ones bring along, and ticketmill's own lengths must win against
    model.generation_config.update(max_length=142, min_length=56, num_beams=4, no_repeat_ngram_size=3)
    return save(folder, model, max_tokens)


def sentence_transformer(folder: Path) -> Path:
    """MiniLM's architecture, as sentence-transformers saves it."""
    from sentence_transformers import SentenceTransformer

    torch.manual_seed(SEED)
    config = BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, **SIZES
    )
    bare = save(folder / "bare", BertModel(config))
    # without a folder of sentence-transformers' own it takes the mean over the tokens, as MiniLM does
    SentenceTransformer(str(bare), device="cpu").save(str(folder / "model"))
    return folder / "model"
