"""What looks like a mail's parts and is the writer's own stays as it is."""

from __future__ import annotations

import pytest

from ticketmill.text.boilerplate import boilerplate_spans
from ticketmill.text.greetings import greeting_spans
from ticketmill.text.letter import letter_spans
from ticketmill.text.lines import blanked
from ticketmill.text.signatures import signature_spans

STAYS = [
    # journeys, forms and notes that look like headers
    "Wrong fare charged.\nFrom: Berlin Hbf\nTo: Paris Est\nI paid for the slow train.",
    "From: Berlin Hbf\nTo: Paris Est\nDate: 12.06.2025 10:11\nPlease refund the ticket.",
    "My booking is gone.\nFrom: Lisbon\nTo: Porto\nDate: Thu, 6 Feb 2025 16:20\nTwo persons.",
    "Von: Hamburg\nNach: Kiel\nDer Zug fiel aus.",
    "De: Lyon\nÀ: Nice\nLe train a été annulé.",
    "De: Sevilla\nA: Cádiz\nEl tren no salió.",
    "Da: Roma\nA: Bari\nIl treno è stato cancellato.",
    "Van: Gent\nNaar: Brussel\nDe trein reed niet.",
    "Od: poniedziałku\nDo: środy\nSystem nie działa.",
    "The label has two mistakes.\nTo: Marta Nowak\nFrom: our shop\nBoth names are swapped.",
    "Name: Jane Doe\nEmail: jane@example.com\nSubject: heating\nMessage: it stays cold",
    "From: Jane Doe\nEmail: jane@example.com\nMessage: the app closes at once",
    "Change the shift.\nFrom: 8:00\nTo: 16:00\nStarting next week.",
    "Translation is wrong.\nFrom: English\nTo: Polish\nOnly the menu is affected.",
    "Please forward the port.\nFrom: 10.0.0.4\nTo: 10.0.0.9\nThe rest can stay.",
    "Subject: is empty in every mail that your system sends.",
    "To: whom do I write about a complaint?",
    "Date: the field shows 1970 for all of our orders.",
    # sentences that look like attributions
    "On Monday your agent Tom wrote: it is on its way. It is not.",
    'On Monday your agent Tom wrote:\n"It is on its way."\nIt never came.',
    "On 5 March 2025 at 10:22 your agent wrote:\n“The money is back.”\nIt is not.",
    "On the form I wrote:\nthree adults, one child\nand you booked four adults.",
    "In my last mail I wrote: cancel it. Nobody did.",
    "Am Montag schrieb Ihr Kollege: kommt morgen. Es kam nichts.",
    "Am 05.03.2025 schrieb mir Ihr Kollege, dass das Gerät kommt:\nes kam nie an.",
    "Le 5 mars votre collègue a écrit : c'est parti. Rien n'est arrivé.",
    "El lunes su agente escribió: ya salió. No llegó nada.",
    "Em março o vosso colega escreveu: está resolvido. Não está.",
    "Il suo collega ha scritto: tutto risolto. Non è vero.",
    "Op maandag schreef uw collega: het komt morgen. Er kwam niets.",
    "Den 5. marts skrev jeres kollega: den er sendt. Den kom aldrig.",
    "W poniedziałek pracownik napisał: wysłane. Nic nie przyszło.",
    "The customer wrote:\nI want my money back\nand we do not know what to answer.",
    "On page 3 it says:\npayment within 30 days\nbut the invoice says 14.",
    # comparisons, prompts and what is shown
    "The page needs\n> 500 ms on every request\nsince the update.",
    "Sort order is wrong when the amount is\n> 10,000 and it was fine before.",
    "The app says:\n> Payment failed (error 51).\nand the money is gone all the same.",
    "I ran\n> npm install\nand it stopped with an error.",
    "This call fails:\n> PUT /v3/carts/17/lines\nwith status 500.",
    "Go to Settings > Billing > Invoices and press export: nothing happens.",
    "a -> b works, b -> a does not.",
    # dashes and rules
    "The steps:\n--\nopen the page\npress save\nI get a white screen",
    "What happens\n-----\nThe page is white.\n-----\nWhat should happen\nThe list.",
    "It costs 10 -- or 12? I cannot tell from your page.",
    "First:\n___________\nis where I have to sign, but the field is locked.",
    "-- Please note: I am away from Friday, so answer before.",
    "The forwarded message feature is broken, please repair it.",
    'Your "Original Message" button does nothing.',
    "Forwarded calls end after ten seconds.",
    # greetings that are none
    "Hello is the name of the app, it closes when I open the camera.",
    "Hi-fi speakers arrived with a broken cable.",
    "Dear is what the shipping has become: 40 euros for a book.",
    "Hola is the booking system that we use, and it is down.",
    "Good morning reports are missing since Tuesday.",
    "Salut is spelled wrong in the French menu.",
    "Hey Siri opens your app instead of mine since the update.",
    "Beste prijs staat er, maar ik betaalde meer.",
    "Liebe zum Detail fehlt: drei Tippfehler auf der Rechnung.",
    "Day passes are sold out in the app but not at the desk.",
    # closings that end nothing, and closings that are none
    "Regards to Tom as well. The printer works again, but the scanner does not.",
    "Best would be a refund. Second best a new one.",
    "Thanks for nothing, you lost my order",
    "Thanks for nothing",
    "Cheers to the team that broke the export again.",
    "Love the new app, hate the new price.",
    "Thank you very much for losing my parcel a third time.",
    "Sincerely hope that somebody reads this.",
    "Yours is the only shop that does not take cards.",
    "Best,\nworst and average are shown in the wrong order in the report.",
    "I sort by:\nBest\nNewest\nPrice\nand the list never changes.",
    "Mit freundlichen Grüßen steht unter jeder Absage, geholfen hat niemand.",
    "Cordialement, c'est ce que vous écrivez, mais personne ne répond.",
    "Saludos automáticos otra vez, sin ninguna respuesta.",
    "Att göra: the task list is empty since the update.",
    'Kind regards is cut off in our mail template, it reads "Kind reg".',
    # a signature that says something
    "The pump is off.\n--\nI am the only doctor on duty, call +00 555 0199 at any hour.",
    "Nobody answers.\n\n-- \nIf I hear nothing by noon I cancel my contract.",
    "We wait.\n--\nPlease call +00 555 0110, we need the code today.",
    "Please send the parts to:\n\nHolm Metal Works\nUnit 9, Example Park\n+00 555 0123",
    "Our new address:\nBrandt Metal Finishing\nUnit 9, Example Park\nTel. +00 555 0123",
    # devices
    "Sent from my iPhone it never arrives, sent from the computer it does.",
    "Sent from my phone app yesterday, the transfer is still pending.",
    "Get Outlook for iOS to sync with your calendar, that is what we need.",
    "Envoyé de mon iPhone, le message n'arrive jamais.",
    "Von meinem iPhone gesendete Bilder kommen nicht an.",
    # matters that disclaimers are about
    "This message is confidential, please do not show it to my manager.",
    "A colleague received a confidential payslip in error. Please delete it on your side and tell me who "
    "saw it.",
    "Your email says it is for the intended recipient only, but I am not the recipient. I got somebody's "
    "lab results.",
    "Every mail from you ends with this:\nThis e-mail is confidential and intended only for the "
    "addressee.\nPlease take it out.",
    '"This e-mail is confidential. If you are not the intended recipient, delete it." That was all I got.',
    "This message appears each time the admin tries to delete a user.",
    "This message was sent by mistake, please delete my first ticket.",
    "Confidential files are visible to everybody in the shared folder.",
    "The disclaimer at checkout overlaps the button.",
    "Disclaimer text on the invoice has a typo.",
    "The VAT number on the invoice is that of the old company.",
    "Please add our SIRET 000 000 000 to the invoice.",
    "Our company number must be shown: 4711.",
    "Registered office address on the contract is wrong, we moved in May.",
    "The unsubscribe link in your newsletter does nothing.",
    "How do I unsubscribe?",
    "Please unsubscribe me from everything.",
    "I want to unsubscribe, but the page is empty.",
    "The virus scanner blocks your installer, checked by our IT twice.",
    "The parcel was checked by customs and came back.",
    "Follow us is the only button that works on your page.",
    "The privacy policy link is broken.",
    "The views in the dashboard are empty.",
    # banners and ticket systems
    "External mail is rejected by our server since you changed it.",
    "Mails with attachments from outside the company are not delivered since Monday.",
    "Caution: the external door of the depot stands open.",
    "A phishing mail with your logo asks us to click a link. Is it yours?",
    "The warning about external senders is shown on internal mails as well.",
    "The status of my ticket is open since May, priority low. Why?",
    "Ticket machine no. 4 is out of order, case opened twice.",
    "I cannot type my reply above this line, where is the box?",
    "Your request form fails with an error.",
]


