"""Mails in ten languages. What their writers wrote now stands between ⟦ and ⟧."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "fixtures" / "mails"


class MailSample(NamedTuple):
    name: str
    body: str
    own: str


def words(text: str) -> str:
    """`text` with one blank between words, as it is compared."""
    return " ".join(text.split())


def mail_samples() -> list[MailSample]:
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        for number, marked in enumerate(path.read_text(encoding="utf-8").split("\n=====\n"), start=1):
            own = " ".join(re.findall("⟦(.*?)⟧", marked, re.DOTALL))
            body = marked.replace("⟦", "").replace("⟧", "")
            found.append(MailSample(f"{path.stem}-{number}", body, words(own)))
    return found
