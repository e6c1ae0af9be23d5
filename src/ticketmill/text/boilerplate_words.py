"""The words of disclaimers, footers and banners in the ten languages, all in lower case.

A single one proves nothing: people write about confidential matters, errors and viruses. Words of several
kinds together make a disclaimer. See `boilerplate`.
"""

from __future__ import annotations

from ticketmill.text.phrases import phrases

MESSAGE = phrases(
    """this e-mail|this email|this message|this mail|this communication|this transmission
this electronic|these e-mails|e-mail and any|email and any|the contents of this|messages by e-mail
electronic mail|internet mail|diese e-mail|dieser e-mail|diese mail|dieser mail|diese nachricht
dieser nachricht|diese email|dieser email|dieses e-mail|diese mitteilung|e-mail-nachricht|ce message
ce courriel|cet e-mail|cet email|ce mail|présent message|présent courriel|presente e-mail
presente mensaje|este correo|este mensaje|este e-mail|este email|esta comunicación|esta mensagem
esta mensaje|presente mensagem|questo messaggio|questa e-mail|questa email|questa mail
questa comunicazione|presente messaggio|presente comunicazione|dit bericht|deze e-mail|deze email
dit e-mail|deze mail|denne e-mail|denne mail|denne meddelelse|denne besked|ta wiadomość|tę wiadomość
tej wiadomości|niniejsz|このメール|本メール|この電子メール|本電子メール|このメッセージ|本メッセージ"""
)
CONFIDENTIAL = phrases(
    """confidential|privileged|legal privilege|proprietary information|vertraulich|confidentiel
confidencia|riservat|confidenzial|vertrouwelijk|fortrolig|poufn|機密|秘密情報"""
)
RECIPIENT = phrases(
    """intended recipient|intended solely|intended only|solely for|intended for|is addressed
are addressed|addressee|named recipient|person named|the right recipient|meant only for|meant for the
der richtige adressat|bestimmungsgemäße|vorgesehene|rechtmäßige empfänger|nur für den|ausschließlich für
adressat|für den empfänger|destinataire|destinatari|destinatári|geadresseerde|bestemd voor
uitsluitend bestemd|tiltænkt|rette modtager|kun beregnet|adresat
przeznaczon|受信者|宛先の方|名宛人|意図された"""
)
IN_ERROR = phrases(
    """received in error|in error|by mistake|erroneously|misdirected|irrtümlich|versehentlich|fälschlich
par erreur|por error|por engano|por erro|per errore|abusievelijk|ten onrechte|per vergissing|per abuis
ved en fejl|ved en fejltagelse|fejlagtigt|omyłkow|przez pomyłkę|誤って|手違い"""
)
ACTION = phrases(
    """delete|destroy|notify|inform us|inform the sender|let us know|disclos|disseminat|distribut
copying|unauthori|prohibited|interception|accepts no|no liability|not liable|take no|punishable|löschen
vernicht|weitergabe|weiterleiten|unbefugt|nicht gestattet|untersagt|benachrichtig|informieren sie
keine haftung|supprim|détrui|interdit|diffusion|avertir|aviser|responsabilité|eliminar|elimine|eliminarl
borre|notifiqu|prohib|divulga|apague|destrua|proibid|reprodu|avise|cancell|distrug|vietat|divieto
informare|avvisar|verwijder|vernietig|verboden|openbaar|aansprakelijk|te melden|slet |slette|tilintet
forbudt|ulovlig|underrett|kontakt afsender|usunąć|usunię|zniszcz|zabronion|rozpowszechn|niedozwolon
poinform|powiadom|削除|破棄|禁じ|禁止|開示|ご連絡"""
)
DISCLAIMER_KINDS = (MESSAGE, CONFIDENTIAL, RECIPIENT, IN_ERROR, ACTION)

