"""Greetings, closings and set phrases of ten languages: polite, and nothing that a summary says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

GREETINGS = {
    "en": "hi|hi there|hiya|hello|hello there|hey|hey there|howdy|dear|good morning|good afternoon"
    "|good evening|good day|greetings|respected|to whom it may concern|team|morning|evening",
    "de": "hallo|guten tag|guten morgen|guten abend|moin|servus|grüß gott|grüezi|sehr geehrte|sehr geehrter"
    "|sehr geehrtes|liebe|lieber|liebes|werte|werter|an den|an das",
    "fr": "bonjour|bonsoir|salut|coucou|cher|chère|chers|chères|madame|monsieur|mesdames|messieurs",
    "es": "hola|buenos días|buenas tardes|buenas noches|buenas|buen día|estimado|estimada|estimados|estimadas"
    "|querido|querida|muy señor|muy señores|apreciado|apreciada|señores|a quien corresponda",
    "pt": "olá|ola|oi|bom dia|boa tarde|boa noite|caro|cara|caros|caras|prezado|prezada|prezados|prezadas"
    "|exmo|exma|exmos|exmo.|exma.|exmos.|a quem possa interessar",
    "it": "ciao|salve|buongiorno|buonasera|buon giorno|buona sera|gentile|gentili|egregio|egregi|egregia"
    "|spettabile|spett.le|gent.mi|cari|a chi di competenza",
    "nl": "hoi|goedemorgen|goedemiddag|goedenavond|goedendag|geachte|beste|dag|lieve",
    "da": "hej|hejsa|goddag|kære|god morgen|godmorgen|god aften|godaften|til rette vedkommende",
    "pl": "cześć|dzień dobry|dobry wieczór|witam|witajcie|szanowni|szanowny|szanowna|drogi|drodzy",
    "ja": "こんにちは|こんばんは|おはようございます|はじめまして|初めまして|拝啓"
    "|いつもお世話になって|お世話になって|お世話になります",
}
CLOSINGS = {
    "en": "regards|kind regards|kindest regards|best regards|warm regards|with kind regards"
    "|with best regards|rgds|best wishes|kind wishes|best|all the best|sincerely|yours|yours sincerely"
    "|yours faithfully|br|greetings|kind greetings|friendly greetings|best greetings|with best greetings"
    "|with friendly greetings",
    "de": "mit freundlichen grüßen|mit freundlichen grüssen|mit freundlichem gruß|freundliche grüße|mfg"
    "|viele grüße|liebe grüße|beste grüße|herzliche grüße|schöne grüße|lg|vg|gruß|grüße|hochachtungsvoll"
    "|mit besten grüßen",
    "fr": "cordialement|bien cordialement|bien à vous|salutations|meilleures salutations|sincères salutations"
    "|respectueusement|cdlt|amicalement",
    "es": "saludos|un saludo|saludos cordiales|un cordial saludo|atentamente|cordialmente"
    "|reciba un cordial saludo",
    "pt": "atenciosamente|cumprimentos|melhores cumprimentos|com os melhores cumprimentos|att|abraços"
    "|um abraço",
    "it": "cordiali saluti|distinti saluti|saluti|un saluto|cari saluti|in fede",
    "nl": "met vriendelijke groet|met vriendelijke groeten|vriendelijke groet|groeten|groet|mvg|hoogachtend",
    "da": "med venlig hilsen|venlig hilsen|venlige hilsner|de bedste hilsner|mvh|hilsen",
    "pl": "pozdrawiam|serdecznie pozdrawiam|z poważaniem|pozdrowienia|z wyrazami szacunku",
    "ja": "敬具|草々|以上",
}
THANKS = {
    "en": "thanks|many thanks|thank you|thanks a lot|thanks so much|thx|ty|cheers|with thanks"
    "|with many thanks|with warmest thanks|ta|tia",
    "de": "danke|danke schön|vielen dank|besten dank|herzlichen dank|danke im voraus",
    "fr": "merci|merci d'avance|merci beaucoup|bonne journée",
    "es": "gracias|muchas gracias|gracias de antemano",
    "pt": "obrigado|obrigada|muito obrigado|muito obrigada|grato|grata|desde já agradeço",
    "it": "grazie|grazie mille|mille grazie|grazie in anticipo|buona giornata",
    "nl": "bedankt|alvast bedankt|hartelijk dank|bij voorbaat dank|dank u wel",
    "da": "tak|mange tak|på forhånd tak|tusind tak",
    "pl": "dziękuję|z góry dziękuję|dzięki|miłego dnia",
    "ja": "ありがとうございます|よろしくお願い|宜しくお願い|何卒よろしく|どうぞよろしく",
}
SET_PHRASES = {
    "en": "i hope you and|i hope you are|i hope you're|i hope you all|i hope you have|i hope you had"
    "|i hope this finds|i hope this email|i hope this e-mail|i hope this message|i hope this mail"
    "|i hope all is|i hope everyone|we hope you are|we hope this finds|we hope this message"
    "|we hope this email|hope you are|hope you're|hope you all|hope you have|hope this finds"
    "|hope this email|hope this message|hope all is|hope everyone|how are you|for your information"
    "|for your info|just for information|just for info|fyi|please advise|pls advise|quick question"
    "|quick one|just a quick question|just a quick one|a quick question|sorry for the long"
    "|sorry this is so long|sorry that this is so long|sorry it's so long|i look forward to"
    "|we look forward to|look forward to|looking forward to|please see below|pls see below|see below"
    "|please see the details|please find below|please find attached|please find the attached|see attached"
    "|please see attached|please see the attached|thank you in advance|thanks in advance"
    "|thank you very much|thank you for your|thanks for your|thanks for any|thanks for the help"
    "|thank you for the help|let me know if you|please let me know if you|any help would be|any help is"
    "|please get back to me|i hope to hear|hope to hear|have a nice|have a great day|have a good"
    "|have a lovely|in case of questions|in case of any questions|if you have any questions"
    "|if you have any further questions|do not hesitate to|please do not hesitate|please don't hesitate"
    "|awaiting your|waiting for your reply|i am waiting for your reply|my name is",
    "de": "ich hoffe, es geht|ich hoffe es geht|ich hoffe, dass es ihnen|ich hoffe, diese"
    "|ich hoffe, ihnen geht|siehe unten|siehe anhang|bitte siehe|anbei|zu ihrer information|zur info"
    "|zur information|ich freue mich auf|wir freuen uns auf|über eine antwort|über eine schnelle"
    "|über eine rasche|über eine baldige|vielen dank für ihre|vielen dank für die|vielen dank im"
    "|danke für ihre|danke für die|danke im|bei fragen|für rückfragen|mein name ist|in erwartung"
    "|einen schönen|schönen tag",
    "fr": "j'espère que vous allez|j'espère que tout|nous espérons que vous allez|voir ci-dessous"
    "|voir ci-joint|veuillez trouver|ci-joint|merci de votre|merci pour votre|merci pour l'aide"
    "|merci d'avance|dans l'attente|en attente de votre|veuillez agréer|je vous prie d'agréer"
    "|nous vous prions d'agréer|je m'appelle|n'hésitez pas|en vous remerciant|je reste à votre"
    "|je vous souhaite|bonne journée",
    "es": "espero que esté|espero que se encuentre|espero que todo|ver abajo|véase abajo"
    "|adjunto encontrará|se adjunta|gracias por su|gracias por la|gracias por tu|muchas gracias por"
    "|gracias de antemano|quedo a la espera|quedamos a la espera|quedo atento|quedo atenta"
    "|a la espera de su|en espera de su|le saluda|me llamo|mi nombre es|no dude en|reciba un|que tenga un",
    "pt": "espero que esteja|espero que este|espero que tudo|ver abaixo|veja abaixo|segue em anexo"
    "|segue anexo|obrigado pela|obrigada pela|obrigado por|obrigada por|agradeço desde já|desde já"
    "|fico no aguardo|fico a aguardar|no aguardo|aguardo resposta|aguardo retorno|aguardo a sua"
    "|aguardo o seu|meu nome é|o meu nome é|chamo-me|não hesite em",
    "it": "spero che stia|spero che stiate|spero che tutto|spero che questa|vedi sotto|vedere sotto"
    "|in allegato|grazie per|la ringrazio|vi ringrazio|in attesa di un|in attesa di una"
    "|in attesa di vostro|in attesa di vostra|resto in attesa|rimango in attesa|porgo|mi chiamo"
    "|il mio nome|non esiti a",
    "nl": "ik hoop dat alles|ik hoop dat het goed|ik hoop dat u|zie onder|zie hieronder|zie bijlage"
    "|bijgevoegd|bedankt voor|dank u voor|dank voor|ik hoor graag|graag hoor ik|ik zie uit naar"
    "|in afwachting van|mijn naam is|ter info|alvast bedankt|fijne dag",
    "da": "jeg håber at du|jeg håber, at du|jeg håber du|jeg håber i|se nedenfor|se vedhæftet|vedhæftet"
    "|tak for hjælpen|tak for din|tak for jeres|jeg ser frem til|vi ser frem til|jeg hører gerne"
    "|mit navn er|til orientering|på forhånd tak|fortsat god",
    "pl": "mam nadzieję, że wszystko|mam nadzieję że wszystko|mam nadzieję, że u|patrz poniżej|w załączeniu"
    "|w załączniku|dziękuję za|dziękujemy za|z góry dziękuję|czekam na odpowiedź|oczekuję na odpowiedź"
    "|proszę o szybką odpowiedź|proszę o odpowiedź|nazywam się|mam na imię|do wiadomości|życzę miłego",
    "ja": "お忙しいところ|お忙しい中|恐れ入りますが|お手数をおかけ|お手数ですが"
    "|以上、よろしく|以上です|ご連絡お待ち|返信をお待ち|ご返信お待ち|突然のご連絡"
    "|下記をご確認|添付をご確認|ご確認をお願い|ご確認のほど",
}
"""A sentence that begins with one is left out if little follows."""
AGENT_PHRASES = {
    "en": "thank you for contacting|thanks for contacting|thank you for reaching out"
    "|thanks for reaching out|thank you for calling|thank you for getting in touch"
    "|thanks for getting in touch|thank you for choosing|thank you for chatting|thanks for chatting"
    "|how can i help|how may i help|how can i assist|how may i assist|how can we help|welcome to"
    "|you are now chatting|you're now chatting|you are chatting|you are now connected|you are connected"
    "|this is an automated|this is an automatic|i'd be happy to help|i would be happy to help"
    "|i'll be happy to help|i'd be happy to assist|please hold on|please hold the line"
    "|we have received your request|we have received your message|we've received your request"
    "|your request has been received",
    "de": "vielen dank für ihre anfrage|vielen dank für ihre nachricht"
    "|vielen dank für ihre kontaktaufnahme|danke für ihre nachricht|wie kann ich ihnen helfen"
    "|wie kann ich dir helfen|was kann ich für sie tun|willkommen bei",
    "fr": "merci d'avoir contacté|merci de nous avoir contacté|comment puis-je vous aider|bienvenue chez"
    "|bienvenue sur",
    "es": "gracias por contactar|gracias por ponerse en contacto|bienvenido a|en qué puedo ayudarle"
    "|en qué puedo ayudarte|¿en qué puedo ayudarle|¿en qué puedo ayudarte|¿en qué puedo ayudar"
    "|¿cómo puedo ayudarle|cómo puedo ayudarle",
    "pt": "obrigado por entrar em contato|obrigado por contactar|obrigada por entrar em contato"
    "|como posso ajudar|como posso ajudá-lo|em que posso ajudar|bem-vindo ao|bem-vindo à",
    "it": "grazie per aver contattato|grazie per averci contattato|come posso aiutarla|come posso aiutarti"
    "|in cosa posso|benvenuto in",
    "nl": "bedankt voor uw bericht|bedankt voor het contact|hoe kan ik u helpen|waarmee kan ik u|welkom bij",
    "da": "tak fordi du kontakter|tak fordi du har kontaktet|tak for din henvendelse"
    "|hvordan kan jeg hjælpe|velkommen til",
    "pl": "dziękujemy za kontakt|dziękuję za kontakt|w czym mogę pomóc|jak mogę pomóc|witamy w",
    "ja": "お問い合わせありがとう|お問い合わせいただき|どのようなご用件|いかがなさいましたか|担当の",
}
"""What opens a helpdesk's own lines. A sentence that begins with one is left out, whatever follows."""