@pytest.mark.parametrize("text", STAYS)
def test_it_stays(text: str) -> None:
    assert letter_spans(text) == []


@pytest.mark.parametrize("text", STAYS)
def test_it_stays_between_a_greeting_and_a_signature(text: str) -> None:
    letter = f"Hi team,\n\n{text}\n\nKind regards,\nTom Ashby"
    found = blanked(letter, letter_spans(letter)).split()
    assert found == text.split() or found == letter.split()


BLANKS = [
    ("Hi, my card was stolen", "Hi,"),
    ("Hello Tom, where is my order?", "Hello Tom,"),
    ("Dear Sir or Madam,\nI moved.", "Dear Sir or Madam,"),
    ("Sehr geehrte Frau Dr. Holm,\nich bin umgezogen.", "Sehr geehrte Frau Dr. Holm,"),
    ("Bonjour à tous,\nje déménage.", "Bonjour à tous,"),
    ("Estimados señores:\nme mudo.", "Estimados señores:"),
    ("Gentile Signora Rossi,\nmi trasferisco.", "Gentile Signora Rossi,"),
    ("Geachte heer De Vries,\nik verhuis.", "Geachte heer De Vries,"),
    ("Kære Mette,\njeg flytter.", "Kære Mette,"),
    ("Szanowni Państwo,\nprzeprowadzam się.", "Szanowni Państwo,"),
    ("Prezada equipe,\nvou mudar.", "Prezada equipe,"),
    ("お世話になっております。\n引っ越します。", "お世話になっております。"),
]


@pytest.mark.parametrize(("text", "greeting"), BLANKS)
def test_only_the_greeting_is_blanked(text: str, greeting: str) -> None:
    (span,) = greeting_spans(text)
    assert text[span.start : span.end] == greeting


def test_a_closing_in_the_middle_of_a_text_ends_nothing() -> None:
    text = "Regards\nto your colleague.\nThe printer is off again.\nPlease send somebody today."
    assert signature_spans(text) == []


def test_a_disclaimer_in_the_same_paragraph_is_cut_alone() -> None:
    text = (
        "My invoice is wrong.\nThis e-mail is confidential and intended solely for the addressee. If you "
        "received it "
        "in error, delete it."
    )
    (span,) = boilerplate_spans(text)
    assert text[: span.start] == "My invoice is wrong.\n"
    assert span.end == len(text)
