"""The keyword classifier: words that hint at a label, matched at word boundaries.

It needs no model and its predictions are easy to explain, but it is weak: docs/quality.md compares it with
the heads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ticketmill.domain.labels import Intent, Urgency

INTENT_KEYWORDS: Mapping[str, tuple[str, ...]] = {
    Intent.LOGIN_ISSUE: (
        "log in", "login", "log on", "sign in", "signin", "password", "locked out", "lockout", "2fa", "mfa",
        "one-time code", "verification code", "reset link", "sso", "authenticator",
    ),
    Intent.PAYMENT_ISSUE: (
        "charged", "charge", "refund", "refunded", "invoice", "payment", "billed", "billing", "declined",
        "overcharged", "double charge", "payout", "credit card", "receipt",
    ),
    Intent.BUG_REPORT: (
        "bug", "error", "crash", "crashes", "crashed", "broken", "exception", "stack trace", "blank page",
        "does not work", "doesn't work", "not working", "wrong result", "fails",
    ),
    Intent.FEATURE_REQUEST: (
        "feature", "feature request", "would be nice", "would love", "wish", "please add", "suggestion",
        "it would help", "support for", "dark mode", "could you add", "any plans",
    ),
    Intent.ACCOUNT_MANAGEMENT: (
        "cancel", "close my account", "delete my account", "change my", "update my", "upgrade", "downgrade",
        "subscription", "seats", "new user", "deactivate", "my address", "rename",
    ),
    Intent.PERFORMANCE_ISSUE: (
        "slow", "slowly", "lag", "lagging", "latency", "timeout", "times out", "timing out", "takes forever",
        "loading", "spinner", "sluggish", "buffering", "drops out",
    ),
    Intent.SECURITY_CONCERN: (
        "hacked", "phishing", "fraud", "unauthorised", "unauthorized", "suspicious", "breach", "leaked",
        "vulnerability", "someone else", "stolen", "scam", "not me",
    ),
    Intent.DATA_REQUEST: (
        "export", "gdpr", "copy of my data", "my data", "personal data", "records", "certificate",
        "statement", "download all", "subject access", "erase",
    ),
    Intent.INTEGRATION_HELP: (
        "api", "webhook", "sdk", "integration", "integrate", "plugin", "connector", "zapier", "oauth",
        "sync", "pairing", "pair", "endpoint",
    ),
}  # fmt: skip

URGENCY_KEYWORDS: Mapping[str, tuple[str, ...]] = {
    Urgency.CRITICAL: (
        "outage", "production down", "everything is down", "all users", "everyone", "nobody can",
        "no one can", "data loss", "losing data", "losing money", "breach", "emergency", "all our",
        "whole company", "entire", "completely down",
    ),
    Urgency.HIGH: (
        "urgent", "asap", "as soon as possible", "immediately", "today", "tonight", "deadline", "blocked",
        "cannot work", "can't work", "tomorrow", "by noon", "right now", "locked out", "stuck",
    ),
    Urgency.LOW: (
        "no rush", "no hurry", "whenever", "when you have time", "just wondering", "curious", "minor",
        "cosmetic", "typo", "nice to have", "suggestion", "feature request", "would love", "thank you",
        "thanks for",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A label, its confidence, and the matched words (none: the fallback)."""

    label: str
    confidence: float
    reasons: tuple[str, ...]


class KeywordClassifier:
    """Counts the distinct keywords of each label. The label with most wins; in a tie, the one named first.

    Confidence is matches / (matches + 1), divided among the labels that matched: one word alone gives 0.5,
    three give 0.75. No match gives `fallback` at confidence 0.
    """

    def __init__(self, keywords: Mapping[str, Iterable[str]], fallback: str) -> None:
        self._patterns = {label: _any_of(words) for label, words in keywords.items()}
        self._fallback = fallback

    def classify(self, text: str) -> RuleMatch:
        """The label of `text`."""
        found = {
            label: tuple(dict.fromkeys(match.lower() for match in pattern.findall(text)))
            for label, pattern in self._patterns.items()
        }
        label = max(found, key=lambda label: len(found[label]))
        matches = len(found[label])
        if matches == 0:
            return RuleMatch(self._fallback, 0.0, ())
        share = matches / sum(len(words) for words in found.values())
        return RuleMatch(label, round(share * matches / (matches + 1), 4), found[label])


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def intent_rules() -> KeywordClassifier:
    """Intent by keywords; `general_inquiry` if none is found."""
    return KeywordClassifier(INTENT_KEYWORDS, fallback=Intent.GENERAL_INQUIRY)


def urgency_rules() -> KeywordClassifier:
    """Urgency by keywords; `medium` if none is found."""
    return KeywordClassifier(URGENCY_KEYWORDS, fallback=Urgency.MEDIUM)
