"""A fine-tuned encoder: what it reads, how it joins an overlay, and when it competes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from labelled_texts import WORDS, encode, example, examples, heads
from overlay_files import overlay_files
from tiny_encoder import TinyBuild, write_classifier

from ticketmill.arrays import Floats
from ticketmill.bootstrap.fine_tuning import make_fine_tuner, weights_of
from ticketmill.domain.dataset import Example
from ticketmill.domain.errors import SetupError
from ticketmill.encoder.bundle import load_bundle
from ticketmill.learning.card import with_card
from ticketmill.learning.families import ticket_of, tickets_of
from ticketmill.learning.fine_tuned_part import FineTune, FineTuned, Split
from ticketmill.learning.fit import FittedTask, fit_task
from ticketmill.models.finetuned import MODEL_FILE, TOKENIZER_FILE, FineTunedEncoder, FineTunedSpec
from ticketmill.models.heads import Kind
from ticketmill.models.overlay import OVERLAY_FILE, OverlaySpec, load_overlay
from ticketmill.settings import Settings
from ticketmill.text.reading import read_ticket

MAX_TOKENS = 10
LABELS = tuple(WORDS)
TIERS = {"conservative": 0, "balanced": 1000, "enhanced": 1000, "maximum": 60}
"""So that few recipes are beside the fine-tuned encoder."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return write_classifier(tmp_path_factory.mktemp("classifier"), len(LABELS))


@pytest.fixture(scope="module")
def encoder(files: dict[str, bytes]) -> FineTunedEncoder:
    return FineTunedEncoder(files[MODEL_FILE], files[TOKENIZER_FILE], MAX_TOKENS)


def test_a_text_scores_the_same_beside_any_other(encoder: FineTunedEncoder) -> None:
    texts = ["refund please", "login", "please login refund please login", ""]
    together = encoder.scores(texts)
    assert together.shape == (4, len(LABELS))
    for row, text in enumerate(texts):
        np.testing.assert_allclose(encoder.scores([text])[0], together[row], atol=1e-5)
    assert encoder.scores([]).shape == (0, len(LABELS))


def test_what_is_behind_the_last_token_is_not_read(encoder: FineTunedEncoder) -> None:
    start = " ".join(["refund"] * (MAX_TOKENS - 2))
    np.testing.assert_array_equal(encoder.scores([start]), encoder.scores([f"{start} login"]))
    assert not np.allclose(encoder.scores([start]), encoder.scores(["login"]))


def with_encoder(files: dict[str, bytes], **changes: object) -> dict[str, bytes]:
    """An overlay of the embedding with the fine-tuned encoder added."""
    plain = overlay_files("area", LABELS, seed=1)
    spec = OverlaySpec.model_validate_json(plain[OVERLAY_FILE])
    added = {"fine_tuned": FineTunedSpec(weight=0.5, max_tokens=MAX_TOKENS), **changes}
    return {**plain, **files, OVERLAY_FILE: spec.model_copy(update=added).model_dump_json().encode()}


def test_its_scores_are_added_by_their_weight_and_the_source_is_read(
    files: dict[str, bytes], encoder: FineTunedEncoder
) -> None:
    found = [
        example("one", "refund please", LABELS[0]).model_copy(update={"source": "login"}),
        example("two", "login please", LABELS[1]).model_copy(update={"source": "refund"}),
    ]
    tickets = [ticket_of(each) for each in found]
    (chunk,) = tickets_of(tickets, [read_ticket(each) for each in tickets], encode(["a", "b"]), heads())
    plain = load_overlay(overlay_files("area", LABELS, seed=1)).scores(chunk)
    added = load_overlay(with_encoder(files, sources=("login",))).scores(chunk) - plain
    expected = 0.5 * encoder.scores(["login\nrefund please", "login please"])
    np.testing.assert_allclose(added, expected, atol=1e-4)


@pytest.mark.parametrize("name", [MODEL_FILE, TOKENIZER_FILE])
@pytest.mark.parametrize("content", [b"", b"{}", b"\x08\x0a cut off"])
def test_damaged_files_are_refused_with_what_to_do(
    files: dict[str, bytes], name: str, content: bytes
) -> None:
    with pytest.raises(SetupError, match="train the task again"):
        load_overlay({**with_encoder(files), name: content})


def test_an_encoder_of_other_labels_or_none_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    without = {name: body for name, body in with_encoder(files).items() if name not in files}
    for wrong in (without, {**without, **write_classifier(tmp_path, 2)}):
        with pytest.raises(SetupError, match="train the task again"):
            load_overlay(wrong)


