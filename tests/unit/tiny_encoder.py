"""The source of a tiny encoder, and how to build bundles of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models
from tokenizers.pre_tokenizers import BertPreTokenizer

from ticketmill.encoder.build.builder import NOTHING_DERIVED, BuildResult, Derived, Recipe, build_bundle
from ticketmill.encoder.build.graph import EncoderConfig, build_classifier_graph
from ticketmill.encoder.build.sources import Report
from ticketmill.encoder.bundle import Precision, current_bundle
from ticketmill.models.finetuned import MODEL_FILE, TOKENIZER_FILE

CONFIG = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "vocab_size": 7,
    "max_position_embeddings": 10,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
    "model_type": "bert",
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "refund", "please", "login"]


def write_weights(path: Path) -> None:
    rng = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (7, 8),
        "embeddings.position_embeddings.weight": (10, 8),
        "embeddings.token_type_embeddings.weight": (2, 8),
        "embeddings.LayerNorm.weight": (8,),
        "embeddings.LayerNorm.bias": (8,),
    }
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        for name, shape in {
            "attention.self.query": (8, 8),
            "attention.self.key": (8, 8),
            "attention.self.value": (8, 8),
            "attention.output.dense": (8, 8),
            "attention.output.LayerNorm": (8,),
            "intermediate.dense": (12, 8),
            "output.dense": (8, 12),
            "output.LayerNorm": (8,),
        }.items():
            shapes |= {f"{layer}.{name}.weight": shape, f"{layer}.{name}.bias": shape[:1]}
    save_file({name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}, path)


def write_calibration(path: Path, reach: float) -> None:
    """Ranges for the tiny encoder: every channel from minus `reach` to `reach`."""
    inputs = dict.fromkeys(("attention.self.query", "attention.output.dense", "intermediate.dense"), 8)
    np.savez(
        path,
        **{
            f"encoder.layer.{layer}.{name}.weight": np.outer([-reach, reach], np.ones(size))
            for layer in (0, 1)
            for name, size in (inputs | {"output.dense": 12}).items()
        },
    )


def write_source(folder: Path) -> None:
    """The three files that an encoder is built from."""
    write_weights(folder / "model.safetensors")
    tokenizer = Tokenizer(models.WordPiece(dict(zip(WORDS, range(7), strict=True)), unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(CONFIG))


@dataclass(frozen=True)
class TinyBuild:
    """Builds of the tiny encoder below one cache directory."""

    cache: Path
    source: Path
    recipe: Recipe

    @classmethod
    def below(cls, directory: Path) -> TinyBuild:
        source, calibration = directory / "source", directory / "calibration.npz"
        source.mkdir()
        write_source(source)
        write_calibration(calibration, reach=4)
        pinned = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in source.iterdir()}
        return cls(directory / "cache", source, Recipe(pinned=pinned, calibration=calibration, branch=None))

    def elsewhere(self, cache: Path) -> TinyBuild:
        return replace(self, cache=cache)

    def make(
        self,
        source: Path | str | None = None,
        precision: Precision = "int8",
        *,
        report: Report = lambda _line: None,
        derived: Derived = NOTHING_DERIVED,
        **extra_files: bytes,
    ) -> BuildResult:
        return build_bundle(
            self.cache,
            source=str(source or self.source),
            precision=precision,
            extra_files={f"{name}.json": content for name, content in extra_files.items()},
            derived=derived,
            recipe=self.recipe,
            report=report,
        )

    def left_behind(self) -> set[str]:
        """What is in the bundles' folder and is neither a bundle nor the link nor the lock."""
        return {
            path.name
            for path in current_bundle(self.cache).parent.iterdir()
            if not (path / "manifest.json").exists() and path.name != ".lock"
        }


def write_classifier(folder: Path, labels: int) -> dict[str, bytes]:
    """The files of a second encoder whose head is drawn; the source of the encoder is written to `folder`."""
    write_source(folder)
    rng = np.random.default_rng(5)
    graph = build_classifier_graph(
        load_file(folder / "model.safetensors"),
        EncoderConfig.model_validate(CONFIG),
        rng.normal(size=(2 * CONFIG["hidden_size"], labels)).astype(np.float32),
        rng.normal(size=labels).astype(np.float32),
    )
    return {
        MODEL_FILE: graph.SerializeToString(),
        TOKENIZER_FILE: (folder / "tokenizer.json").read_bytes(),
    }
