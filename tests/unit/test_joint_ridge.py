"""Ridge regression over all families: conventions of sources, and corrections of the shipped heads."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest

from ticketmill.domain.dataset import Example, Origin
from ticketmill.learning.families import Inputs, read_inputs, ticket_of, tickets_of
from ticketmill.learning.fit import FittedTask, fit_task
from ticketmill.learning.joint_ridge import JointRidge
from ticketmill.learning.recipes import CORRECTIONS
from ticketmill.models.heads import SHIPPED_HEADS, Heads, load_heads
from ticketmill.models.overlay import Overlay, OverlaySpec, load_overlay
from ticketmill.text.reading import read_ticket

TIERS = {"conservative": 0, "balanced": 40, "enhanced": 100_000, "maximum": 100_000}
FEW = {"conservative": 0, "balanced": 100_000, "enhanced": 100_000, "maximum": 100_000}
"""Of the ridge regressions, only corrections of the shipped head compete."""
WORDS = ("alpha", "beta", "gamma", "delta", "omega", "sigma", "kappa", "theta")


class Encodings(SimpleNamespace):
    """What an encoder would say, by chance: the words alone tell the label."""

    @property
    def embeddings(self) -> np.ndarray:
        last = self.layers[:, -1]
        return last / np.linalg.norm(last, axis=1, keepdims=True)


def encode(texts: Sequence[str]) -> Encodings:
    rows = [np.random.default_rng(list(text.encode()[:64])).normal(size=(7, 384)) for text in texts]
    return Encodings(layers=np.array(rows, np.float32), branch=None)


@pytest.fixture(scope="module")
def heads() -> Heads:
    return load_heads({name: (SHIPPED_HEADS / name).read_bytes() for name in ("heads.json", "heads.npz")})


def example(number: int, body: str, label: str, source: str | None = None) -> Example:
    return Example(
        example_id=str(number),
        body=body,
        source=source,
        labels=(label,),
        group=f"thread {number}",
        origin=Origin.JOURNAL,
        content_hash=str(number),
    )


def sentences(count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, 4)) + f" number {number}" for number in range(count)]


def learn(examples: Sequence[Example], heads: Heads, task: str, tiers: dict[str, int]) -> FittedTask:
    return fit_task(examples, encode, heads, task, "single", lambda _: None, tiers)


def labels_of(overlay: Overlay, examples: Sequence[Example], heads: Heads) -> list[str]:
    found: list[str] = []
    for chunk in chunks_of(examples, heads):
        best = overlay.probabilities(chunk).argmax(axis=1)
        found += [overlay.spec.labels[at] for at in best]
    return found


def chunks_of(examples: Sequence[Example], heads: Heads) -> list:
    tickets = [ticket_of(each) for each in examples]
    readings = [read_ticket(ticket) for ticket in tickets]
    return list(tickets_of(tickets, readings, encode([each.text for each in readings]), heads))


def inputs_of(examples: Sequence[Example], heads: Heads, sources: Sequence[str] = ()) -> Inputs:
    return read_inputs(chunks_of(examples, heads), sources)


def opposite_conventions() -> list[Example]:
    """In one repository `alpha` means a bug, in the other one a question."""
    found = []
    for number, text in enumerate(sentences(80, 1)):
        source = ("north", "south")[number % 2]
        says_alpha = number % 4 < 2
        body = f"{text} {'alpha alpha alpha' if says_alpha else 'omega omega omega'}"
        label = "bug" if says_alpha == (source == "north") else "question"
        found.append(example(number, body, label, source))
    return found


def test_each_source_learns_its_own_convention(heads: Heads) -> None:
    fitted = learn(opposite_conventions(), heads, "team", TIERS)
    assert fitted.recipe.by_source
    north = example(900, "alpha alpha alpha it happened again", "bug", "north")
    south = north.model_copy(update={"source": "south"})
    assert labels_of(load_overlay(fitted.files), [north, south], heads) == ["bug", "question"]


def test_a_ticket_of_an_unknown_source_is_told_by_the_shared_weights(heads: Heads) -> None:
    shared = [
        example(number, f"{text} {word} {word}", label, ("north", "south")[number % 2])
        for number, text in enumerate(sentences(80, 2))
        for word, label in [("crash", "bug") if number % 4 < 2 else ("please", "question")]
    ]
    inputs = inputs_of(shared, heads, ("north", "south"))
    truth = np.array([[float(each.labels[0] == label) for label in ("bug", "question")] for each in shared])
    arrays = JointRidge(inputs, ("words", "source"), by_source=True).arrays(truth)
    spec = OverlaySpec(
        task="team",
        kind="softmax",
        labels=("bug", "question"),
        families=("words", "source"),
        sources=("north", "south"),
        weights_by_source=True,
        temperature=1.0,
    )
    found = Overlay(spec, arrays)
    strangers = [
        example(1, "crash crash everywhere", "bug", "west"),
        example(2, "please please tell me", "question", "west"),
    ]
    assert labels_of(found, strangers, heads) == ["bug", "question"]


def test_the_overlay_gives_what_the_regression_was_solved_for(heads: Heads) -> None:
    shown = [
        example(number, text, WORDS[number % 2], ("north", "south")[number % 2])
        for number, text in enumerate(sentences(30, 3))
    ]
    inputs = inputs_of(shown, heads, ("north", "south"))
    targets = np.random.default_rng(4).normal(size=(30, 2))
    families = ("embedding", "layers", "statistics", "rules", "head_scores", "source", "words", "lines")
    for by_source in (False, True):
        # with almost no regularisation the regression tells every target again
        arrays = JointRidge(inputs, families, by_source, regularisation=1e-4).arrays(targets)
        spec = OverlaySpec(
            task="team",
            kind="softmax",
            labels=("a", "b"),
            families=families,
            sources=("north", "south"),
            weights_by_source=by_source,
            temperature=1.0,
        )
        (chunk,) = chunks_of(shown, heads)
        assert np.abs(Overlay(spec, arrays).scores(chunk) - targets).max() < 0.1


BUG = "## Describe the bug\n\n{}\n\n## Steps to reproduce\n\n{}"
WISH = "## Is your feature request related to a problem?\n\n{}\n\n## Describe the solution you'd like\n\n{}"


def test_the_template_of_a_ticket_tells_what_its_words_do_not(heads: Heads) -> None:
    texts = sentences(60, 12)
    shown = [
        example(number, (BUG, WISH)[number % 2].format(text, text), ("bug", "feature")[number % 2])
        for number, text in enumerate(texts)
    ]
    truth = np.array([[float(each.labels[0] == label) for label in ("bug", "feature")] for each in shown])
    arrays = JointRidge(inputs_of(shown, heads), ("lines",), by_source=False).arrays(truth)
    spec = OverlaySpec(
        task="team", kind="softmax", labels=("bug", "feature"), families=("lines",), temperature=1.0
    )
    new = [
        example(900, BUG.format("It went wrong", "Do it"), "bug"),
        example(901, WISH.format("It went wrong", "Do it"), "feature"),
    ]
    assert labels_of(Overlay(spec, arrays), new, heads) == ["bug", "feature"]


def test_a_fold_is_scored_without_its_labels(heads: Heads) -> None:
    inputs = inputs_of([example(n, text, "a") for n, text in enumerate(sentences(30, 5))], heads)
    solved = JointRidge(inputs, ("words", "chars"), by_source=False)
    folds = np.arange(30) % 3
    targets = np.random.default_rng(6).normal(size=(30, 1))
    turned = np.where(folds[:, None] == 0, -targets, targets)
    of_first = folds == 0
    assert np.allclose(solved.left_out(targets, folds)[of_first], solved.left_out(turned, folds)[of_first])


def test_the_shipped_head_wins_where_corrections_are_chance(heads: Heads) -> None:
    rng = np.random.default_rng(7)
    guessed = [
        example(number, text, ("negative", "neutral", "positive")[rng.integers(3)])
        for number, text in enumerate(sentences(60, 8))
    ]
    fitted = learn(guessed, heads, "sentiment", FEW)
    assert fitted.recipe.model == "shipped"
    new = [example(100, "I love it, thank you!", "positive"), example(101, "This is terrible.", "negative")]
    assert labels_of(load_overlay(fitted.files), new, heads) == said_by(heads, new)


def said_by(heads: Heads, examples: Sequence[Example]) -> list[str]:
    head = heads.tasks["sentiment"]
    (chunk,) = chunks_of(examples, heads)
    return [head.spec.labels[at] for at in head.probabilities([t.features for t in chunk]).argmax(axis=1)]


def test_corrections_change_what_they_speak_of_and_nothing_else(heads: Heads) -> None:
    """A house word that the shipped head does not know means a complaint here."""
    known = [(f"Thank you so much, {text}", "positive") for text in sentences(60, 9)]
    house = [(f"Thank you so much, flurbed flurbed flurbed {text}", "negative") for text in sentences(60, 10)]
    shown = [example(number, body, label) for number, (body, label) in enumerate([*known, *house])]
    fitted = learn(shown, heads, "sentiment", FEW)
    assert fitted.recipe.name == CORRECTIONS.name
    new = [
        example(900, "Thank you so much, flurbed flurbed flurbed it is", "negative"),
        example(901, "Thank you so much, it works", "positive"),
    ]
    assert labels_of(load_overlay(fitted.files), new, heads) == ["negative", "positive"]


def test_the_corpus_that_the_shipped_head_learned_is_not_taken_for_corrections(heads: Heads) -> None:
    corpus = [
        example(number, text, "neutral").model_copy(update={"origin": Origin.CORPUS})
        for number, text in enumerate(sentences(60, 11))
    ]
    house = [
        example(100 + number, f"flurbed {text}", ("negative", "positive")[number % 2])
        for number, text in enumerate(sentences(60, 12))
    ]
    fitted = learn([*corpus, *house], heads, "sentiment", FEW)
    assert fitted.held_out.rows.min() >= 60


def test_the_same_examples_give_the_same_bytes(heads: Heads) -> None:
    shown = [
        example(number, f"{text} {word}", label)
        for number, text in enumerate(sentences(40, 13))
        for word, label in [("flurbed", "negative") if number % 2 else ("gladded", "positive")]
    ]
    first, second = (learn(shown, heads, "sentiment", FEW) for _ in range(2))
    assert first.recipe.name == CORRECTIONS.name
    assert first.files == second.files
