"""Whether a text says anything: no placeholder, no "see attachment", no keyboard noise."""

from __future__ import annotations

import re

MAX_CHARS = 300
"""A longer text says something."""
MIN_NOISE_CHARS = 3

_PLACEHOLDER = re.compile(
    r"%[\w. -]{1,40}%|\{\{?[\w.| -]{1,60}\}?\}|\$\{[\w.]{1,60}\}|\[\[[\w. -]{1,40}\]\]"
    r"|<[%?]?=?[\w. -]{1,40}[%?]?>"
    r"|__[\w-]{1,40}__|@@[\w-]{1,40}@@"
)
_FILE = re.compile(
    r"[\w()–-][\w ().–-]{0,80}\.(?:pdf|docx?|xlsx?|pptx?|png|jpe?g|gif|heic|bmp|tiff?|zip|txt|csv|eml|msg"
    r"|mp4|mov)\b"
    r"(?:,? ?\(?\d[\d.,]* ?[kmg]?i?b(?:ytes)?\)?)?",
    re.I,
)
_PLEASE = (
    r"(?:(?:hi|hello|hallo|dear (?:all|team|sirs?)|pls|plz|please|kindly|bitte|por favor|per favore|merci de"
    r"|veuillez)[ ,]*){0,3}"
)
_NOTHING = re.compile(
    _PLEASE + r"(?:"
    r"n ?[/.]? ?a|none|null|nil|undefined|nan|empty|blank|x+|no (?:subject|body|text|description|content"
    r"|message)(?: provided| text)?"
    r"|(?:this is )?(?:a )?test(?:ing|s|e|o)?(?: (?:test|mail|e-?mail|message|ticket|[\d ]{1,12}))*"
    r"|lorem ipsum.{0,60}"
    r"|(?:(?:see|find|refer to|check|open|as per|as|per|in) )?(?:the |my |our |this )?"
    r"(?:attached|attachments?|enclosed|enclosure)"
    r"(?: (?:file|document|attached|below|above|image|picture|screen ?shots?|pdf|here|letter|form|for details"
    r"|thanks?|thank you))*"
    r"|(?:see|find|check|open) (?:the |my |our |this )?(?:screen ?shots?|image|picture|file|pdf|document)"
    r"(?: (?:attached|below|above|enclosed))?"
    r"|kein(?:e)? (?:betreff|text|inhalt|angaben?)|ohne betreff|(?:siehe|s\.?|im|in der|anbei"
    r"|beachten sie den|siehe im) ?(?:anhang|anlage|angehängt\w*|datei|pdf|bild|screenshot)(?: beachten"
    r"| ansehen)?|anbei"
    r"|sans objet|aucun(?:e)? (?:objet|texte|description)|(?:voir|cf\.?|regarder|trouver)?,? ?(?:ci-joint"
    r"|la |le |les )*(?:pièces? jointes?|ci-joint\w*|fichiers? joints?|pj)"
    r"|(?:sin|ningún) (?:asunto|texto|contenido)|(?:ver|véase|vean|se) ?(?:el |los |archivo "
    r"|documento )*adjuntos?(?: archivo)?|adjunto"
    r"|sem assunto|(?:ver|veja|segue|em|vide) ?(?:o |os |em )*anexos?|anexo|nessun oggetto|(?:vedi|vedere|in"
    r"|si veda) ?(?:l')?allegat[oi]|allegat[oi]"
    r"|geen onderwerp|(?:zie|in) ?(?:de )?(?:bijlagen?|bijgevoegd\w*)|bijlage|intet emne|(?:se"
    r"|jf\.?) ?(?:den )?(?:vedhæftet?(?: fil)?|vedhæftede(?: fil)?|bilag)|vedhæftet"
    r"|brak tematu|(?:patrz |zobacz |w )?(?:załączniku?|załączeniu)|件名なし|本文なし"
    r"|添付(?:ファイル)?(?:を)?(?:ご)?(?:参照|確認)?(?:ください|して ?ください)?"
    r"|テスト|なし"
    r"|new message|message from (?:web ?site|contact form)|(?:new )?(?:support )?(?:request|message"
    r"|ticket|enquiry) from (?:the |your )?web ?site"
    r")",
    re.I,
)
# neighbours on a keyboard, in a row
_ROWS = re.compile(
    r"(?:asd(?:f(?:g(?:h(?:j(?:kl?)?)?)?)?)?|qwe(?:r(?:t(?:[zy](?:u(?:i(?:op?)?)?)?)?)?)?"
    r"|[zy]xc(?:v(?:b(?:nm?)?)?)?"
    r"|sdf(?:gh?)?|dfg(?:hj?)?|fgh(?:j(?:kl?)?)?|ghj(?:kl?)?|hjkl?|jkl|vbnm?"
    r"|lkj(?:h(?:g(?:f(?:d(?:sa?)?)?)?)?)?|fdsa?|rewq"
    r"|mnbv?)+",
    re.I,
)
_VOWELS = re.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýąęóœ]", re.I)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_EMOJI = re.compile(r"[\u2600-\u27bf\U0001f300-\U0001faff]")


def says_something(text: str) -> bool:
    """Whether a part of a ticket says anything. A single word such as "refund" does."""
    bare = text.strip()
    if len(bare) > MAX_CHARS:
        return True
    if not bare or not (_WORD.search(bare) or _EMOJI.search(bare)):
        return False
    rest = _PLACEHOLDER.sub(" ", _FILE.sub(" ", bare) if "." in bare else bare)
    words = _WORD.findall(rest)
    if not words:
        return _EMOJI.search(rest) is not None
    plain = " ".join(rest.split()).strip(" .,;:!?-–_*#()[]<>\"'…。、！？/\\|=+~")
    if _NOTHING.fullmatch(plain):
        return False
    return not all(map(_is_noise, words))


def _is_noise(word: str) -> bool:
    """Whether fingers ran over the keyboard: rows of keys, one letter repeated, six letters and no vowel."""
    if len(word) < MIN_NOISE_CHARS or not word.isascii() or not word.isalpha():
        return False
    lower = word.lower()
    if len(set(lower)) == 1 and len(word) > MIN_NOISE_CHARS:
        return True
    return _ROWS.fullmatch(lower) is not None or (
        len(word) >= 6 and not word.isupper() and not _VOWELS.search(lower)
    )
