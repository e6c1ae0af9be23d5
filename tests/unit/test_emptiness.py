"""A text that says nothing is told from a short one that does."""

from __future__ import annotations

import pytest

from ticketmill.text.emptiness import says_something
from ticketmill.text.phrases import phrases

NOTHING = phrases(
    """ |.|-|--|???|…|N/A|n.a.|na|None|null|undefined|NaN|test|Test 123|testing|test mail|this is a test
asdf|asdfgh|ASDF|qwertz|jkl jkl asdf|aaaaaa|sdfkjhg|%DESCRIPTION%|{{ticket.description}}|${body}|[[message]]
scan_0041.pdf|IMG_2231.jpg|(no subject)|kein Betreff|no description provided|New message|Message from website
see attachment|See attached.|please see attached|Pls find attached|see screenshot|in attachment
please see the attached file|siehe Anhang|s. Anlage|bitte siehe Anhang|anbei|voir pièce jointe|voir ci-joint
ver adjunto
ver archivo adjunto|ver anexo|segue em anexo|vedi allegato|in allegato|zie bijlage
se vedhæftet|se vedhæftet fil|w załączniku|patrz załącznik|添付参照
添付ファイルをご確認ください"""
)
SOMETHING = phrases(
    """refund|login|help|Hilfe|Geld zurück|ayuda
ログイン|返金|wifi|VPN|SSO|xml|https|PDF|image|pls help|no|ok
12345|👍|attachment missing
the attachment does not open|test failed|my test account is locked|screenshot feature
image upload broken|null pointer|none of it works|N/A is shown as price|Anhang fehlt|allegato mancante|hmm
error 404
rhythm|no message arrives|new message not shown|{{name}} is shown to customers|lost file|alaska
asks|flask|was|wert|document|attach a file|ver mi pedido|w porządku"""
)


@pytest.mark.parametrize("text", ["", *NOTHING])
def test_nothing_is_said(text: str) -> None:
    assert not says_something(text)


@pytest.mark.parametrize("text", SOMETHING)
def test_something_is_said(text: str) -> None:
    assert says_something(text)
