"""The labels of anybody's model, as they are called here."""

from __future__ import annotations

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.domain.labels import Sentiment
from ticketmill.models.transformers.labels import decide_sentiment, intent_labels, merged, sentiment_labels

NEGATIVE, NEUTRAL, POSITIVE = Sentiment


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (("NEGATIVE", "POSITIVE"), (NEGATIVE, POSITIVE)),
        (("positive", "negative", "neutral"), (POSITIVE, NEGATIVE, NEUTRAL)),
        (("Neutral", "Positive", "Negative"), (NEUTRAL, POSITIVE, NEGATIVE)),
        (("NEG", "NEU", "POS"), (NEGATIVE, NEUTRAL, POSITIVE)),
        (
            ("1 star", "2 stars", "3 stars", "4 stars", "5 stars"),
            (NEGATIVE, NEGATIVE, NEUTRAL, POSITIVE, POSITIVE),
        ),
        (
            ("Very_Negative", "Negative", "Neutral", "Positive", "Very-Positive"),
            (NEGATIVE, NEGATIVE, NEUTRAL, POSITIVE, POSITIVE),
        ),
    ],
)
def test_names_that_say_what_they_are_become_ours(
    own: tuple[str, ...], expected: tuple[Sentiment, ...]
) -> None:
    assert sentiment_labels("owner/model", own) == expected


def test_names_that_say_nothing_need_the_setting() -> None:
    own = ("LABEL_0", "LABEL_1", "LABEL_2")
    with pytest.raises(SetupError, match="TICKETMILL_SENTIMENT_LABELS"):
        sentiment_labels("owner/model", own)
    given = sentiment_labels("owner/model", own, "positive, neutral ,negative")
    assert given == (POSITIVE, NEUTRAL, NEGATIVE)
    assert sentiment_labels("yiyanghkust/finbert-tone", own) == (NEUTRAL, POSITIVE, NEGATIVE)


@pytest.mark.parametrize(
    ("own", "given"),
    [
        (("joy", "anger"), ""),
        (("positive", "pos"), ""),
        (("positive", "negative", "sarcastic"), ""),
        (("LABEL_0", "LABEL_1"), "negative"),
        (("LABEL_0", "LABEL_1"), "negative,good"),
    ],
)
def test_labels_that_leave_a_doubt_are_refused(own: tuple[str, ...], given: str) -> None:
    with pytest.raises(SetupError):
        sentiment_labels("owner/model", own, given)


@pytest.mark.parametrize(
    ("negative", "expected"),
    [
        (0.56, (NEGATIVE, 0.56)),
        (0.55, (NEUTRAL, 0.55)),
        (0.5, (NEUTRAL, 0.5)),
        (0.45, (NEUTRAL, 0.55)),
        (0.44, (POSITIVE, 0.56)),
    ],
)
def test_of_two_classes_the_middle_is_neutral(negative: float, expected: tuple[Sentiment, float]) -> None:
    assert decide_sentiment({"negative": negative, "positive": round(1 - negative, 4)}) == expected


def test_a_model_with_a_neutral_class_decides_itself() -> None:
    assert decide_sentiment({"negative": 0.5, "neutral": 0.1, "positive": 0.4}) == (NEGATIVE, 0.5)


def test_scores_of_one_label_are_summed() -> None:
    assert merged([0.2, 0.3, 0.5], ("negative", "negative", "positive")) == {"negative": 0.5, "positive": 0.5}


def test_intents_are_found_however_they_are_written() -> None:
    ours = ("login_issue", "payment-issue")
    assert intent_labels("owner/model", ("Payment Issue", "LOGIN_ISSUE"), ours) == (
        "payment-issue",
        "login_issue",
    )
    assert intent_labels("owner/model", ("a", "b"), ours, "login_issue,login_issue") == ("login_issue",) * 2
    with pytest.raises(SetupError, match=r"labels weather, which .*TICKETMILL_INTENT_LABELS"):
        intent_labels("owner/model", ("weather", "login issue"), ours)