NOTICES = phrases(
    """confidentiality notice|disclaimer|legal notice|privacy notice|privacy policy
privacy statement|data protection notice|data protection information|vertraulichkeitshinweis
haftungsausschluss|rechtlicher hinweis|datenschutzhinweis|hinweise zum datenschutz
datenschutzerklärung|informationen zum datenschutz|impressum|avis de confidentialité
clause de confidentialité|avertissement|mentions légales|politique de confidentialité
protection des données|aviso legal|aviso de confidencialidad|aviso de confidencialidade
cláusula de confidencial|protección de datos|política de privacidad|política de privacidade
proteção de dados|nota de confidencial|avviso di riservatezza|nota di riservatezza|avvertenze
informativa privacy|informativa sulla privacy|privacyverklaring|vertrouwelijkheid|fortrolighed
privatlivspolitik|klauzula poufności|zastrzeżenie|polityka prywatności|プライバシー|免責事項
機密保持|confidential|clause de non-responsabilité|descargo de responsabilidad"""
)
"""Headings of a notice: a colon, a full stop or nothing follows."""
NOTICE_OPENINGS = phrases(
    """views expressed|the views expressed|the views in this|the sender accepts no
the information in this e|the information in this m|the information contained in
the contents of this|unless stated otherwise|confidential, for|confidential. if|confidentiality:
notice: |important notice:|security warning: please note
e-mail is not a secure|email is not a secure|internet e-mail is not|internet email is not
internet communications are not|imprint:|administratorem|【機密|【免責"""
)
PRINTING = phrases(
    """before printing|before you print|print this e-mail|print this mail|print this email
consider the environment|don't print|do not print|please don't print me|think green|save paper
bevor sie diese|ausdrucken|denken sie an die umwelt|umwelt zuliebe|schützen sie die umwelt
avant d'imprimer|avant d’imprimer|pensez à l'environnement|pensez à l’environnement|n'imprimez
n’imprimez|antes de imprimir|no imprima|piense en el medio|pense no meio|evite imprimir
prima di stampare|pensa all'ambiente|rispetta l'ambiente|non stampare|denk aan het milieu|voordat u deze
print deze|tænk på miljøet|før du printer|før du udskriver|pomyśl o środowisku|zanim wydrukujesz
przed wydrukowaniem|chroń środowisko|印刷する前|印刷は"""
)
SUBSCRIPTION = phrases(
    """you are receiving this|you're receiving this|you received this|you receive this|you get this
you receive the|was sent to you because|view in browser|in your browser|sie erhalten diese
diese e-mail wurde an|im browser|vous recevez ce|vous recevez cet|dans votre navigateur|recibes este
recibe este|en el navegador|recebeu este|recebe este|no navegador|ricevi questa|riceve questa
nel browser|u ontvangt deze|je ontvangt deze|in je browser|du modtager denne|otrzymujesz tę
otrzymałeś tę|otrzymujesz ten"""
)
"""Why one gets a mail."""
CLICKING = phrases(
    """click|tap|klicken sie|hier klicken|cliquez|haga clic|haz clic|clique|clicca|klik|kliknij|press"""
)
VIEWING = phrases(
    """view this|view in|view it|im browser|diese e-mail im browser|wird diese|voir ce|voir cet|afficher
ver este|ver no|ver en|visualizar|visualizza|bekijk|vis denne|zobacz|ブラウザ|can't read|trouble viewing"""
)
UNSUBSCRIBING = phrases(
    """to unsubscribe|unsubscribe here|unsubscribe|manage preferences|manage your preferences
email preferences|update your preferences|abbestellen|newsletter abmelden|hier abmelden|désabonner
désinscri|darse de baja|darte de baja|cancelar la suscripción|cancelar suscripción
cancelar a subscrição|cancelar inscrição|cancelar a inscrição|descadastr|disiscriv
annulla l'iscrizione|cancellare l'iscrizione|uitschrijven|afmelden|afmeld dig|afmeld nyhedsbrev
wypisz się|wypisać się|rezygnacja z subskrypcji|配信停止|配信解除|購読解除|leave the list
to leave the|to leave this|if you no longer wish|no longer wish to"""
)
"""How to get no more of them: people write about that, too."""
SOCIAL = phrases(
    """follow us|find us on|like us on|connect with us|join us on|visit us on|visit our website
book a demo|folgen sie uns|folge uns|besuchen sie uns|suivez-nous|suivez nous|retrouvez-nous
síguenos|síganos|visítenos|siga-nos|sigam-nos|visite-nos|seguici|seguiteci|visitaci|volg ons
bezoek onze|følg os|besøg os|obserwuj nas|śledź nas|odwiedź nas|polub nas|フォローしてください
フォローお願い|公式サイト"""
)
SCANNED = phrases(
    """virus-free|virus free|scanned for|scanned by|been scanned|checked by|checked for virus
free of virus|antivirus|für viren|auf viren|virenfrei|virengeprüft|analysé par|sans virus
garanti sans|exempt de virus|libre de virus|está limpio de virus|analizado por|livre de vírus
verificado por|verificada por|isento de vírus|privo di virus|controllata da|virusvrij
gecontroleerd op virus|gescand|virusfri|scannet for|scannet af|wolna od wirusów|sprawdzona przez
ウイルスチェック|ウイルススキャン"""
)
"""Whether that is a mail, another word must tell."""
REGISTRY = phrases(
    """registered in england|registered in scotland|registered in ireland|registered office
registered charity|authorised and regulated by|authorized and regulated by
company no|company number|company registration|registered number|reg. no.|reg'd in
vat no|vat reg|vat number|legal seat|share capital|court of registration|trade register|tax id
geschäftsführer:|geschäftsführerin:|geschäftsführung:|vertreten durch|amtsgericht|registergericht
handelsregister|hrb|ust-id|ust.-id|umsatzsteuer-id|sitz der gesellschaft|vorstand:|aufsichtsrat|siret
siren |au capital de| rcs |r.c.s|n° tva|tva intra|siège social|registro mercantil|inscrita en el|c.i.f
cif:|nif:|domicilio social|capital social|cnpj|nipc|matriculada na|conservatória|p.iva|p. iva
partita iva|cap. soc|sede legale|codice fiscale|c.f.|registro imprese|kvk|k.v.k|btw-nr|btw nr|btw-nummer
handelsregister|cvr|cvr-nr|hjemsted|krs|nip:|nip |regon|kapitał zakładowy|sąd rejonowy|siedzib|代表取締役
登録番号|法人番号"""
)

