"""In a transcript the visitor's turns are the writer's words."""

from __future__ import annotations

import pytest

from ticketmill.domain.spans import TextKind
from ticketmill.text.blanking import without
from ticketmill.text.chat import chat_spans


def own(text: str, subject: str = "") -> list[str]:
    return [
        " ".join(line.split())
        for line in without(text, chat_spans(text, subject)).split("\n")
        if line.strip()
    ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Visitor: my card is blocked\nAgent Tom: Hi, how can I help?\nVisitor: I just said it",
         ["my card is blocked", "I just said it"]),
        ("(10:02:11) Anna: hello, it is broken\n(10:02:15) Support Bot: Did you try again?\n(10:03:00) "
         "Anna: yes, twice",
         ["hello, it is broken", "yes, twice"]),
        ("[12:33] Bot: Welcome!\n[12:33] jo_88: locked out\n[12:34] Bot: Type 1\n[12:35] jo_88: no",
         ["locked out", "no"]),
        ("12.05.24, 10:15 - Kunde: Mein Paket fehlt\n12.05.24, 10:16 - Berater Max: Wie ist die Nummer?\n"
         "12.05.24, 10:17 - Kunde: 4711", ["Mein Paket fehlt", "4711"]),
        ("[05/12/2024, 10:15:33] Lea: refund please\n[05/12/2024, 10:16:02] Shop Support: Which order?\n"
         "[05/12/2024, 10:17:00] Lea: 4711", ["refund please", "4711"]),
        ("Cliente: no puedo entrar en mi cuenta\nAgente: ¿en qué puedo ayudarle?\nCliente: ya lo dije",
         ["no puedo entrar en mi cuenta", "ya lo dije"]),
        ("11:02 Bot ▸ Welcome!\n11:02 You ▸ a person please\n11:03 Renske (Support) ▸ hello\n11:04 You ▸ "
         "box is crushed",
         ["a person please", "box is crushed"]),
        ("20:14 - Guest entered\n20:14 - Guest: cancel it\n20:15 - Tomasz: Good evening!\n20:17 - Guest: "
         "cancel\n"
         "20:25 - Tomasz left the conversation", ["cancel it", "cancel"]),
        ("Anna  10:02\nhello, it fails\nSupport Bot  10:02 AM\nDid you reset?\nAnna  10:03\nyes\ntwice",
         ["hello, it fails", "yes", "twice"]),
        ("agent: does it work now?\nme: yes im in!! thank you", ["yes im in!! thank you"]),
        ("お客様：カードが使えません\nオペレーター：番号を教えてください\nお客様：4711です",
         ["カードが使えません", "4711です"]),
    ],
)  # fmt: skip
def test_the_visitors_turns_stay_and_the_agents_go(text: str, left: list[str]) -> None:
    assert own(text) == left


def test_the_subject_may_name_the_visitor() -> None:
    text = "9:01 sam: locked out\n9:02 Desk tutor: hello\n9:03 sam: still\n9:04 Bea: hm"
    assert own(text, 'Chat: visitor "sam"') == ["locked out", "still"]


def test_a_subject_that_announces_a_chat_is_enough_to_tell_turns_from_a_list() -> None:
    text = "Visitor: someone is in my account\nClem: Hi, welcome!\nVisitor: stop them\nClem: one moment"
    assert own(text, "Transcript of today") == ["someone is in my account", "stop them"]
    assert chat_spans(text) == []


def test_what_the_writer_adds_below_a_transcript_stays() -> None:
    text = (
        "Bot: hi there\nMe: a refund\nBot: no\nMe: why\nBot: bye\n\nThat was your chat. I still want it back."
    )
    assert own(text)[-1] == "That was your chat. I still want it back."


@pytest.mark.parametrize(
    "text",
    [
        "Name: Anna\nE-mail: a@b.c\nMessage: hello there",
        "From: Berlin Hbf\nTo: Paris Est\nDate: Monday",
        "Customer: ACME Ltd\nAgent: Tom\nProblem: no invoice",
        "OS: Windows\nVersion: 4.1\nOS: also Linux",
        "12:00:01 INFO: started\n12:00:02 ERROR: failed\n12:00:03 INFO: stopped\n12:00:04 ERROR: gone",
        "Note: it is late.\nQuestion: when does it come?",
        "I told the agent: it is broken.\nHe said: wait.",
        "Anna: hello\nTom: hi\nAnna: are you there\nTom: yes",
        "Train 10:02\nlate again\nBus 10:20\nlate as well\nTrain 11:02\ncancelled",
        "Monday: no train.\nTuesday: no train.\nMonday: again none.",
        "",
    ],
)
def test_what_is_no_transcript_stays(text: str) -> None:
    assert chat_spans(text) == []


def test_names_and_times_are_form_and_the_agents_words_are_agent() -> None:
    text = "Visitor: it broke\nAgent: so sorry\nVisitor: fix it"
    assert [(text[start:end], kind) for start, end, kind in chat_spans(text)] == [
        ("Visitor:", TextKind.FORM),
        ("Agent:", TextKind.FORM),
        ("so sorry", TextKind.AGENT),
        ("Visitor:", TextKind.FORM),
    ]
