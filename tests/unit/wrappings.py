"""What the tests wrap tickets in: other forms than training's, so that finding them proves something."""

from __future__ import annotations

from ticketmill.learning.wrapping import Pieces

PIECES_OF_TESTS = Pieces(
    disclaimers=(
        "NOTICE OF CONFIDENTIALITY: this transmission is intended for the use of the individual to whom "
        "it is addressed "
        "and may contain information that is privileged or confidential. If you are not the intended "
        "recipient, any "
        "dissemination, distribution or copying of this communication is strictly prohibited.",
        "The information in this email is confidential and may be legally privileged. Access to this "
        "email by anyone "
        "else than the addressee is unauthorised. {company} is registered in Ireland, company number "
        "{number}.",
        "This message contains confidential information and is intended only for {name}. If you are not "
        "{name} you "
        "should not disseminate, distribute or copy this e-mail. E-mail transmission cannot be "
        "guaranteed to be secure.",
        "Der Inhalt dieser E-Mail ist vertraulich und ausschließlich für den bezeichneten Adressaten "
        "bestimmt. Jede Form "
        "der Kenntnisnahme, Veröffentlichung, Vervielfältigung oder Weitergabe ist untersagt.",
        "Le contenu de ce courriel est confidentiel. Toute diffusion ou reproduction est interdite si "
        "vous n'en êtes "
        "pas le destinataire.",
        "Antes de imprimir este correo piense en el medio ambiente.\n\nLa información contenida en este "
        "mensaje es "
        "confidencial. Si no es usted el destinatario, queda prohibida su divulgación.",
        "Questo messaggio contiene informazioni riservate destinate al solo destinatario. Se lo avete "
        "ricevuto per "
        "errore vi preghiamo di cancellarlo.",
        "Dit bericht kan vertrouwelijke informatie bevatten. Bent u niet de geadresseerde, dan verzoeken "
        "wij u dit "
        "bericht te verwijderen.",
    ),
    banners=(
        "EXTERNAL EMAIL: Do not click any links or open any attachments unless you trust the sender.",
        "[This sender might be impersonating {company}. External mail: be careful with attachments.]",
        "CAUTION - EXTERNAL: this message came from outside. Report suspicious mail.",
        "Externe E-Mail: Bitte seien Sie vorsichtig mit Links und Anhängen.",
        "Vous n'obtenez pas souvent d'e-mail de {email}. Découvrez pourquoi c'est important",
        "*** Warning! This email was sent from outside {company}. Do not open attachments. ***",
        "ATENCIÓN: correo externo. No abra adjuntos de remitentes desconocidos.",
    ),
    signatures=(
        "With kind regards,\n{name}\nFacilities\n{company}\nPhone: {phone}",
        "Cheers,\n{name}",
        "Warm regards,\n{name}\n{company} | 12 Sample Road | Sampleton\nMobile {phone} | {email}",
        "--\n{name}, {company}\n{phone}",
        "Thank you,\n{name}\n\nGet Outlook for Android",
        "Sent from my Galaxy",
        "Viele Grüße\n{name}\nVertrieb\n{company}\nFon: {phone}",
        "Met vriendelijke groet,\n{name}\n{company}",
        "Med venlig hilsen\n{name}\n{company}\nTlf. {phone}",
        "Atenciosamente,\n{name}\n{company}",
    ),
    outlook_headers=(
        "From: {name}\nSent: Wednesday, 12 November 2025 08:15\nTo: Front Office\nSubject: RE: your message",
        "_____________________________________________\nFrom: {email}\nSent: {date}\nTo: "
        "{name}\nSubject: FW: {number}\n"
        "Importance: High",
        "Da: {name} <{email}>\nInviato: mercoledì 12 novembre 2025 08:15\nA: Ufficio\nOggetto: R: {number}",
        "Van: {name} <{email}>\nVerzonden: {date}\nAan: Kantoor\nOnderwerp: RE: {number}",
        "Fra: {name} <{email}>\nSendt: 12. november 2025 08:15\nTil: Kontor\nEmne: SV: {number}",
        "Od: {name} <{email}>\nWysłano: {date}\nDo: Biuro\nTemat: Odp: {number}",
        "-----Original Message-----\nFrom: {name}\nSent: {date}\nTo: Office\nSubject: RE: {number}",
    ),
    attributions=(
        "On Wed, Nov 12, 2025 at 8:15 AM {name} <{email}> wrote:",
        "On 12 November 2025 08:15:33 CET, {name} <{email}> wrote:",
        "Il giorno mer 12 nov 2025 alle ore 08:15 {name} <{email}> ha scritto:",
        "Op wo 12 nov 2025 om 08:15 schreef {name} <{email}>:",
        "Den ons. 12. nov. 2025 kl. 08.15 skrev {name} <{email}>:",
        "{name} <{email}> schrieb am Mi., 12. Nov. 2025, 08:15:",
        "W dniu 12.11.2025 o 08:15, {name} pisze:",
    ),
    quoted=(
        "Hello,\n\nwe have received the signed form and will change the contract today.\n\nRegards\n{name}",
        "Dear Sir,\n\nplease find our reminder {number} attached. We ask for payment within a "
        "week.\n\n{name}",
        "Hi,\n\nsomebody tried to sign in to your account from Riga. We have locked it.\n\nSecurity, "
        "{company}",
        "Good day,\n\nthe outage of this morning is over. We apologise for the trouble.\n\n{name}",
    ),
    forwards=(
        "See below, can you take care of it?\n\n-------- Forwarded Message --------\nSubject: matter "
        "{number}\n"
        "Date: Wed, 12 Nov 2025 08:15:33 +0100\nFrom: {name} <{email}>\nTo: office@example.com",
        "Forwarded for your information.\n\n---------- Forwarded message ----------\nFrom: {name}\nDate: "
        "12 Nov 2025",
        "Pour info, merci de traiter.\n\n---------- Message transféré ---------\nDe : {name} <{email}>\n"
        "Date: mer. 12 nov. 2025 à 08:15\nSubject: {number}\nTo: <bureau@example.com>",
        "Please handle, see mail below.\n\nFrom: {name} <{email}>\nSent: {date}\nTo: Office\nSubject: "
        "{number}",
    ),
    ticket_systems=(
        "--- Please type your answer above this line ---\n\n{text}",
        "{text}\n\n-----\nPlease reply above this line.\n\nYour case ({number}) was updated by "
        "{name}:\nWe look into it.",
        "{text}\n\nTicket no.: {number}\nStatus: pending\nAssigned to: {name}",
        "Your ticket [{number}] has been created.\n\n{text}",
        "{text}\n\n[ Ticket {number} | Status: open | Priority: normal ]",
    ),
    names=("Marit Dahlgren", "Paolo Venturi", "Grace Adeleke", "Stefan Kowal", "Yvonne Tremblay"),
    companies=(
        "Dahlgren Optik AB",
        "Venturi S.r.l.",
        "Westmoor College",
        "Kowal & Sons Ltd",
        "Tremblay Inc.",
    ),
)
