"""Checkpoints of the named models' shapes in full size: their random weights take as long as trained ones.

All of them read the encoder's own word pieces, which stand in for their own tokenizers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from naive import DISTILBART_6_6

MDEBERTA_BASE = {
    "vocab_size": 251_000,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "max_position_embeddings": 512,
    "relative_attention": True,
    "position_buckets": 256,
    "max_relative_positions": -1,
    "norm_rel_ebd": "layer_norm",
    "share_att_key": True,
    "pos_att_type": ["p2c", "c2p"],
    "type_vocab_size": 0,
    "position_biased_input": False,
    "layer_norm_eps": 1e-7,
}
ENTAILMENT = ("entailment", "neutral", "contradiction")
MAX_TOKENS = 512


def distilbert(folder: Path, tokenizer_file: Path) -> Path:
    from transformers import DistilBertConfig, DistilBertForSequenceClassification

    config = DistilBertConfig(
        id2label={0: "NEGATIVE", 1: "POSITIVE"}, label2id={"NEGATIVE": 0, "POSITIVE": 1}
    )
    return _save(folder, DistilBertForSequenceClassification(config), tokenizer_file)


def distilbart(folder: Path, tokenizer_file: Path) -> Path:
    from transformers import BartConfig, BartForConditionalGeneration

    model: Any = BartForConditionalGeneration(BartConfig(**DISTILBART_6_6))
    # what the other tokenizer has no word for is never written
    model.final_logits_bias[:, _words(tokenizer_file) :] = -1e4
    return _save(folder, model, tokenizer_file)


def mdeberta(folder: Path, tokenizer_file: Path) -> Path:
    from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

    labels = dict(enumerate(ENTAILMENT))
    config = DebertaV2Config(
        **MDEBERTA_BASE, id2label=labels, label2id={name: adapters for adapters, name in labels.items()}
    )
    return _save(folder, DebertaV2ForSequenceClassification(config), tokenizer_file)


def _words(tokenizer_file: Path) -> int:
    from tokenizers import Tokenizer

    return int(Tokenizer.from_file(str(tokenizer_file)).get_vocab_size())


def _save(folder: Path, model: Any, tokenizer_file: Path) -> Path:
    from transformers import PreTrainedTokenizerFast

    model.eval().save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file),
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=MAX_TOKENS,
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)
    return folder
