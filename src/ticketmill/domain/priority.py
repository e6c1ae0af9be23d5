"""What helpdesks say for a priority, as one of our four levels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

from ticketmill.domain.labels import Urgency
from ticketmill.domain.warning import UnknownForm, WarningCode, excerpt

PriorityNumbers = Literal["1-is-highest", "1-is-lowest"]
"""Which way the numbers of a helpdesk's priorities count."""

_NAMES = ("name", "label", "displayName", "display_value", "title", "value")
"""The fields of an object that may hold the word for a priority."""

# en · de · fr · es · pt · it · nl · da, sv, no · pl · ja
_CRITICAL = """
    critical, urgent, blocker, emergency, highest, very high, immediate, showstopper, business critical,
    kritisch, dringend, dringlich, notfall, sofort, sehr hoch, höchste, höchster, äußerst dringend,
    critique, urgente, urgence, bloquant, bloquante, très haute, très élevée, la plus haute, maximale,
    immédiate, crítica, crítico, emergencia, muy alta, muy alto, máxima, inmediata, muy urgente,
    emergência, muito alta, muito alto, imediata, muito urgente,
    emergenza, molto alta, molto alto, massima, bloccante, molto urgente,
    kritiek, spoed, zeer hoog, hoogste, zeer dringend,
    kritisk, haster, akut, meget høj, højeste, brådskande, mycket hög, högsta, veldig høy, høyeste,
    krytyczny, krytyczna, krytyczne, pilny, pilna, pilne, bardzo wysoki, bardzo wysoka, najwyższy, najwyższa,
    natychmiastowy, natychmiastowa,
    緊急, 至急, 最優先, 最高, 重大, クリティカル
"""
_HIGH = """
    high, major, important, elevated,
    hoch, hohe, hoher, wichtig, erhöht,
    haute, haut, élevée, élevé, importante, majeur, majeure,
    alta, alto, elevada, elevado, elevata, elevato,
    hoog, hoge, belangrijk,
    høj, hög, høy, vigtig, viktig,
    wysoki, wysoka, wysokie, ważny, ważna,
    高, 高い, 高め, 重要
"""
_MEDIUM = """
    medium, normal, moderate, standard, regular, default, average, middle,
    mittel, mittlere, mittlerer,
    moyenne, moyen, normale, modérée, modéré,
    media, medio, moderada, moderado, média, médio, moderata, moderato,
    gemiddeld, gemiddelde, normaal, middel, midden,
    mellem, medel, middels,
    średni, średnia, średnie, normalny, normalna, umiarkowany, umiarkowana,
    中, 中程度, 普通, 通常, 標準
"""
_LOW = """
    low, lowest, minor, trivial, very low, planning, cosmetic, not urgent,
    niedrig, niedrige, niedriger, gering, unwichtig, sehr niedrig, niedrigste, nicht dringend,
    basse, bas, faible, mineur, mineure, très basse, très faible, minimale, non urgent, pas urgent,
    baja, bajo, menor, muy baja, mínima, no urgente,
    baixa, baixo, muito baixa, não urgente,
    bassa, basso, minore, molto bassa, minima, non urgente,
    laag, lage, zeer laag, laagste, niet dringend,
    lav, låg, meget lav, laveste, mycket låg, lägsta,
    niski, niska, niskie, bardzo niski, najniższy, najniższa, niepilny,
    低, 低い, 最低
"""
_NONE = """
    none, no priority, not priority, not set, unset, null, n a, nil, undefined,
    keine, aucune, ninguna, nenhuma, nessuna, geen, ingen, brak, なし
"""
_PRIORITY = """
    priority, prio, severity, sev, level, impact, urgency,
    priorität, dringlichkeit, priorité, prioridad, prioridade, priorità, prioriteit, prioritet, priorytet,
    優先度, 緊急度, 重要度
"""
_DASHES = " \t\r\n-\u2013\u2014."
_NUMBER = re.compile(r"[+-]?\d+(?:\.0+)?")
_LETTER_AND_DIGIT = re.compile(r"(p|s|sev|severity|prio|priority) ?([0-5])")
_WORDS = re.compile(r"\w+")


def _plain(text: str) -> str:
    """Words of a text in lower case, without accents and marks, as in `tres elevee`."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(_WORDS.findall(bare.replace("_", " ")))


def _plain_set(words: str) -> set[str]:
    return {_plain(word) for word in words.split(",")}


_LEVELS: Mapping[str, Urgency] = {
    **dict.fromkeys(_plain_set(_LOW), Urgency.LOW),
    **dict.fromkeys(_plain_set(_MEDIUM), Urgency.MEDIUM),
    **dict.fromkeys(_plain_set(_HIGH), Urgency.HIGH),
    **dict.fromkeys(_plain_set(_CRITICAL), Urgency.CRITICAL),
}
_NO_PRIORITY = _plain_set(_NONE)
_FILLERS = _plain_set(_PRIORITY)

_FROM_HIGHEST = (Urgency.CRITICAL, Urgency.HIGH, Urgency.MEDIUM, Urgency.LOW, Urgency.LOW)
_FROM_LOWEST = (Urgency.LOW, Urgency.MEDIUM, Urgency.HIGH, Urgency.CRITICAL)


def priority_of(value: object, numbers: PriorityNumbers | None = None) -> Urgency | None:
    """The level that a helpdesk's word means, as in `Highest`, `2 - High`, `P0` and `{"name": "Hoch"}`.

    None where it says that there is none. A bare number means something only where `numbers` tells which way
    it counts. Raises UnknownForm for any other value.
    """
    word = _word_in(value)
    if word is None or isinstance(word, Urgency):
        return word
    if isinstance(word, int | float) or _NUMBER.fullmatch(word.strip()):
        return _by_number(word, value, numbers)
    plain = _plain(word)
    if not word.strip(_DASHES) or plain in _NO_PRIORITY:
        return None
    level = _by_word(plain)
    if level is None:
        raise UnknownForm(excerpt(value))
    return level


def _word_in(value: object) -> str | int | float | None:
    """The word or number of a priority that may be an object."""
    if isinstance(value, dict):
        named = (value[name] for name in _NAMES if isinstance(value.get(name), str))
        value = next(named, value.get("id", value) if value else None)
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    raise UnknownForm(excerpt(value))


def _by_word(plain: str) -> Urgency | None:
    """By the word itself, by what is left of it without a number and the word for "priority", by `p1`."""
    if plain in _LEVELS:
        return _LEVELS[plain]
    words = [word for word in plain.split() if word not in _FILLERS]
    if words and words[0].isdecimal():
        words = words[1:]
    elif words and words[-1].isdecimal():
        words = words[:-1]
    if level := _LEVELS.get(" ".join(words)):
        return level
    if coded := _LETTER_AND_DIGIT.match(plain):
        rest = plain[coded.end() :].strip()
        if not rest or rest in _LEVELS:
            return _LEVELS.get(rest) or _FROM_HIGHEST[max(int(coded[2]), 1) - 1]
    return None


def _by_number(word: str | float, value: object, numbers: PriorityNumbers | None) -> Urgency:
    if numbers is None:
        raise UnknownForm(excerpt(value), WarningCode.PRIORITY_NUMBER)
    scale = dict(enumerate(_FROM_HIGHEST if numbers == "1-is-highest" else _FROM_LOWEST, start=1))
    number = float(word) if isinstance(word, str) else word
    if number not in scale:
        raise UnknownForm(excerpt(value))
    return scale[int(number)]
