"""The closed vocabularies: words that the whole project agrees on."""

from __future__ import annotations

from enum import StrEnum


class Urgency(StrEnum):
    """How soon a ticket must be dealt with, most pressing first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


CONFLICT_LEVELS = 2


def contradicts(stated: Urgency | str | None, shown: Urgency | str | None) -> bool:
    """Whether what the submitter set and what the text shows are two levels or more apart."""
    levels = list(Urgency)
    if stated not in levels or shown not in levels:
        return False
    return abs(levels.index(Urgency(stated)) - levels.index(Urgency(shown))) >= CONFLICT_LEVELS


class Sentiment(StrEnum):
    """The writer's feeling toward the product or the service, in the text as a whole."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Intent(StrEnum):
    """The one thing that the writer mainly wants dealt with."""

    LOGIN_ISSUE = "login_issue"
    PAYMENT_ISSUE = "payment_issue"
    BUG_REPORT = "bug_report"
    FEATURE_REQUEST = "feature_request"
    ACCOUNT_MANAGEMENT = "account_management"
    PERFORMANCE_ISSUE = "performance_issue"
    SECURITY_CONCERN = "security_concern"
    DATA_REQUEST = "data_request"
    INTEGRATION_HELP = "integration_help"
    GENERAL_INQUIRY = "general_inquiry"


class Source(StrEnum):
    """Where a prediction comes from; a default is never passed off as one."""

    HEAD = "head"
    HUB = "hub"
    """A named model, of the Hugging Face Hub or of a folder."""
    PROTOTYPE = "prototype"
    RULE = "rule"
    STATED = "stated"
    EXTRACTIVE = "extractive"
    SUBJECT = "subject"
    DETECTOR = "detector"
    FALLBACK = "fallback"
    PERSON = "person"
    LEARNED = "learned"
    """A learned version of the task, see docs/learning.md."""


class Status(StrEnum):
    """What became of a ticket."""

    ENRICHED = "enriched"
    PARTIAL = "partial"
    REJECTED = "rejected"
    FAILED = "failed"