class Tuned:
    """Says of held-out texts what it was made to say, and keeps what it was asked."""

    def __init__(self, files: dict[str, bytes], is_right: bool) -> None:
        self._files = files
        self._is_right = is_right
        self.splits: Sequence[Split] = ()

    def __call__(
        self, _texts: Sequence[str], truth: Floats, _kind: Kind, splits: Sequence[Split]
    ) -> FineTuned:
        self.splits = splits
        noise = np.random.default_rng(1).normal(size=truth.shape)
        return FineTuned(noise + 9.0 * truth * self._is_right, self._files, MAX_TOKENS)


def noisy() -> list[Example]:
    return examples(30, wrong=0.4)


def fitted(found: Sequence[Example], tune: FineTune | None, tiers: dict[str, int] = TIERS) -> FittedTask:
    return fit_task(found, encode, heads(), "area", "single", lambda _: None, tiers, tune)


def test_it_wins_where_it_is_right_more_often(files: dict[str, bytes]) -> None:
    model = fitted(noisy(), Tuned(files, is_right=True))
    assert model.recipe.name == "fine-tuned"
    assert model.competed[-1].mean > 0.95 > model.competed[-2].mean
    assert "fine_tuned" in model.spec.families
    assert {MODEL_FILE, TOKENIZER_FILE} <= set(model.files)
    overlay = load_overlay(model.files)
    assert overlay.spec.fine_tuned is not None
    assert overlay.spec.fine_tuned.weight > 0


def test_noise_does_not_win_and_leaves_no_files(files: dict[str, bytes]) -> None:
    model = fitted(examples(30), Tuned(files, is_right=False))
    assert [each.recipe.name for each in model.competed][-1] == "fine-tuned"
    assert model.recipe.name != "fine-tuned"
    assert model.spec.fine_tuned is None
    assert MODEL_FILE not in model.files


def test_every_text_is_unseen_once_and_no_group_is_on_both_sides(files: dict[str, bytes]) -> None:
    tune = Tuned(files, is_right=True)
    found = [
        each.model_copy(update={"group": f"thread-{number % 60}"}) for number, each in enumerate(noisy())
    ]
    fitted(found, tune)
    unseen = np.concatenate([each for _, each in tune.splits])
    assert sorted(unseen.tolist()) == list(range(len(found)))
    for seen, held in tune.splits:
        assert not {found[at].group for at in seen} & {found[at].group for at in held}


def test_below_its_tier_it_does_not_compete(files: dict[str, bytes]) -> None:
    model = fitted(noisy(), Tuned(files, is_right=True), {**TIERS, "maximum": 91})
    assert "fine-tuned" not in [each.recipe.name for each in model.competed]


def test_a_card_says_why_no_encoder_was_fine_tuned(files: dict[str, bytes], tmp_path: Path) -> None:
    bundle = load_bundle(TinyBuild.below(tmp_path).make().directory)
    settings = Settings(cache_dir=tmp_path)
    tuners = make_fine_tuner(settings, bundle, False, print, packages=("a_package_that_nobody_has",))
    assert tuners.tune is None
    found = noisy()
    card = with_card(fitted(found, None), found, None, "d41d8", "bundle", tuners.missing).card
    assert card.competed[-1].recipe == "fine-tuned"
    assert "needs the extras hub" in card.competed[-1].note
    made = with_card(fitted(found, Tuned(files, True)), found, None, "d41d8", "bundle", tuners.missing).card
    assert [each.recipe for each in made.competed].count("fine-tuned") == 1
    assert made.competed[-1].note == ""


def test_a_person_who_asks_is_told_what_to_install(tmp_path: Path) -> None:
    bundle = load_bundle(TinyBuild.below(tmp_path).make().directory)
    with pytest.raises(SetupError, match="pip install"):
        make_fine_tuner(Settings(cache_dir=tmp_path), bundle, True, print, packages=("no_such_package",))


def test_the_weights_are_those_that_the_bundle_was_built_from(tmp_path: Path) -> None:
    tiny = TinyBuild.below(tmp_path)
    bundle = load_bundle(tiny.make().directory)
    found = weights_of(Settings(cache_dir=tmp_path), bundle, print)
    assert found.weights == tiny.source / "model.safetensors"
    (tiny.source / "config.json").write_text("{}")
    with pytest.raises(SetupError, match=r"config\.json"):
        weights_of(Settings(cache_dir=tmp_path), bundle, print)
