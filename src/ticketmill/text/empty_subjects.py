"""Subjects without what mail programs and forms put in, and those that then say nothing."""

from __future__ import annotations

import re

EMPTY_WORDS = {
    "en": "a an the my your our this that i have for from of on in to with about via by at and or re it is"
    " please pls question questions help request requests support ticket tickets problem problems issue"
    " issues inquiry enquiry inquiries enquiries contact form submission submitted received new message"
    " messages website web site online urgent important hi hello hey dear team feedback mail email e-mail"
    " no subject none untitled test customer service query case order number id ref reference invoice"
    " incident info information asap attention required matter regarding concerning quick need needed some"
    " general other misc miscellaneous update follow up reply response chat conversation entry us visitor"
    " user client transcript",
    "de": "anfrage frage fragen hilfe problem probleme nachricht neue neuer neues kontaktformular kontakt"
    " formular bestellung auftrag rechnung dringend wichtig betreff ohne kein kundenservice kundendienst"
    " support ticket vorgang meldung mitteilung eine ein einer die der das von über webseite website"
    " nummer zu zur zum ihre ihrer meine meiner anliegen störung bitte eilt hallo antwort rückfrage",
    "fr": "question questions aide demande problème message nouveau nouvelle formulaire de contact"
    " commande facture urgent important sans objet bonjour support ticket depuis du le la les votre ma mon"
    " une un site renseignement renseignements assistance d",
    "es": "pregunta preguntas consulta ayuda solicitud problema mensaje nuevo nueva formulario contacto"
    " pedido factura urgente importante sin asunto hola soporte del el la los las mi su desde sitio web"
    " duda incidencia reclamación",
    "pt": "pergunta dúvida duvida ajuda pedido solicitação problema mensagem novo nova formulário contato"
    " contacto encomenda fatura urgente importante sem assunto olá suporte do da o os as meu minha site",
    "it": "di domanda aiuto richiesta problema messaggio nuovo nuova modulo contatto contatti ordine fattura"
    " urgente importante nessun oggetto senza ciao buongiorno assistenza supporto dal sito il lo la gli un"
    " una informazioni",
    "nl": "vraag vragen hulp verzoek probleem bericht nieuw nieuwe contactformulier bestelling factuur"
    " dringend belangrijk geen onderwerp hallo klantenservice van via het een mijn uw over website",
    "da": "spørgsmål hjælp anmodning problem besked ny nyt kontaktformular ordre faktura haster vigtigt"
    " intet emne hej henvendelse kundeservice fra til et en min",
    "pl": "pytanie pomoc prośba problem wiadomość nowa nowe formularz kontaktowy zamówienie faktura pilne"
    " ważne brak bez tematu dzień dobry zgłoszenie zapytanie ze z do od na strony w sprawie nr",
    "ja": "お問い合わせ お問合せ 質問 ご質問 問い合わせ 件名なし 無題 至急 緊急 相談"
    " ご相談 連絡 ご連絡 お願い ヘルプ",
}
"""A subject of these words, numbers and ids alone says nothing."""

FORM_SUBJECTS = {
    "en": r"(?:(?:you have |you've )?(?:a )?(?:new|got) )?"
    r"(?:message|enquiry|inquiry|submission|contact form|form submission|voicemail"
    r"|support request|contact request|web(?:site)? (?:form|request|enquiry|inquiry)|ticket"
    r"|request|e-?mail|question|chat|conversation|transcript)"
    r"(?: (?:submission|message|request|received))? (?:from|via|by|through|with|received from)\b",
    "de": r"(?:neue )?(?:nachricht|anfrage|kontaktanfrage) (?:von|über|vom)\b",
    "fr": r"(?:nouveau |nouvelle )?(?:message|demande) (?:de|depuis)\b",
    "es": r"(?:nuevo |nueva )?(?:mensaje|consulta) (?:de|desde)\b",
    "pt": r"nova mensagem (?:de|do|da)\b",
    "it": r"nuovo messaggio (?:da|dal)\b",
    "nl": r"nieuw bericht (?:van|via)\b",
    "da": r"ny besked fra\b",
    "pl": r"nowa wiadomość (?:od|z|ze)\b",
    "ja": r".{1,30}からの(?:メッセージ|お問い合わせ)",
}
"""How a form, a mailbox or a chat begins the subject of what it passes on. The sender's name follows."""

_PREFIX = re.compile(
    r"(?:\s*(?:(?:re|fwd?|fw|aw|wg|tr|rv|res|enc|sv|vs|vb|odp|pd|r|i|rif|antw|doorst|fs|返信|転送)\s?(?:\[\d+\])?"
    r"\s?[:\uff1a]"
    r"|\[(?:ext|external|extern|externe|caution|spam\??|suspected spam|[\w .-]{0,20}#?\d[\w-]*)\][:\s]*"
    r"|(?:ticket|case|request|incident|vorgang)\s?(?:id|no\.?|nr\.?)?\s?[#:]\s?[\w-]*\d[\w-]*\s?[-:\u2013]?\s))+\s*",
    re.IGNORECASE,
)
_FROM_A_FORM = re.compile(rf"\s*(?:{'|'.join(FORM_SUBJECTS.values())})", re.IGNORECASE)
_WORD = re.compile(r"[^\W_](?:[\w'\u2019-]*\w)?")
_EMPTY = frozenset(" ".join(EMPTY_WORDS.values()).split())
MAX_CHARS = 200
"""A longer subject says something."""


def start_of_subject(subject: str) -> int:
    """Where a subject begins after "Re:", "Fwd:", "[EXT]" and the number of its ticket."""
    found = _PREFIX.match(subject)
    return found.end() if found else 0


def says_nothing(subject: str) -> bool:
    """Whether `subject` is empty, or one that any ticket could have: "Re: Ticket 123", "Question"."""
    if len(subject) > MAX_CHARS:
        return False
    rest = subject[start_of_subject(subject) :]
    if _FROM_A_FORM.match(rest):
        return True
    return all(_is_empty(word) for word in _WORD.findall(rest.lower()))


def _is_empty(word: str) -> bool:
    return word in _EMPTY or any(character.isdigit() for character in word)
