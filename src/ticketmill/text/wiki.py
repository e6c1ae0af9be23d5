"""Light markup: Markdown and Jira's wiki text. Their words stay, their signs go."""

from __future__ import annotations

import re

from ticketmill.domain.spans import Span, TextKind
from ticketmill.text.blanking import blank, blank_match

CODE_MASK = "\ue000"
"""Stands for every character of code while rules for prose run."""

_FENCED = re.compile(
    r"^([ \t]*(?:>[ \t]*)?)(```|~~~)[^`\n]*\n(.*?)(^[ \t]*(?:>[ \t]*)?\2[`~]*[ \t]*$)", re.M | re.DOTALL
)
_INLINE = re.compile(r"(?<!`)`(?!`)([^`\n]+)`(?!`)")
_JIRA_CODE = re.compile(r"\{(code|noformat)(?::[^{}\n]{0,200})?\}(.*?)\{\1\}", re.DOTALL)

_JIRA_TAG = re.compile(
    r"\{(?:code|noformat|color|colour|quote|panel|anchor|expand|toc|adf)(?::[^{}\n]{0,200})?\}"
    r"|\[~[\w.:@ -]{1,80}\]"
    r"|(?<![\w!])!(?:[^\s!|]{1,200}\.(?:png|jpe?g|gif|bmp|svg|webp)(?:\|[^!\n]{0,100})?)!",
    re.I,
)
_JIRA_HEADING = re.compile(r"^h[1-6]\.[ \t]+(?=\S)", re.M)
_JIRA_LINK = re.compile(
    r"(?<!\w)\[([^\[\]|\n]{1,300})\|((?:https?|ftp|mailto|file):[^\[\]\s]{1,2000}|[#^~][^\[\]\s|]{1,200})\]"
)
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,300})\]\([^()\s]{1,2000}(?:\s+\"[^\"\n]{0,200}\")?\)")
_LINK = re.compile(
    r"(?<![\w\])])\[([^\[\]\n]{1,300})\](\([^()\s]{0,500}?[./#:][^()\s]{0,1500}(?:\s+\"[^\"\n]{0,200}\")?\))"
)
_LINK_TARGET = re.compile(r"^[ \t]*\[[^\[\]\n]{1,100}\]:[ \t]+<?(?:https?://|www\.)\S+[ \t]*$", re.M)
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+(?=\S)", re.M)
_BOLD = re.compile(r"(?<![\w*])\*\*(?=[^\s*])[^*\n]*+(?<=\S)\*\*(?![\w*])")
_RULE = re.compile(r"^[ \t]{0,3}(?:(?:\*[ \t]?){3,}|(?:-[ \t]){3,})[ \t]*$", re.M)


def code_spans(text: str) -> list[Span]:
    """The contents of blocks of code, between fences or Jira's `{code}`."""
    spans = []
    if "```" in text or "~~~" in text:
        spans += [Span(*found.span(3), TextKind.LOG) for found in _FENCED.finditer(_to_last_fence(text))]
    if "{code" in text or "{noformat" in text:
        spans += [Span(*found.span(2), TextKind.LOG) for found in _JIRA_CODE.finditer(text)]
    ordered: list[Span] = []
    for span in sorted(spans):
        if span.end > span.start and (not ordered or span.start >= ordered[-1].end):
            ordered.append(span)
    return ordered


def _to_last_fence(text: str) -> str:
    """`text` up to its last fence, so that a search for one always ends."""
    end = max(text.rfind("```"), text.rfind("~~~"))
    line_end = text.find("\n", end)
    return text if line_end < 0 else text[:line_end]


def inline_code_spans(text: str) -> list[Span]:
    """What stands between single backticks."""
    return [Span(*found.span(1), TextKind.LOG) for found in _INLINE.finditer(text)] if "`" in text else []


def without_fences(text: str) -> str:
    """`text` with the fences around blocks of code blanked."""
    if "```" not in text and "~~~" not in text:
        return text
    return _FENCED.sub(_without_fence, _to_last_fence(text)) + text[len(_to_last_fence(text)) :]


def _without_fence(match: re.Match[str]) -> str:
    at = match.start()
    return blank(match[0][: match.start(3) - at]) + match[3] + blank(match[0][match.end(3) - at :])


def without_wiki(text: str) -> str:
    """`text` without the signs of Markdown and Jira."""
    if "[" in text or "!" in text:
        text = _without_links(text)
    if "{" in text:
        text = _JIRA_TAG.sub(blank_match, text)
    if "#" in text:
        text = _HEADING.sub(blank_match, text)
    if "**" in text:
        text = _BOLD.sub(lambda found: f"  {found[0][2:-2]}  ", text)
    if "h" in text and ". " in text:
        text = _JIRA_HEADING.sub(blank_match, text)
    if "* *" in text or "***" in text or "- - -" in text:
        text = _RULE.sub(blank_match, text)
    return text


def _without_links(text: str) -> str:
    if "](" in text:
        text = _IMAGE.sub(blank_match, text)
        text = _LINK.sub(_words_of_link, text)
    if "|" in text:
        text = _JIRA_LINK.sub(lambda found: f" {found[1]} {blank(found[2])} ", text)
    if "]: " in text:
        text = _LINK_TARGET.sub(blank_match, text)
    return _JIRA_TAG.sub(blank_match, text) if "[~" in text or "!" in text else text


def _words_of_link(match: re.Match[str]) -> str:
    return f" {match[1]} {blank(match[2])}"
