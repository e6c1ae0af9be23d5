"""Machine mail: what no person wrote, told by its headers where there are any, and by its text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ticketmill.domain.spans import AutomaticKind
from ticketmill.text.phrases import phrases

MAX_CHARS = 4000
"""Of the text: machines say at once what they are."""

MAX_OPENING_CHARS = 200
MIN_NEWSLETTER_WORDS = 15

# Cheap to look for: most tickets have none, and the patterns need not be tried.
_BOUNCE_HINTS = phrases(
    """mail program|mail system|smtp error|reporting-mta|final-recipient|diagnostic-code|transcript of session
not be delivered|n't be delivered|n't bring your|n't deliver your|delivery to|delivery has|<<< 5| 5.1.| 5.2.
no such user"""
)
_AWAY_HINTS = phrases(
    """out of office|out of the office|am away|be away|are away|on leave|al leave|sick leave|vacation
on holiday|am closed|are closed|is closed|office rests|nicht im|abwesend|im urlaub|außer haus|geschlossen
absent|en congé|fermé|fuera de la oficina|de vacaciones|ausente|fora do escritório|de férias|fuori ufficio
fuori sede|in ferie|assente|afwezig|niet aanwezig|vakantie|på ferie|holder ferie|på kontoret|fravær
poza biurem|na urlopie|nieobecn|不在|休暇"""
)
_NEWSLETTER_HINTS = phrases(
    """unsubscri|your browser|a browser|preferences|manage subscr|manage your|leave the list|leave this list
