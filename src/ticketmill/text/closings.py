"""The words that close a mail, in the ten languages: "Kind regards", "MfG", "よろしくお願いします"."""

from __future__ import annotations

import re

from ticketmill.text.phrases import phrases

FORMAL = frozenset(
    phrases(
        """regards|kind regards|kindest regards|best regards|warm regards|warmest regards|many regards
with kind regards|with best regards|with warm regards|with regards|my regards|friendly regards
sincere regards|rgds|brgds|br|kr|bw|best wishes|kind wishes|warm wishes|with best wishes|with kind wishes
all the best|sincerely|sincerely yours|yours|yours sincerely|yours faithfully|yours truly|respectfully
respectfully yours|best greetings|kind greetings|greetings|warm greetings|with friendly greetings
with kind greetings|with greetings|mit freundlichen grüßen|mit freundlichen grüssen
mit freundlichen gruessen|mit freundlichem gruß|mit freundlichem gruss|mit freundlichen grußen
freundliche grüße|freundliche grüsse|freundlichen gruß|freundlicher gruß|mit besten grüßen
mit besten grüssen|beste grüße|beste grüsse|beste gruesse|bester gruß|viele grüße|viele grüsse
viele gruesse|liebe grüße|liebe grüsse|mit lieben grüßen|herzliche grüße|mit herzlichen grüßen
schöne grüße|schönen gruß|sonnige grüße|grüße|grüsse|gruß|gruss|mfg|m.f.g|lg|vg|bg|hochachtungsvoll
cordialement|bien cordialement|très cordialement|cdlt|cdt|bien à vous|salutations|salutations distinguées
sincères salutations|meilleures salutations|respectueusement|amicalement|bien à toi|bien sincèrement
saludos|saludos cordiales|cordiales saludos|un saludo|un cordial saludo|cordial saludo|un saludo cordial
reciba un cordial saludo|reciban un cordial saludo|atentamente|muy atentamente|atte|le saluda atentamente
un abrazo|atenciosamente|att|cumprimentos|os meus cumprimentos|melhores cumprimentos
com os melhores cumprimentos|com cumprimentos|saudações|saudações cordiais|abraços|um abraço|abs
cordialmente|respeitosamente|cordiali saluti|distinti saluti|cari saluti|saluti|saluti cordiali
tanti saluti|un cordiale saluto|un saluto|in fede|porgo distinti saluti|porgo cordiali saluti
met vriendelijke groet|met vriendelijke groeten|vriendelijke groet|vriendelijke groeten|mvg|m.v.g|groet
groeten|groetjes|hartelijke groet|hartelijke groeten|met hartelijke groet|met hartelijke groeten
hoogachtend|beste groeten|med venlig hilsen|med venlige hilsner|venlig hilsen|venlige hilsner|mvh|hilsen
mange hilsner|bedste hilsner|de bedste hilsner|kærlig hilsen|dbh|med vänlig hälsning
med vänliga hälsningar|vänliga hälsningar|hälsningar|pozdrawiam|pozdrawiamy|pozdrawiam serdecznie
serdecznie pozdrawiam|serdeczne pozdrowienia|pozdrowienia|z poważaniem|z wyrazami szacunku
łączę pozdrowienia|łączę wyrazy szacunku
z pozdrowieniami|よろしくお願いします|よろしくお願いいたします|よろしくお願い致します|宜しくお願いします
宜しくお願いいたします|宜しくお願い致します|よろしくお願い申し上げます|何卒よろしくお願いいたします|何卒宜しくお願いいたします|何卒よろしくお願い申し上げます|何卒宜しくお願い申し上げます
どうぞよろしくお願いいたします|どうぞよろしくお願いします|以上よろしくお願いいたします|以上、よろしくお願いいたします|以上、よろしくお願いします|以上、よろしくお願い致します|敬具|草々"""
    )
)
THANKS = frozenset(
    phrases(
        """best|cheers|love|take care|thanks|thanks a lot|thanks a million|thanks heaps|thanking you
thank you all|hugs|thanks so much|thanks again|thanks in advance|many thanks|thank you
thank you very much|thank you in advance|thank you again|thanks very much|with thanks|thx|thnx|ty|tia|ta
tks|thanx|have a nice day|have a good day|have a great day|have a nice weekend|have a good weekend
have a great weekend|have a lovely day|have a nice evening|have a good week|have a nice week|danke
danke schön|danke im voraus|danke vorab|vielen dank|vielen dank im voraus|vielen dank vorab|besten dank
herzlichen dank|schönen tag|schönes wochenende|einen schönen tag|schönen tag noch|merci|merci d'avance
merci d’avance|merci beaucoup|merci bien|avec mes remerciements|bonne journée|bonne soirée
bonne réception|gracias|muchas gracias|gracias de antemano|muchas gracias de antemano|mil gracias
buen día|que tenga un buen día|obrigado|obrigada|muito obrigado|muito obrigada|obrigado desde já
obrigada desde já|desde já obrigado|desde já obrigada|desde já agradeço|grato|grata|bom dia
bom fim de semana|grazie|grazie mille|mille grazie|molte grazie|tante grazie|grazie in anticipo|ringrazio
buona giornata|buona serata|bedankt|alvast bedankt|hartelijk dank|bij voorbaat dank|dank|dank u wel
dank je wel|fijne dag|fijne dag verder|tak|mange tak|på forhånd tak|tak på forhånd|tusind tak|god dag
god weekend|fortsat god dag|tack|dziękuję|dziękuje|dzięki|z góry dziękuję|dziękuję z góry|z góry dzięki
miłego dnia|dziękujemy|ありがとうございます|以上です|以上"""
    )
)
_JOINT = re.compile(r"\s*(?:,|&|\+|/|\band\b|\bund\b|\bet\b|\by\b|\be\b|\ben\b|\bog\b|\bi\b|\boraz\b)\s*")
_AFTER = " \t\r.,;:!…~-–—*_()。、！"
_PLACE = re.compile(r"\s(?:from|aus|vom|von|uit|fra|z|desde|da|de|depuis)\s[^\W\d][\w ,\-]{1,30}$")
_ENDINGS = phrases(
    """greetings|regards|wishes|hugs|grüße|grüßen|gruß|saludos|saluti|groeten|groet|hilsen|hilsner
hälsningar|salutations|cumprimentos|pozdrowienia"""
)
_MAX_WORDS = 4
_FIRST_LETTERS = frozenset(each[0] for each in FORMAL | THANKS)
MAX_LENGTH = 70
MAX_NAME_WORDS = 4