MAX_CHARS = 160
"""A longer line says something."""
_MAX_WORD_CHARS = 40
_SPACED_SCRIPTS_END = 0x3000

_JAPANESE_ADDRESS = re.compile(r"[^。、]{1,20}(?:様|さま|御中|さん)[、,。]?")
_OPENING = re.compile(r"(?:[ ,]+[\w'.-]+){0,3} *[,!.:\u2013-]+\s+|[、。\uff01!]\s*")
_UNMISTAKABLE = (
    "hi",
    "hello",
    "hey",
    "good morning",
    "good afternoon",
    "good evening",
    "good day",
    "bonjour",
    "hola",
)
_AFTER_UNMISTAKABLE = re.compile(
    r"(?: there(?! (?:is|are|was|were)\b))? +(?!(?:team|all|everyone|everybody|guys|folks)\b)"
    r"(?=(?:[a-z]|I\b)\S*(?: +\S+){3})"
)
_STATEMENT = (
    "i|i'm|we|my|our|can|could|do|does|is|are|was|has|have|how|what|when|where|why|the|it|you|your|no|not"
)


class Courtesy(Enum):
    """Kinds of polite phrases."""

    GREETING = auto()
    CLOSING = auto()
    """A signature follows it."""
    THANKS = auto()
    """A signature may follow it."""
    SET_PHRASE = auto()
    AGENT = auto()


