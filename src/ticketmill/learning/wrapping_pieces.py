"""What `wrapping` wraps tickets in: disclaimers, banners, signatures, headers and earlier mails."""

from __future__ import annotations

SHARE_OF_ANSWERS_BELOW = 0.2

NAMES = (
    "Dana Whitlock",
    "Ruben Castellan",
    "Ingrid Solberg",
    "Tomasz Wieczorek",
    "Amara Nwachukwu",
    "Helge Brandner",
    "Celine Moreau",
    "Kenji Arakawa",
    "Lucia Ferrando",
    "Owen Pritchard",
)
COMPANIES = (
    "Larkfield Instruments Ltd",
    "Brandner Werkzeuge GmbH",
    "Moreau & Fils SARL",
    "Castellan Logistica S.L.",
    "Solberg Marine AS",
    "Harrow Street Dental",
    "Northgate Foods Inc.",
    "Quayside Community Trust",
)

DISCLAIMERS = (
    "This e-mail and any attachments are confidential and intended solely for the addressee. If you have "
    "received "
    "it in error, please notify the sender and delete it. Any unauthorised copying or disclosure is "
    "prohibited.",
    "CONFIDENTIALITY NOTICE: The information contained in this message may be legally privileged. If you "
    "are not "
    "the intended recipient you must not use, copy or distribute it.",
    "The contents of this email are confidential to the intended recipient. They may not be disclosed to "
    "or used "
    "by anyone other than the addressee, nor copied in any way. Although this message has been scanned "
    "for viruses, "
    "{company} accepts no liability for any damage caused by malware.",
    "This message is for the named person's use only. It may contain confidential, proprietary or legally "
    "privileged information.\nIf you receive this message in error, please immediately delete it and all "
    "copies of "
    "it from your system,\ndestroy any hard copies of it and notify the sender.",
    "DISCLAIMER: Views expressed are those of the author and not of {company}. This email is intended "
    "only for the "
    "person to whom it is addressed. Unauthorised use is prohibited.\nRegistered in England and Wales "
    "no. {number}. "
    "Registered office: 4 Sample Street, Sampleton.",
    "Please consider the environment before printing this e-mail.\n\nThis communication is intended for "
    "the "
    "addressee only; if you are not the addressee, please notify us and destroy it.",
    "Diese E-Mail enthält vertrauliche Informationen und ist nur für den Adressaten bestimmt. Wenn Sie sie "
    "irrtümlich erhalten haben, informieren Sie bitte den Absender und löschen Sie diese E-Mail.",
    "Ce message et ses pièces jointes sont confidentiels et destinés exclusivement à leurs "
    "destinataires. Si vous "
    "l'avez reçu par erreur, merci d'avertir l'expéditeur et de le supprimer.",
    "Este mensaje es confidencial y va dirigido únicamente a su destinatario. Si lo ha recibido por "
    "error, le "
    "rogamos que lo elimine y nos lo notifique.",
    "***\nThis email (including attachments) is privileged and confidential. It is meant for the "
    "intended recipient "
    "only.\nUnauthorised access, disclosure or copying may be unlawful.\n***",
)

BANNERS = (
    "CAUTION: This email originated from outside of the organization. Do not click links or open "
    "attachments unless "
    "you recognize the sender and know the content is safe.",
    "[EXTERNAL EMAIL] Think before you click links or open attachments.",
    "*** EXTERNAL MAIL - be careful with links and attachments ***",
    "You don't often get email from {email}. Learn why this is important",
    "WARNING: This message came from an external sender. Verify the sender before opening attachments.",
    "ACHTUNG: Diese E-Mail kommt von einem externen Absender. Öffnen Sie keine Anhänge und Links, wenn "
    "Sie den "
    "Absender nicht kennen.",
    "ATTENTION : ce courriel provient de l'extérieur. Ne cliquez pas sur les liens et n'ouvrez pas les "
    "pièces "
    "jointes sans connaître l'expéditeur.",
    "This Message Is From an External Sender\nThis message came from outside your organization.",
    "----- This e-mail was sent by somebody outside {company}. Links in it may be harmful. -----",
)

SIGNATURES = (
    "Kind regards,\n{name}\nOperations Manager\n{company}\nTel. {phone}\n{email}",
    "Best,\n{name}",
    "Best regards\n\n{name} | Purchasing | {company}\nT {phone} | www.example.com",
    "-- \n{name}\n{company}\nOffice hours Mon-Fri 9-17",
    "Thanks,\n{name}\n\nSent from my iPhone",
    "Many thanks and best wishes,\n{name}\nHead of Finance, {company}",
    "Mit freundlichen Grüßen\n{name}\n\n{company}\nMusterstraße 1\n00000 Musterstadt\nTelefon {phone}",
    "Cordialement,\n{name}\nService comptabilité\n{company}",
    "Saludos,\n{name}\n{company}\nTel: {phone}",
    "Yours sincerely\n{name}\n--\n{company}\nFollow us on LinkedIn\n{email}",
    "Get Outlook for iOS",
    "Regards,\n{name}\nIT Administrator\n{company}\nM: {phone}\nE: {email}\nW: www.example.com",
)

