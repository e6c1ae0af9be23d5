"""Error codes: beside a word of errors, or of a form that only errors have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ticketmill.domain.entities import EntityKind, Mention

_ERRNO = (
    "ECONNREFUSED ECONNRESET ECONNABORTED ETIMEDOUT ENOTFOUND EACCES EPERM ENOENT EEXIST EPIPE EHOSTUNREACH"
    " ENETUNREACH EADDRINUSE ENOSPC ENOMEM EINVAL EBUSY EAI_AGAIN EMFILE ENOTDIR EISDIR EIO EAGAIN EROFS"
    " ERESOLVE ELIFECYCLE EINTEGRITY"
)
_OWN_FORM = re.compile(
    rf"(?<![\w/.-])(?:{'|'.join(_ERRNO.split())}"
    r"|(?:ERR|ERROR|E|SEC_ERROR|SSL_ERROR|DNS_PROBE|SQLITE|STATUS)(?:_[A-Z0-9]{2,})+"
    r"|(?:[A-Z][A-Z0-9]*_)+(?:ERROR|ERR|FAILED|FAILURE|DENIED|TIMEOUT|REFUSED|EXCEPTION|FORBIDDEN"
    r"|UNAUTHORIZED)"
    r"|0x[89acAC][\dA-Fa-f]{7}"
    r"|(?:ORA|TNS|PLS|SQLSTATE|SAP|DB2|MSB|NETSDK|AADSTS|LNK|PGRST|GRPC|ERR|NU|CVE)-?\d{4,7}|SQL\d{4,5}N"
    r"|(?:invalid|insufficient)_[a-z]{2,20}(?:_[a-z]{2,20})?"
    r"|[a-z]{2,20}(?:_[a-z]{2,20})?_(?:exceeded|denied|expired|declined|unavailable|not_found)"
    r"|(?<=Status: )[45]\.\d{1,2}\.\d{1,2}"
    r"|[45]\d\d[ -][45]\.\d{1,3}\.\d{1,3}|#[45]\.\d{1,2}\.\d{1,2}"  # of mail servers
    r")(?![\w-])"
)
_STATUS = re.compile(r"(?<![\w.,/:$€£#-])[45]\d\d(?![\d%]|[.,]\d|[a-rt-z])")
_SAID = re.compile(r"(?:http(?:/\d(?:\.\d)?)?|status(?: code)?|response(?: code)?)[ :=]{1,3}$", re.I)
_NAMED = re.compile(
    r"s? ?(?:errors?\b|fehler\b|bad gateway|bad request|not found|forbidden|unauthori[sz]ed"
    r"|internal server|server error"
    r"|service unavailable|gateway time-?out|too many requests|conflict\b|precondition|unprocessable"
    r"|payload too large"
    r"|method not allowed|request time-?out)",
    re.I,
)
_ARTICLE = re.compile(r"(?<!\w)an? $", re.I)
_ANSWERS = re.compile(
    r"\b(?:gives|returns|returned|returning|answers|responds|throws|throwing)(?: with| a)? $", re.I
)
_STOPS = re.compile(r"[.,;:)!?\n]|$| (?:on|when|from|every|since|instead)\b")
_ENDS = re.compile(r"[.,;:)!?\n]|$| (?:on|from|for|when|every|and|with|in|back|at|after|instead|again)\b")
STATUS_REACH = 20
_WORD = (
    "error|err|errors|errno|fehler|fehlercode|fehlermeldung|fehlernummer|erreur|erro|errore|fout|foutcode|foutmelding"
    "|exception|exit|bugcheck|fault|störung|panic|bsod|sqlstate|hresult|alarm"
)
_STEMS = (*_WORD.split("|"), "code", "código", "codice")
_CODE_WORD = (
    r"code|cod|código|codigo|codice|number|no|nr|nummer|num|numéro|número|id|status|state|message|msg"
)
_ITSELF = (
    r"(?P<code>0x[\da-f]{2,16}|[a-z]{1,6}[-_]?\d[\w-]{0,14}|\d{1,7}(?:[-_][\da-z]{1,8}){0,3}"
    r"|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"
)
_LABELLED = re.compile(
    rf"(?<![\w-])(?:(?:{_WORD})(?P<label>[ -]?(?:{_CODE_WORD})\b\.?)?|(?P<of>code|código|codice) (?:d['’]"
    rf"|de |di )?"
    rf"(?:erreur|error|erro|errore)|(?:error|stop|status|exit|return|result|fault|failure|response)"
    rf"(?P<two>[ -]code))"
    rf"(?P<mark>(?:\s(?:is|was|ist|lautet|says|reads|shows|est|es|é|è))?[ \t]?[:=#(\[\"'“„«]{{0,3}}\s?)"
    rf"#?(?<![^\W_]){_ITSELF}(?![\w]|[.,:/-]\w)",
    re.I,
)
_CODE_ALONE = re.compile(
    r"[(\[\"'“,;:] ?code[ :=]{1,2}(?P<code>0x[\da-f]{2,16}|[a-z]{0,6}[-_]?\d[\w-]{0,10})(?=[)\]\"'”.,;])",
    re.I,
)
_TROUBLE = re.compile(
    r"\b(?:error|fail|cannot|can't|could not|couldn't|crash|fault|denied|refused|declined|fehler|erreur"
    r"|erro|fout)",
    re.I,
)
_QUANTITY = re.compile(
    r"\s?(?:%|times\b|x\b|mal\b|fois\b|days?\b|weeks?\b|months?\b|years?\b|hours?\b|hrs?\b|h\b|min|sec|s\b"
    r"|ms\b|tage|wochen"
    r"|stunden|jours|semaines|d[ií]as|veces|giorni|dagen|out of\b|of \d|of them|of our|people|users"
    r"|customers|tickets|orders)",
    re.I,
)
TROUBLE_REACH = 80


def find_error_codes(text: str) -> Iterator[Mention]:
    """Error codes, normalised to capitals; an HTTP status as in `HTTP 503`."""
    for found in _OWN_FORM.finditer(text):
        yield _mention(found.start(), found.end(), found[0])
    for found in _STATUS.finditer(text):
        before = text[max(found.start() - STATUS_REACH, 0) : found.start()]
        is_article = _ARTICLE.search(before) and _ENDS.match(text, found.end())
        is_answer = _ANSWERS.search(before) and _STOPS.match(text, found.end())
        if is_article or is_answer or _SAID.search(before) or _NAMED.match(text, found.end()):
            yield Mention(EntityKind.ERROR_CODE, *found.span(), f"HTTP {found[0]}")
    lowered = text.lower()
    if not any(stem in lowered for stem in _STEMS):
        return
    for found in _LABELLED.finditer(text):
        if _is_code(text, found):
            yield _mention(found.start("code"), found.end("code"), found["code"])
    for found in _CODE_ALONE.finditer(text):
        if _TROUBLE.search(text, max(found.start() - TROUBLE_REACH, 0), found.start()):
            yield _mention(found.start("code"), found.end("code"), found["code"])


def _mention(start: int, end: int, code: str) -> Mention:
    return Mention(
        EntityKind.ERROR_CODE, start, end, f"0x{code[2:].upper()}" if code[:2] == "0x" else code.upper()
    )


def _is_code(text: str, found: re.Match[str]) -> bool:
    """Digits alone need more than the word "error" before them, or must not count something."""
    code = found["code"]
    is_labelled = found["label"] or found["of"] or found["two"] or found["mark"].strip()
    if not code.strip("0"):  # success
        return False
    if not code.isdigit():
        return code.upper() == code or bool(found["label"] or found["two"]) or any(map(str.isdigit, code[:3]))
    return bool(is_labelled or len(code) >= 2) and not _QUANTITY.match(text, found.end())
