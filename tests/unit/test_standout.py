"""Words that stand out tell what some texts are about, and not how people write."""

from __future__ import annotations

from ticketmill.queries.standout import WordCounts, name_of, standout, words_of

OTHERS = [
    f"Hello, {text} Please help me with my account, I need this as soon as possible."
    for text in (
        "the invoice of May is wrong.",
        "I was charged twice for the invoice.",
        "I cannot sign in to the portal.",
        "the app crashes when I open the portal.",
        "my parcel has not arrived.",
        "where is the parcel that I ordered?",
        "I want to cancel the plan of my account.",
        "how do I change the plan?",
    )
] * 5
DECLINED = [
    "Hello, my card was declined at the shop. Please help me with my account.",
    "Hello, the cards are declined everywhere! Please help me.",
    "Why is the card declined? I need this as soon as possible, my account is fine.",
    "The shop says that my card is declined. Please help.",
]


def stand_out(some: list[str], others: list[str]) -> list[str]:
    return [each.word for each in standout(WordCounts.of(some), WordCounts.of([*some, *others]))]


def test_the_words_of_a_topic_stand_out_and_those_of_all_texts_do_not() -> None:
    found = stand_out(DECLINED, OTHERS)
    assert {*found[:2]} == {"card", "declined"}
    assert not {"hello", "please", "account", "my", "the"} & {*found}


def test_a_word_counts_once_a_text_and_must_be_in_two() -> None:
    some = ["printer " * 50 + "jam", "paper jam", "a jam of paper"]
    (jam, paper) = standout(WordCounts.of(some), WordCounts.of([*some, *OTHERS]))
    assert (jam.word, jam.texts) == ("jam", 3)
    assert (paper.word, paper.texts) == ("paper", 2)


def test_forms_of_a_word_are_one_and_the_commonest_is_shown() -> None:
    some = ["refund", "refunds", "refunds are late", "refunding"]
    (found,) = standout(WordCounts.of(some), WordCounts.of([*some, *OTHERS]))
    assert (found.word, found.texts) == ("refunds", 4)


def test_what_tells_of_a_person_is_no_word() -> None:
    assert words_of(
        "Mail jo.doe@example.com or https://x.example/a, call +49 30 123456: error 403, E-17, it isn't"
    ) == [
        "mail",
        "call",
        "error",
        "403",
        "e-17",
    ]


def test_a_rarer_word_of_all_texts_stands_out_more_at_the_same_count() -> None:
    some = ["parcel customs", "parcel customs", "parcel customs"]
    assert stand_out(some, OTHERS)[0] == "customs"


def test_a_name_has_its_words_in_the_order_of_the_texts() -> None:
    words = standout(WordCounts.of(DECLINED), WordCounts.of([*DECLINED, *OTHERS]))
    assert name_of(words[:2], DECLINED) == "card declined"
    assert name_of([], DECLINED) == ""


def test_texts_without_words_have_none_that_stand_out() -> None:
    assert stand_out(["", "!"], OTHERS) == []
    assert standout(WordCounts.of([]), WordCounts.of([])) == []
