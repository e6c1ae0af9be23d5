"""What helpdesks say for a priority, as one of four levels."""

from __future__ import annotations

from typing import Any

import pytest
from raw_tickets import document, warned

from ticketmill.domain.intake import Intake, parse_ticket
from ticketmill.domain.labels import Urgency
from ticketmill.domain.priority import PriorityNumbers

CRITICAL, HIGH, MEDIUM, LOW = Urgency

WORDS = {
    CRITICAL: """
        critical, urgent, blocker, emergency, Highest, URGENT, very high, p1, P0, S1, Sev1, SEV-1, sev
        0, Severity 1, Severity 1 - Critical, 1 - Critical, 4 urgent, Priority 1, P1 - Critical,
        Urgent!, 🔴 Critical, Kritisch, Dringend, Sehr hoch, Critique, Très élevée, Crítica, Urgente, Muy
        alta, Máxima, Imediata, Muito alta, Molto alta, Bloccante, Kritiek, Spoed, Kritisk, Meget høj,
        Akut, Krytyczny, Pilne, Bardzo wysoki, 緊急, 至急, 最優先
    """,
    HIGH: """
        high, major, important, p2, S2, Sev2, 2 - High, 3 high, High (2), High Priority, priority: high,
        Hoch, hohe Priorität, Wichtig, Élevée, ELEVEE, Haute, Alta, Prioridad alta, Importante, Alto,
        Hoog, Høj, Hög, Høy, Wysoki, Ważny, 高, 重要, 優先度:高
    """,
    MEDIUM: """
        medium, normal, moderate, p3, S3, Sev 3, 2 normal, 3 - Moderate, 3. Medium, Standard, Mittel,
        Normale, Moyenne, Media, Média, Gemiddeld, Normaal, Mellem, Średni, Normalny, 中, 普通
    """,
    LOW: """
        low, minor, trivial, lowest, p4, P5, Sev4, 4 - Low, 5 - Planning, 1 low, Niedrig, gering,
        Faible, Basse, Baja, Baixa, Bassa, Laag, Lav, Låg, Niski, 低, not urgent
    """,
}
LEVELS = [(" ".join(word.split()), level) for level, words in WORDS.items() for word in words.split(",")]


@pytest.mark.parametrize(("stated", "level"), [*LEVELS, (" P3\n", MEDIUM), ("very_high", CRITICAL)])
def test_a_word_with_a_clear_meaning_is_one_of_four_levels(stated: str, level: Urgency) -> None:
    ticket = parse_ticket(document(priority=stated))
    assert (ticket.priority, ticket.warnings, ticket.extra) == (level, (), {})


@pytest.mark.parametrize(
    ("stated", "level"),
    [
        ({"id": "2", "name": "High"}, HIGH),
        ({"id": 2, "name": "2 normal"}, MEDIUM),
        ({"self": "https://x", "name": "Highest", "id": "1"}, CRITICAL),
        ({"label": "Niedrig"}, LOW),
        ({"value": "4", "display_value": "4 - Low"}, LOW),
        ({}, None),
    ],
)
def test_the_name_of_an_object_is_its_word(stated: dict[str, Any], level: Urgency | None) -> None:
    assert parse_ticket(document(priority=stated)).priority is level


@pytest.mark.parametrize("stated", [None, "", "  ", "-", "-None-", "None", "none", "N/A", "not set", "Keine"])
def test_what_says_that_there_is_no_priority_is_none_without_a_warning(stated: object) -> None:
    ticket = parse_ticket(document(priority=stated))
    assert (ticket.priority, ticket.warnings, ticket.extra) == (None, (), {})


@pytest.mark.parametrize("stated", [1, 4, 0, -1, "1", " 2 ", 3.0, 1.5, {"id": 2}, {"id": "2"}])
def test_a_bare_number_is_no_priority_and_warned_of(stated: object) -> None:
    ticket = parse_ticket(document(priority=stated))
    assert ticket.priority is None
    assert ticket.extra == {"priority": stated}
    assert [(each.code, each.field) for each in ticket.warnings] == [("priority_number", "priority")]


@pytest.mark.parametrize(
    ("numbers", "levels"),
    [
        ("1-is-highest", [CRITICAL, HIGH, MEDIUM, LOW, LOW]),
        ("1-is-lowest", [LOW, MEDIUM, HIGH, CRITICAL, None]),
    ],
)
def test_a_setting_says_which_way_numbers_count(
    numbers: PriorityNumbers, levels: list[Urgency | None]
) -> None:
    intake = Intake(priority_numbers=numbers)
    for number, level in enumerate(levels, start=1):
        for stated in (number, str(number), float(number), {"id": number}):
            assert intake.parse(document(priority=stated)).priority is level
    for stated in (0, 6, -1, 2.5, 10**400, "9" * 400):
        ticket = intake.parse(document(priority=stated))
        assert ticket.priority is None
        assert [each.code for each in ticket.warnings] == ["unknown_form"]
    assert intake.parse(document(priority="Hoch")).priority is HIGH, "words mean the same either way"


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        ("soon", "soon"),
        ("P9", "P9"),
        ("high or low", "high or low"),
        ("not high", "not high"),
        ("!!!", "!!!"),
        ("x" * 200, "x" * 59 + "…"),
        (True, "true"),
        (["high"], "an array"),
        ({"level": 1}, "an object"),
    ],
)
def test_an_unknown_priority_is_kept_raw_and_warned_of(stated: object, found: str) -> None:
    ticket = parse_ticket(document(priority=stated))
    assert ticket.priority is None
    assert ticket.extra == {"priority": stated}
    assert warned(ticket) == [("unknown_form", "priority", found)]