def is_formal(phrase: str) -> bool:
    """Whether `phrase` closes a mail, and says nothing else."""
    return _closes(phrase, FORMAL) or _joined(phrase) or _ends_as_closing(phrase)


def is_closing(phrase: str) -> bool:
    """Whether `phrase` may close a mail: thanks and good wishes do as well."""
    return _closes(phrase, THANKS) or is_formal(phrase)


def closing_with_name(line: str) -> bool:
    """Whether `line` is a closing and a name: "Kind regards, Tom Smith"."""
    text = line.strip(" \t\r*_-–—")
    if not 4 < len(text) <= MAX_LENGTH:
        return False
    words = text.split()
    for count in range(1, min(len(words), 6)):
        phrase, name = " ".join(words[:count]), words[count:]
        if len(name) > MAX_NAME_WORDS or not _is_name(name):
            continue
        if is_formal(phrase) and (count > 1 or phrase.endswith((",", "-", "–")) or len(name) <= 2):
            return True
        if phrase.endswith((",", "!", "-", "–")) and len(name) <= 3 and is_closing(phrase):
            return True
    return False


def _is_name(words: list[str]) -> bool:
    return all(word[:1].isupper() or word in ("&", "-", "de", "van", "von") for word in words) and not any(
        character in "?!:;" or character.isdigit() for word in words for character in word
    )


def _closes(phrase: str, closings: frozenset[str]) -> bool:
    # a line of no-break spaces alone is empty only once it is split
    lowered = " ".join(phrase.strip(_AFTER).lower().split())
    if not lowered or len(lowered) > MAX_LENGTH or lowered[0] not in _FIRST_LETTERS:
        return False
    return lowered in closings or (not lowered.startswith("thank") and _PLACE.sub("", lowered) in closings)


def _ends_as_closing(phrase: str) -> bool:
    """Whether `phrase` is a closing of the writer's own: "Musical greetings"."""
    text = phrase.strip(_AFTER).lower()
    words = text.split() if len(text) <= MAX_LENGTH else []
    return (
        1 < len(words) <= _MAX_WORDS
        and words[-1] in _ENDINGS
        and not any(sign in text for sign in ".!?;:")
        and words[0] not in ("no", "send", "say", "give")
    )


def _joined(phrase: str) -> bool:
    """Whether `phrase` is thanks and a closing: "Vielen Dank und beste Grüße"."""
    text = phrase.strip(_AFTER).lower()
    if not text or len(text) > MAX_LENGTH or text[0] not in _FIRST_LETTERS:
        return False
    parts = [part for part in _JOINT.split(text) if part]
    known = [part in FORMAL or part in THANKS for part in parts]
    return len(parts) > 1 and all(known) and any(part in FORMAL for part in parts)