_TABLES = {
    Courtesy.AGENT: AGENT_PHRASES,
    Courtesy.GREETING: GREETINGS,
    Courtesy.CLOSING: CLOSINGS,
    Courtesy.THANKS: THANKS,
    Courtesy.SET_PHRASE: SET_PHRASES,
}


def _first_word(text: str) -> str:
    return text[:_MAX_WORD_CHARS].partition(" ")[0].strip(",.!:;\u2026*_-").lower().replace("\u2019", "'")


def _phrases() -> Iterator[tuple[str, Courtesy]]:
    for kind, table in _TABLES.items():
        for phrase in "|".join(table.values()).split("|"):
            yield phrase, kind


_UNSPACED = tuple((phrase, kind) for phrase, kind in _phrases() if ord(phrase[0]) >= _SPACED_SCRIPTS_END)
_BY_FIRST_WORD: dict[str, list[tuple[str, Courtesy]]] = {}
for _phrase, _kind in sorted(_phrases(), key=lambda each: -len(each[0])):
    _BY_FIRST_WORD.setdefault(_first_word(_phrase), []).append((_phrase, _kind))


_CLOSED = re.compile(r"[^.!?]{0,30}[,!.]?")
_AFTER = {
    Courtesy.GREETING: re.compile(
        r"(?:[^.!?,]|\b[mdjh]\w{0,2}\.){0,45}[,!:]| from [^.!?,]{0,40}\.?"
        rf"|(?: +(?!(?:{_STATEMENT})\b)[^\s.!?,]+){{0,2}}(?: +[^\s.!?,]+)?\."
        rf"|(?: +(?!(?:{_STATEMENT})\b)[^\s.!?,]+){{0,2}}"
    ),
    Courtesy.CLOSING: _CLOSED,
    Courtesy.THANKS: _CLOSED,
    # a comma or a number: it goes on to say something
    Courtesy.SET_PHRASE: re.compile(r"[^,;\d.!?]{0,50}[.!?)]*"),
    Courtesy.AGENT: re.compile(r"[^.!?]*[.!?]*"),
}
"""What may follow a phrase."""


