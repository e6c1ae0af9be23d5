"""Which parts there are: ours, those of other packages, and those whose packages are missing."""

from __future__ import annotations

import importlib
import json
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from fakes import NOW
from labelled_texts import examples
from part_resources import fitted

from ticketmill.domain.errors import LearningCode, LearningRefused
from ticketmill.domain.job import Parts
from ticketmill.domain.model_card import ModelVersion
from ticketmill.entrypoints.cli import run
from ticketmill.learning.model_files import load_model
from ticketmill.learning.parts.catalogue import GROUP, Catalogue, catalogue, make_catalogue
from ticketmill.learning.parts.model import load_parts
from ticketmill.learning.parts.ports import ROLES
from ticketmill.pipeline.version_loader import VersionLoader

STUB = """
from ticketmill.learning.parts.ports import Part, Token


class Blanks:
    def tokenize(self, text):
        found, at = [], 0
        for word in text.split():
            start = text.index(word, at)
            at = start + len(word)
            found.append(Token(word, start, at))
        return found

    def files(self):
        return {"made.txt": b"at blanks"}


def made(_, __):
    return Blanks()


BLANKS = Part("blanks", "tokenizer", "words between blanks", made, made, learns=False)
SECOND = Part("icu", "tokenizer", "another icu", made, made)
NOTHING = "no part"
"""
ENTRY_POINTS = f"""[{GROUP}]
blanks = stub_parts:BLANKS
broken = stub_parts:MISSING
gone = no_such_module:PART
second = stub_parts:SECOND
nothing = stub_parts:NOTHING
"""


@pytest.fixture
def announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """The catalogue beside an installed package that announces parts, good and bad."""
    (tmp_path / "stub_parts.py").write_text(STUB)
    metadata = tmp_path / "stub_parts-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stub-parts\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "stub_parts", raising=False)
    importlib.invalidate_caches()
    return make_catalogue(entry_points(group=GROUP))


def test_every_role_has_four_parts_of_ours() -> None:
    assert {role: sum(own == role for own, _ in catalogue().parts) for role in ROLES} == dict.fromkeys(
        ROLES, 4
    )


def test_a_part_of_another_package_is_fitted_and_loaded_like_ours(announced: Catalogue) -> None:
    model = fitted(Parts(tokenizer="blanks", classifier="svm"), examples(12), known=announced)
    assert model.files["tokenizer.made.txt"] == b"at blanks"
    assert load_parts(model.files, announced).spec.tokenizer.name == "blanks"
    with pytest.raises(LearningRefused, match="no tokenizer blanks") as refused:
        load_parts(model.files)
    assert refused.value.code == LearningCode.UNKNOWN_PART


def test_broken_entry_points_are_reported_by_name_and_stop_nobody(
    announced: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    assert ("tokenizer", "blanks") in announced.parts
    assert announced.parts["tokenizer", "icu"].what != "another icu"
    assert set(announced.broken) == {"broken", "gone", "second", "nothing"}
    assert "AttributeError" in announced.broken["broken"]
    assert "ModuleNotFoundError" in announced.broken["gone"]
    assert "already" in announced.broken["second"]
    assert "no Part" in announced.broken["nothing"]
    with pytest.raises(LearningRefused, match="the entry point gone is broken"):
        announced.part("classifier", "gone")


@pytest.mark.parametrize(
    ("parts", "module"),
    [
        (Parts(tokenizer="icu"), "icu"),
        (Parts(tokenizer="spacy"), "spacy"),
        (Parts(tokenizer="sentencepiece"), "sentencepiece"),
        (Parts(features="fasttext"), "fasttext"),
        (Parts(features="bow"), "sklearn"),
        (Parts(classifier="xgboost"), "xgboost"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_missing_package_is_refused_with_what_installs_it(
    parts: Parts, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fitted(parts, examples(4))
    monkeypatch.setitem(sys.modules, module, None)
    for attempt in (lambda: load_parts(model.files), lambda: fitted(parts, examples(4))):
        with pytest.raises(LearningRefused, match=rf"{module}.*pip install 'ticketmill\[parts\]'") as refused:
            attempt()
        assert refused.value.code == LearningCode.MISSING_PART


def test_what_is_not_used_need_not_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icu", None)
    load_parts(fitted(Parts(tokenizer="icu", features="sbert"), examples(4)).files)


def test_the_transformer_says_what_trains_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(LearningRefused, match=r"torch.*pip install 'ticketmill\[hub,build,train\]'"):
        fitted(Parts(classifier="transformer"))


def test_a_worker_without_a_package_refuses_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    files = fitted(Parts(), examples(4)).files

    def version_of(task: str, number: int) -> ModelVersion:
        fields = {"content": "c", "files": {}, "dataset": "d", "encoder": "e1", "accuracy": 0.9}
        return ModelVersion(task=task, number=number, job="j", who="ann", at=NOW, **fields)

    load = VersionLoader(version_of, lambda _: files, load_model, frozenset({"e1"}))
    assert load("area", 1).name == "area/v1"
    monkeypatch.setitem(sys.modules, "icu", None)
    with pytest.raises(LearningRefused, match=r"ticketmill\[parts\]") as refused:
        load("area", 1)
    assert refused.value.code == LearningCode.MISSING_PART


def test_the_list_says_which_extra_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "icu", None)
    assert run(["parts", "list", "--json"]) == 0
    told = {each["name"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert (told["icu"]["missing"], told["icu"]["extra"]) == (["icu"], "parts")
    assert (told["sbert"]["missing"], told["sbert"]["installed_mb"]) == ([], 0)
    assert told["spacy"]["installed_mb"] > 1
