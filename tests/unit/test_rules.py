from __future__ import annotations

import pytest

from ticketmill.domain.labels import Intent, Urgency
from ticketmill.models.rules import (
    INTENT_KEYWORDS,
    URGENCY_KEYWORDS,
    KeywordClassifier,
    RuleMatch,
    intent_rules,
    urgency_rules,
)

FRUIT = KeywordClassifier(
    {"red": ("apple", "cherry", "red berry"), "yellow": ("lemon", "banana", "c++", "api")}, fallback="none"
)


@pytest.mark.parametrize(
    ("label", "keyword"), [(label, word) for label, words in INTENT_KEYWORDS.items() for word in words]
)
def test_every_intent_is_reached_by_each_of_its_keywords(label: str, keyword: str) -> None:
    assert intent_rules().classify(f"Well, {keyword}.") == RuleMatch(label, 0.5, (keyword,))


@pytest.mark.parametrize(
    ("label", "keyword"), [(label, word) for label, words in URGENCY_KEYWORDS.items() for word in words]
)
def test_every_urgency_is_reached_by_each_of_its_keywords(label: str, keyword: str) -> None:
    assert urgency_rules().classify(f"Well, {keyword}.") == RuleMatch(label, 0.5, (keyword,))


def test_every_label_but_the_fallback_has_keywords() -> None:
    assert set(INTENT_KEYWORDS) == set(Intent) - {Intent.GENERAL_INQUIRY}
    assert set(URGENCY_KEYWORDS) == set(Urgency) - {Urgency.MEDIUM}


@pytest.mark.parametrize("text", ["", " ", "We met at the capital.", "\U0001f3bb\x00"])
def test_without_a_keyword_the_fallback_has_no_confidence_and_no_reasons(text: str) -> None:
    assert intent_rules().classify(text) == RuleMatch(Intent.GENERAL_INQUIRY, 0.0, ())
    assert urgency_rules().classify(text) == RuleMatch(Urgency.MEDIUM, 0.0, ())


@pytest.mark.parametrize("text", ["capital", "apis", "rapid", "api_key", "2api", "übapi", "apiä"])
def test_a_keyword_inside_a_word_does_not_count(text: str) -> None:
    assert FRUIT.classify(text).label == "none"


@pytest.mark.parametrize("text", ["api", "(api)", "api.", "the api-key", "API", "Api!", "x/api/y", "\napi\n"])
def test_a_keyword_counts_at_word_boundaries_in_any_case(text: str) -> None:
    assert FRUIT.classify(text) == RuleMatch("yellow", 0.5, ("api",))


@pytest.mark.parametrize("text", ["we write c++ here", "C++", "(c++)"])
def test_keywords_are_plain_text_not_patterns(text: str) -> None:
    assert FRUIT.classify(text).reasons == ("c++",)
    assert FRUIT.classify("ccc").label == "none"


@pytest.mark.parametrize("text", ["[api](.*+?^${}|\\", "a.p.i ^api$", "(?P<x>api)"])
def test_text_that_looks_like_a_pattern_is_read_as_text(text: str) -> None:
    assert FRUIT.classify(text).reasons == ("api",)


def test_reasons_are_distinct_in_lower_case_and_in_the_order_of_the_text() -> None:
    assert FRUIT.classify("Cherry, APPLE, cherry, apple").reasons == ("cherry", "apple")


def test_the_longest_of_overlapping_keywords_is_the_reason() -> None:
    rules = KeywordClassifier({"a": ("feature", "feature request")}, fallback="none")
    assert rules.classify("A feature request.").reasons == ("feature request",)


@pytest.mark.parametrize(
    ("text", "label", "confidence"),
    [
        ("apple", "red", 0.5),
        ("apple apple apple", "red", 0.5),
        ("apple cherry", "red", 0.6667),
        ("apple cherry red berry", "red", 0.75),
        ("lemon banana apple", "yellow", 0.4444),
        ("apple cherry red berry lemon", "red", 0.5625),
    ],
)
def test_confidence_grows_with_distinct_matches_and_is_shared_with_other_labels(
    text: str, label: str, confidence: float
) -> None:
    match = FRUIT.classify(text)
    assert (match.label, match.confidence) == (label, confidence)


def test_a_tie_goes_to_the_label_that_is_named_first_wherever_its_words_stand() -> None:
    assert FRUIT.classify("lemon apple") == RuleMatch("red", 0.25, ("apple",))
    flipped = KeywordClassifier({"yellow": ("lemon",), "red": ("apple",)}, fallback="none")
    assert flipped.classify("apple lemon").label == "yellow"