def courtesy(text: str) -> Courtesy | None:
    """What `text`, a line or sentence without blanks around it, is if it is polite and says nothing else."""
    if not text or len(text) > MAX_CHARS:
        return None
    if ord(text[0]) >= _SPACED_SCRIPTS_END:
        return _japanese(text)
    phrases = _BY_FIRST_WORD.get(_first_word(text))
    if phrases is None:
        return None
    lowered = _lowered(text)
    return next(
        (
            kind
            for phrase, kind in phrases
            if _begins(lowered, phrase) and _AFTER[kind].fullmatch(lowered, len(phrase))
        ),
        None,
    )


def end_of_greeting(sentence: str) -> int:
    """Where what is said begins, after a greeting such as "Hi there, "; 0 without one."""
    if ord(sentence[0]) >= _SPACED_SCRIPTS_END:
        found = next((phrase for phrase in _UNSPACED if sentence.startswith(phrase[0])), None)
        opening = found and found[1] is Courtesy.GREETING and _OPENING.match(sentence, len(found[0]))
        return opening.end() if opening else 0
    phrases = _BY_FIRST_WORD.get(_first_word(sentence))
    if phrases is None:
        return 0
    text = _lowered(sentence[:MAX_CHARS])
    for phrase, kind in phrases:
        if kind is Courtesy.GREETING and _begins(text, phrase):
            opening = _OPENING.match(text, len(phrase))
            if opening is None and phrase in _UNMISTAKABLE:
                opening = _AFTER_UNMISTAKABLE.match(sentence, len(phrase))
            return opening.end() if opening else 0
    return 0


def _begins(text: str, phrase: str) -> bool:
    return text.startswith(phrase) and not text[len(phrase) : len(phrase) + 1].isalnum()


def _japanese(text: str) -> Courtesy | None:
    found = next((kind for phrase, kind in _UNSPACED if text.startswith(phrase)), None)
    if found is None and _JAPANESE_ADDRESS.fullmatch(text):
        return Courtesy.GREETING
    return found


def _lowered(text: str) -> str:
    lowered = text.lower().replace("\u2019", "'")
    # "\u0130" alone becomes two characters: positions must hold
    return lowered if len(lowered) == len(text) else text
