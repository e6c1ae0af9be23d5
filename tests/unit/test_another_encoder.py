"""A bundle on another encoder: one command trains its heads, measures its scales, and records its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_encoder import write_source
from tokenizers import Tokenizer

from ticketmill import load
from ticketmill.domain.errors import SetupError
from ticketmill.encoder.bundle import Precision, load_bundle
from ticketmill.learning.another_encoder import OnAnotherEncoder, build_on
from ticketmill.learning.corpus import read_corpus
from ticketmill.learning.train import layers_of_heads
from ticketmill.models.heads import MANIFEST_FILE, HeadsManifest

SPELLINGS = {"[CLS]": "<s>", "[SEP]": "</s>", "[PAD]": "<pad>"}


def build(source: Path, cache: Path, precision: Precision = "fp32") -> OnAnotherEncoder:
    tickets = read_corpus()[::25]
    return build_on(
        str(source), cache, tickets, "a slice", precision=precision, threads=1, report=lambda _line: None
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("another") / "tiny-bert"
    folder.mkdir()
    write_source(folder)
    return folder


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_its_bundle_has_its_own_heads_and_says_its_name(
    source: Path, tmp_path: Path, precision: Precision
) -> None:
    made = build(source, tmp_path, precision)
    bundle = load_bundle(made.built.directory)
    assert (bundle.manifest.encoder.name, bundle.manifest.encoder.precision) == ("tiny-bert", precision)
    heads = HeadsManifest.model_validate_json(bundle.path(MANIFEST_FILE).read_bytes())
    assert (heads.layers, heads.trained_on) == ((1, 2), "a slice")
    (ticket,) = load(bundle=bundle.directory).enrich([{"ticket_id": "T1", "body": "refund please, login"}])
    assert len(ticket.enrichment.embedding) == 8
    assert ticket.enrichment.models["encoder"] == f"tiny-bert/{precision}"
    assert ticket.enrichment.intent is not None
    assert ticket.enrichment.status == "enriched"


def test_the_same_encoder_gives_the_same_bundle(source: Path, tmp_path: Path) -> None:
    first, again = (build(source, tmp_path / name).built for name in ("one", "other"))
    assert first.fingerprint == again.fingerprint
    assert not build(source, tmp_path / "one").built.built


def test_an_encoder_with_the_special_tokens_of_multilingual_ones_is_read(
    source: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "multilingual"
    folder.mkdir()
    write_source(folder)
    tokenizer = (folder / "tokenizer.json").read_text(encoding="utf-8")
    for ours, theirs in SPELLINGS.items():
        tokenizer = tokenizer.replace(json.dumps(ours), json.dumps(theirs))
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).token_to_id("[CLS]") is None
    made = build(folder, tmp_path / "cache")
    (ticket,) = load(bundle=made.built.directory).enrich([{"ticket_id": "T1", "body": "refund please"}])
    assert ticket.enrichment.tokens == 2


def test_a_folder_without_weights_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"has no model\.safetensors"):
        build(tmp_path, tmp_path / "cache")


def test_an_encoder_of_another_family_is_refused(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "gpt"
    folder.mkdir()
    write_source(folder)
    (folder / "config.json").write_text('{"model_type": "gpt2", "n_embd": 8}')
    with pytest.raises(SetupError, match="not that of a BertModel"):
        build(folder, tmp_path / "cache")


@pytest.mark.parametrize(
    ("depth", "layers"),
    [(1, (1,)), (2, (1, 2)), (3, (2, 3)), (6, (3, 4, 5, 6)), (12, (6, 8, 10, 12)), (24, (12, 16, 20, 24))],
)
def test_heads_use_up_to_four_layers_of_the_upper_half(depth: int, layers: tuple[int, ...]) -> None:
    assert layers_of_heads(depth) == layers