EXTERNAL = phrases(
    """outside|external|not from our|not from within|extern|außerhalb|nicht aus unser|extérieur|externe
externo|externa|fuera de|de fora d|exterior|esterno|esterna|dall'esterno|al di fuori|buiten|ekstern
uden for|zewnątrz|zewnętrzn|spoza|外部|社外"""
)
CARE = phrases(
    """caution|warning|attention|careful|links|attachment|attached|recogni|trust|phishing|suspicious
harmful|content is safe|verify|know the sender|think before|achtung|vorsicht|warnung|anhäng|anhang
absender|misstrau|prudence|avertissement|pièces jointes|liens|expéditeur|précaution|precaución|atención
enlaces|adjuntos|remitente|cuidado|atenção|ligações|anexos|attenzione|allegati|mittente|collegamenti
let op|wees voorzichtig|bijlage|afzender|pas på|advarsel|forsigtig|vedhæft|afsender|uwaga|ostrożn
załącznik|nadawc|注意|添付|リンク|送信者"""
)
MAIL = phrases(
    """mail|message|sender|originated|nachricht|courriel|correo|mensaje|mensagem|messaggio|bericht
besked|meddelelse|wiadomość|メール|メッセージ"""
)
BANNERS = phrases(
    """you don't often get email from|you don’t often get email from|you do not often get email
this email originated|this message originated|this e-mail originated|this mail came from outside
sie erhalten nicht häufig|sie erhalten nicht oft|vous n'obtenez pas souvent
vous ne recevez pas souvent|vous n’obtenez pas souvent|no suele recibir correo
no suele recibir correos|não costuma receber|não recebe frequentemente|non si riceve spesso
non ricevi spesso|u ontvangt niet vaak|je ontvangt niet vaak|du får ikke ofte|du modtager ikke ofte
nieczęsto otrzymujesz|rzadko otrzymujesz|learn why this is important
this message is from an external|this message came from outside|this email is from an external
this e-mail came from outside|this e-mail is from an external"""
)
"""What a banner begins with."""
BANNER_NAMES = phrases(
    """external email|external e-mail|external mail|external sender|externe e-mail|externe mail
externer absender|email externe|e-mail externe|courriel externe|expéditeur externe|correo externo
remitente externo|e-mail externo|email externo|remetente externo|email esterna|e-mail esterna
mittente esterno|mail esterna|externe afzender|ekstern mail|ekstern e-mail|ekstern afsender
wiadomość zewnętrzna|e-mail zewnętrzny|nadawca zewnętrzny|社外メール|外部メール"""
)
"""What a banner begins with where a colon, a bracket or nothing follows."""
CAUTIONS = phrases(
    """caution|warning|be careful|be cautious|do not click|don't click|do not open|don't open
think before|before clicking|before opening|count to ten|verify the sender|treat links
treat with care|be wary|report phishing|achtung|vorsicht|warnung|keine links|keine anhänge
klicken sie nicht|öffnen sie keine|prüfen sie|ne cliquez|n'ouvrez|soyez prudent|prudence|attention :
attention:|no haga clic|no abra|precaución|tenga cuidado|não clique|não abra|tenha cuidado|atenção
non cliccare|non aprire|attenzione|prestare attenzione|klik niet|open geen|wees voorzichtig|let op
klik ikke|åbn ikke|vær forsigtig|pas på|nie klikaj|nie otwieraj|zachowaj ostrożność|uwaga
クリックしない|開かない|ご注意|注意"""
)
"""What a banner tells one to do."""
TICKETS = phrases(
    """##-|this email is a service from|delivered by zendesk|powered by zendesk|powered by freshdesk
powered by freshworks|powered by jira|powered by help scout|add additional comments, reply
to add additional comments|to view the status|how did we do?|your request has been received
has been received and is being reviewed|ref:_|please do not change the subject
please don't change the subject|bitte ändern sie den betreff nicht|do not remove this
rate our support|you opened a case|reply above this|reply above, please|above this line -
you can view the ticket at|view the ticket at|delivered by freshdesk"""
)