sign off at|our mailings|many digests|digest settings|mute thread|in this issue|abmelden|abbestellen
im browser|désabon|désinscri|navigateur|de baja|suscripción|navegador|inscrição|subscrição|descadastr
iscrizione|disiscri|nel browser|uitschrijven|afmeld|bekijk |frameld|i din browser|wypisz|subskrypcj
przeglądarce|配信停止|購読解除"""
)

_REPLY = re.compile(r"\s*(?:re|aw|antw|sv|odp|rif|res|ré)(?:\[\d+\])? ?: ", re.I)
_AUTO_REPLY_HEADERS = ("x-autoreply", "x-autorespond", "x-autoresponse")
_NO_REPLY = frozenset({"bulk", "junk", "list"})

_AWAY_SUBJECT = re.compile(
    r"\s*(?:(?:automatic reply|auto[- ]?repl(?:y|ied)|auto[- ]?response|autoresponder|out of (?:the )?office"
    r"|ooo|vacation reply)"
    r"(?= ?(?:[:(/–]|- |re:|aw:|$))"
    r"|(?:away|auto|abwesend|abwesenheit\w*|gone fishing)(?: ?/[^:]{1,20})?: |\[(?:away|auto|ooo"
    r"|out of office|abwesend)\]"
    r"|(?:automatische (?:antwort|abwesenheits\w+)|abwesenheitsnotiz|abwesenheitsmeldung|autoantwort"
    r"|réponse automatique|absente? du bureau|absence du bureau|message d'absence"
    r"|respuesta automática|fuera de (?:la )?oficina|resposta automática|fora do escritório"
    r"|ausência (?:temporária|do escritório)"
    r"|risposta automatica|fuori (?:sede|ufficio)|automatisch antwoord|afwezigheids\w+|afwezig|autosvar"
    r"|automatisk svar|fraværsbesked"
    r"|odpowiedź automatyczna|autoodpowiedź|automatyczna odpowiedź|nieobecność)(?= ?(?:[:(/–]|- |re:|aw:|$))"
    r"|自動応答|自動返信|不在)",
    re.I,
)
_AWAY_TEXT = re.compile(
    r"(?:i am|i'm|i’m|i will be|we are|our office (?:is|rests)"
    r"|the office is) (?:currently )?(?:out of (?:the )?office|away(?: from the office)?"
    r"|on (?:annual |parental |maternity |sick )?(?:leave|vacation|holiday)|closed)"
    r"|(?:ich bin|wir sind|unser büro ist) (?:derzeit |zurzeit |aktuell |momentan "
    r"|vom [^\n]{1,40})?(?:nicht im (?:büro|haus)|abwesend|im urlaub|außer haus"
    r"|geschlossen|bis [^\n]{1,40}(?:geschlossen|nicht im büro|abwesend|im urlaub))"
    r"|je suis (?:actuellement )?(?:absente?|en congés?)|(?:notre|nos) bureaux? (?:est|sont) fermés?"
    r"|(?:estoy|estaré) (?:fuera de la oficina|de vacaciones|ausente)|estou (?:fora do escritório|de férias"
    r"|ausente)"
    r"|sono (?:fuori (?:ufficio|sede)|in ferie|assente)|ik ben (?:momenteel )?(?:afwezig|niet aanwezig"
    r"|met vakantie|op vakantie)"
    r"|jeg (?:er|holder) (?:på ferie|ferie|ikke på kontoret|fraværende)|(?:jestem|przebywam) (?:poza biurem"
    r"|na urlopie|nieobecn)"
    r"|(?:不在|休暇)(?:に|と|中)",
    re.I,
)
_AWAY_RULES = re.compile(
    r"(?:for|in) urgent (?:matters|cases|issues|breakdowns|enquiries|inquiries)|in (?:urgent|pressing) cases"
    r"|your (?:e-?mail|mail|message) (?:will|has|is)"
    r"|(?:no|limited|without) access to (?:my )?(?:e-?mail|mails)|until my return|upon my return"
    r"|when i return|i(?:'ll| will) be back on"
    r"|thank you for your (?:e-?mail|mail|message)|will (?:not )?be (?:read|forwarded|passed on)"
    r"|in dringenden (?:fällen|angelegenheiten)|ihre (?:e-?mail|mail|nachricht) wird"
    r"|vielen dank für ihre (?:e-?mail|nachricht|mail)|wieder (?:erreichbar|im büro)"
    r"|en cas d'urgence|à mon retour|merci (?:de|pour) votre (?:message|e-?mail|courriel)"
    r"|en caso de urgencia|a mi regreso|gracias por (?:su|tu) (?:mensaje|correo)|em caso de urgência"
    r"|no meu retorno|obrigad[oa] pel"
    r"|per (?:urgenze|questioni urgenti)|al mio ritorno|grazie per (?:la tua|il tuo|la sua|il suo)"
    r"|(?:voor|in) dringende (?:zaken|gevallen)|bedankt voor (?:uw|je) (?:bericht|e-?mail)"
    r"|i hastetilfælde|ved (?:hastende|presserende)|tak for din (?:mail|besked|e-mail)|w pilnych sprawach"
    r"|dziękuję za (?:wiadomość|e-?mail|kontakt)"
    r"|お急ぎの(?:場合|方)",
    re.I,
)

_BOUNCE_SUBJECT = re.compile(
    r"\s*(?:undeliverable: |undelivered mail returned|delivery status notification"
    r"|mail delivery (?:failed|failure|subsystem|system)"
    r"|failure notice$|returned mail: |(?:message|mail) (?:undeliverable|delivery failed)"
    r"|non[- ]?delivery (?:report|notification)"
    r"|unzustellbar: |unzustellbare (?:nachricht|mail)|nachricht nicht zugestellt|non remis[ ]?: "
    r"|échec de (?:la )?remise"
    r"|message non distribué|no se puede entregar: |mensaje no entregado|não é possível entregar: "
    r"|mensagem não entregue"
    r"|non recapitabile: |messaggio non recapitato|niet te bezorgen: |bericht niet bezorgd"
    r"|kan ikke leveres: |besked ikke leveret"
    r"|nie można dostarczyć: |niedostarczona wiadomość|配信不能|配信失敗|送信エラー)",
    re.I,
)
# so do people who wait for a parcel write
_PERHAPS_BOUNCE_SUBJECT = re.compile(
    r"\s*(?:undeliver(?:ed|able)|delivery (?:has )?(?:failed|failure|delayed|problem)|rejected: |returned"
    r"|zustell(?:ung|fehler)"
    r"|nicht zustellbar|échec de la distribution|no entregado|error de entrega|não entregue|falha na entrega"
    r"|mancato recapito|recapito non riuscito|onbestelbaar|niet bezorgd|ikke leveret|uleverlig|niedostarczon"
    r"|配達不能)",
    re.I,
)
_BOUNCE_TEXT = re.compile(
    r"this is the mail (?:system|program)|mail (?:system|program) at (?:host )?[\w.-]+|reporting-mta:"
    r"|final-recipient:|diagnostic-code:"
    r"|(?:message|mail) could(?: not|n't) be delivered|couldn't (?:bring|deliver) your message"
    r"|delivery (?:to|has) [^\n]{0,60}(?:failed|delayed)|transcript of session follows|smtp error|<<< 5\d\d "
    r"|\b5\d\d[ -]5\.\d\.\d|no such user here",
    re.I,
)

_READ_SUBJECT = re.compile(
    r"\s*(?:(?:not )?read: |read receipt|gelesen: |(?:ungelesen )?gelöscht: |lesebestätigung|lu ?: "
    r"|accusé de lecture|leído: |confirmación de lectura|lida: |lido: "
    r"|confirmação de leitura|letto: |conferma di lettura|gelezen: |leesbevestiging|læst: "
    r"|kvittering for læsning|przeczytano: |potwierdzenie przeczytania"
    r"|開封済み|開封確認)",
    re.I,
)
_READ_TEXT = re.compile(
    r"was (?:read|opened) (?:on|at)|has been read (?:on|at)|deleted without being read|this is a (?:return"
    r"|read) receipt|receipt does(?:n't| not) mean"
    r"|wurde (?:am|um) [^\n]{4,40} (?:gelesen|geöffnet)|ungelesen gelöscht|opened: +\d|a été lu le|fue leído"
    r"|se ha leído|foi lida? (?:em|no)"
    r"|è stato letto|is gelezen op|blev læst|wiadomość (?:została )?przeczytan|開封されました",
    re.I,
)

_CALENDAR = re.compile(
    r"\s*(?:(?:accepted|declined|tentative(?:ly accepted)?|cancel(?:l)?ed|updated invitation|invitation"
    r"|new time proposed)(?: event)?: "
    r"|(?:zugesagt|abgelehnt|mit vorbehalt|abgesagt|termineinladung|einladung): |(?:accepté|refusé|annulé"
    r"|invitation)[ ]?: |(?:aceptad[oa]|rechazad[oa]|cancelad[oa]|invitación): "
    r"|(?:aceit[oa]|recusad[oa]|cancelado|convite): |(?:accettat[oa]|rifiutat[oa]|annullat[oa]|invito): "
    r"|(?:geaccepteerd|afgewezen|geannuleerd|uitnodiging): "
    r"|(?:accepteret|afvist|aflyst|indkaldelse): |(?:zaakceptowan[oe]|odrzucon[oe]|odwołan[oe]"
    r"|zaproszenie): |(?:承諾|辞退|キャンセル)[:：])",
    re.I,
)
_CALENDAR_TEXT = re.compile(
    r"BEGIN:VCALENDAR|METHOD:(?:REPLY|REQUEST|CANCEL)|has (?:accepted|declined|tentatively accepted) (?:this"
    r"|your|the) (?:invitation|event|meeting)"
    r"|invited to (?:the following|this) event|this event (?:has been|was) (?:changed|cancel|called off"
    r"|updated)|^when: |going\?",
    re.I | re.M,
)
_NOTIFICATION = re.compile(
    r"\s*(?:\[auto\] |this is an automat|(?:this|the) (?:notice|message|e-?mail|mail) (?:was"
    r"|is) (?:made by a machine|automatically|auto-?generated|generated automatically|sent automatically)"
    r"|(?:made by (?:a )?machine)|machines can't read replies|diese (?:e-?mail|nachricht) (?:wurde"
    r"|ist) automatisch"
    r"|ce (?:message|courriel|mail) (?:a été|est) (?:envoyé|généré) automatiquement|este (?:mensaje"
    r"|correo) (?:ha sido|fue|es) (?:generado|enviado) automáticamente"
    r"|esta (?:mensagem|e-?mail) (?:foi|é) (?:gerad|enviad)[oa] automaticamente"
    r"|questo messaggio è stato generato automaticamente"
    r"|dit (?:bericht|is een automatisch)[^\n]{0,30}automatisch|denne (?:mail|besked) er (?:automatisk"
    r"|sendt automatisk)"
    r"|(?:ta )?wiadomość (?:została )?wygenerowana automatycznie|このメールは(?:自動|システム))",
    re.I,
)

_UNSUBSCRIBE = re.compile(
    r"unsubscribe|manage (?:your )?(?:preferences|subscription)|leave (?:the|this) list|view (?:this"
    r"|it) (?:e-?mail )?in (?:your|a) browser|sign off at the foot"
    r"|don't want our mailings|too many digests|change digest settings|mute thread|in this issue"
    r"|newsletter (?:abbestellen|abmelden)|abmelden|im browser (?:ansehen|anzeigen|öffnen)|se désabonner"
    r"|se désinscrire|désabonnez|voir (?:ce message )?dans (?:le|votre) navigateur"
    r"|darse de baja|cancelar (?:la )?suscripción|ver en (?:el|tu) navegador|cancelar (?:a )?(?:inscrição"
    r"|subscrição)|descadastrar|ver no navegador"
    r"|cancella(?:re|ti)? (?:la )?(?:tua )?iscrizione|annulla iscrizione|disiscri|visualizza nel browser"
    r"|uitschrijven|afmelden voor|bekijk (?:in|deze)[^\n]{0,20}browser"
    r"|afmeld|frameld|se (?:mailen|nyhedsbrevet) i (?:din )?browser|wypisz się|zrezygnuj z subskrypcji"
    r"|anuluj subskrypcję|zobacz w przeglądarce|配信停止|購読解除",
    re.I,
)
_DIGEST = re.compile(
    r"\s*(?:(?:your )?(?:weekly|daily|monthly) (?:digest|summary|update)\b|\[[^\]\n]{1,40}\] \d+ new posts"
    r"|newsletter\b"
    r"|[^\n]{0,60}\b(?:newsletter|rundbrief|bulletin|nyhedsbrev|nieuwsbrief|メールマガジン)\b[^\n]{0,20}(?:\d|#"
    r"|n[or°]\.?|issue|ausgabe)"
    r"|[^\n]{0,80}\b(?:issue|no\.|ausgabe|nr\.|n°) ?\d{1,4}\b)",
    re.I,
)
# somebody speaks of themselves and asks for something
_REQUEST = re.compile(
    r"\b(?:i|i'm|i've|i'd|my|me)\b|\?|\bplease (?!do not|don't|note|find|see|rate|visit|click|consider)"
    r"|\b(?:ich|mein\w*|mir|mich|je|j'ai|mon|ma|mes|yo|mi|mis|eu|meu|minha|io|mio|mia|ik|mijn|jeg|min|mit|ja"
    r"|mój|moja|moje)\b|ください",
    re.I,
)
_ASKS = re.compile(
    r"\b(?:please (?!wait|contact|call|write|use|ring|dial|refer|do not|don't|note|note|send (?:it|them"
    r"|all))|pls|kindly|could you|can you|would you|can i|could i|i (?:need|want|would like|can't|cannot"
    r"|have not|haven't|didn't)|refund|cancel my"
    r"|bitte (?!beachten|wenden)|könn(?:en|ten) sie|ich (?:möchte|brauche|kann|habe)|s'il vous pla[iî]t"
    r"|merci de (?!votre)|pouvez-vous|je (?:voudrais|souhaite|ne peux)"
    r"|por favor|puede(?:n)?|necesito|quiero|no puedo|poderia|preciso|quero|não consigo|per favore|potete"
    r"|vorrei|non riesco|alstublieft|kunt u|ik (?:wil|kan)"
    r"|venligst|kan i|jeg (?:vil|kan)|proszę|czy (?:mogę|możecie)|nie mogę|potrzebuję)\b|お願い|ください",
    re.I,
)


def automatic_kind(subject: str, body: str, headers: Mapping[str, str] | None = None) -> AutomaticKind | None:
    """The kind of machine that wrote a mail; None for a person, and wherever it could be one.

    `headers` are the mail's own, by lower-case name.
    """
    body = body[:MAX_CHARS]
    said = _by_headers(headers, subject, body) if headers else None
    return said or _by_text(subject[:MAX_CHARS], body)


def _by_headers(headers: Mapping[str, str], subject: str, body: str) -> AutomaticKind | None:
    content_type = headers.get("content-type", "").lower()
    if "x-failed-recipients" in headers or "report-type=delivery-status" in content_type:
        return AutomaticKind.BOUNCE
    if "disposition-notification" in content_type:
        return AutomaticKind.READ_RECEIPT
    if content_type.startswith("multipart/report"):
        return AutomaticKind.BOUNCE
    submitted = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    if submitted == "auto-replied" or any(name in headers for name in _AUTO_REPLY_HEADERS):
        return _by_text(subject, body) or AutomaticKind.OUT_OF_OFFICE
    if submitted != "no":
        return _by_text(subject, body) or AutomaticKind.NOTIFICATION
    bulk = headers.get("precedence", "").strip().lower() in _NO_REPLY
    if "list-unsubscribe" in headers and (bulk or not _ASKS.search(body)):
        return AutomaticKind.NEWSLETTER
    return None


def _by_text(subject: str, body: str) -> AutomaticKind | None:
    if _BOUNCE_SUBJECT.match(subject) and (_BOUNCE_TEXT.search(body) or not _ASKS.search(body)):
        return AutomaticKind.BOUNCE
    if _PERHAPS_BOUNCE_SUBJECT.match(subject) and _BOUNCE_TEXT.search(body) and not _ASKS.search(body):
        return AutomaticKind.BOUNCE
    if _READ_SUBJECT.match(subject) and (_READ_TEXT.search(body) or not body.strip()):
        return AutomaticKind.READ_RECEIPT
    if _AWAY_SUBJECT.match(subject):
        return _kind_of_reply(body)
    if _CALENDAR.match(subject) and (_CALENDAR_TEXT.search(body) or not body.strip()):
        return AutomaticKind.NOTIFICATION
    return _by_body(subject, body)


def _by_body(subject: str, body: str) -> AutomaticKind | None:
    if body.startswith("BEGIN:VCALENDAR"):
        return AutomaticKind.NOTIFICATION
    lower = body.lower()
    if any(map(lower.__contains__, _BOUNCE_HINTS)) and _is_bounce(body):
        return AutomaticKind.BOUNCE
    if any(map(lower.__contains__, _AWAY_HINTS)) and _AWAY_TEXT.search(body):
        return (
            AutomaticKind.OUT_OF_OFFICE if _AWAY_RULES.search(body) and not _asks_for_itself(body) else None
        )
    if _REPLY.match(subject):
        return None
    if any(map(lower.__contains__, _NEWSLETTER_HINTS)) and _is_newsletter(subject, body):
        return AutomaticKind.NEWSLETTER
    says_so = "auto" in lower or "machine" in lower or "システム" in lower or "自動" in lower
    if says_so and _NOTIFICATION.search(body) and not _REQUEST.search(_NOTIFICATION.sub("", body)):
        return AutomaticKind.NOTIFICATION
    return None


def _is_bounce(body: str) -> bool:
    found = list(_BOUNCE_TEXT.finditer(body))
    return len(found) >= 2 and found[0].start() < MAX_OPENING_CHARS and not _ASKS.search(body)


def _is_newsletter(subject: str, body: str) -> bool:
    """Whether a list's footer ends a longer text in which nobody asks for something for themselves."""
    if len(body.split()) < MIN_NEWSLETTER_WORDS:
        return False
    found = list(_UNSUBSCRIBE.finditer(body))
    if not found or (found[-1].start() < len(body) / 2 and found[0].start() > MAX_OPENING_CHARS):
        return False
    return _DIGEST.match(subject) is not None or not _REQUEST.search(_UNSUBSCRIBE.sub("", body))


def _kind_of_reply(body: str) -> AutomaticKind | None:
    """The kind under an automatic subject line; None if a person wrote below it."""
    away = _AWAY_TEXT.search(body) is not None
    if not away and _NOTIFICATION.search(body):
        return AutomaticKind.NOTIFICATION
    if not away and not _AWAY_RULES.search(body) and _asks_for_itself(body):
        return None
    return AutomaticKind.OUT_OF_OFFICE


def _asks_for_itself(body: str) -> bool:
    return _ASKS.search(_AWAY_RULES.sub("", body)) is not None