OUTLOOK_HEADERS = (
    "From: {name} <{email}>\nSent: {date}\nTo: Support <support@example.com>\nSubject: RE: Your request "
    "{number}",
    "________________________________\nFrom: {name}\nSent: Tuesday, 4 March 2025 10:12\nTo: Service Desk\n"
    "Cc: {company}\nSubject: RE: Ticket {number}",
    "-----Original Message-----\nFrom: {name} [mailto:{email}]\nSent: {date}\nTo: Helpdesk\nSubject: "
    "Case {number}",
    "Von: {name} <{email}>\nGesendet: {date}\nAn: Support\nBetreff: AW: Ihre Anfrage {number}",
    "De : {name} <{email}>\nEnvoyé : mardi 4 mars 2025 10:12\nÀ : Support\nObjet : RE: Demande {number}",
    "De: {name} <{email}>\nEnviado: {date}\nPara: Soporte\nAsunto: RE: Consulta {number}",
    "*From:* {name} <{email}>\n*Sent:* {date}\n*To:* Support\n*Subject:* Re: {number}",
)

ATTRIBUTIONS = (
    "On Tue, 4 Mar 2025 at 10:12, {name} <{email}> wrote:",
    "On Mar 4, 2025, at 10:12 AM, {name} <{email}> wrote:",
    "On Tue, 4 Mar 2025 at 10:12, {name}\n<{email}> wrote:",
    "On 04/03/2025 10:12, {name} wrote:",
    "Am Di., 4. März 2025 um 10:12 Uhr schrieb {name} <{email}>:",
    "Le mar. 4 mars 2025 à 10:12, {name} <{email}> a écrit :",
    "El mar, 4 mar 2025 a las 10:12, {name} (<{email}>) escribió:",
)

QUOTED = (
    "Hello,\n\nthank you for your message. We have opened a case for you and will answer within two "
    "working days.\n\n"
    "Kind regards\n{name}\nSupport",
    "Hi,\n\nyour invoice {number} is attached. Payment is due within 30 days.\n\nBest regards\n{name}",
    "Dear customer,\n\nthe maintenance of last night is finished. All systems are up again.\n\n{name}, "
    "operations",
    "Hello,\nwe noticed a sign-in from a new device. If this was you, there is nothing to do.\nThe "
    "security team",
    "Hi there,\n\nhow satisfied were you with our answer? Rate us from 1 to 5.\n\nThank you\n{company}",
    "Good morning,\n\nyour password was reset as you asked. The link is valid for 30 minutes.\n\n{name}",
    "Dear all,\n\nplease find the minutes of our call attached. Next call on Thursday.\n\nRegards\n{name}",
)

FORWARDS = (
    "Please see below.\n\n---------- Forwarded message ---------\nFrom: {name} <{email}>\n"
    "Date: Tue, 4 Mar 2025 at 10:12\nSubject: request {number}\nTo: <office@example.com>",
    "FYI, can you help with this?\n\nBegin forwarded message:\n\nFrom: {name} <{email}>\nSubject: "
    "request {number}\n"
    "Date: 4 March 2025 at 10:12:33\nTo: office@example.com",
    "See mail below, please handle.\n\n________________________________\nFrom: {name} <{email}>\nSent: "
    "{date}\n"
    "To: Office\nSubject: request {number}",
    "Siehe unten, bitte bearbeiten.\n\n-------- Weitergeleitete Nachricht --------\nBetreff: Anfrage "
    "{number}\n"
    "Datum: Tue, 4 Mar 2025 10:12:33 +0100\nVon: {name} <{email}>\nAn: office@example.com",
    "Forwarding this to you.\n\n-----Original Message-----\nFrom: {name}\nSent: {date}\nTo: Office\n"
    "Subject: request {number}",
)

TICKET_SYSTEMS = (
    "##- Please type your reply above this line -##\n\n{text}",
    "{text}\n\n##- Please type your reply above this line -##\n\nYour request ({number}) has been "
    "updated. To add "
    "additional comments, reply to this email.\n\n{name}, Support\nWe are looking into it.",
    "{text}\n\n--\nTicket ID: {number}\nStatus: Open\nDepartment: Support\nPriority: Medium",
    "{text}\n\nThis email is a service from {company}. Delivered by Zendesk",
    "Your request ({number}) has been received and is being reviewed by our support staff.\n\n{text}",
    "--- Please reply above this line ---\n\n{text}",
    "{text}\n\n-----------------------------\nTicket {number} | Queue: Support | Status: open",
)
