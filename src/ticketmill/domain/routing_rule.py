"""Routing rules: which changes of tickets are sent, and where to.

`ticketmill schema rules` prints their JSON Schema. A rule names secrets by environment variables, never by
value.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from ticketmill.domain.records import Frozen


def _is_no_setting(name: str) -> str:
    if name.startswith("TICKETMILL_"):
        raise ValueError("variables that begin with TICKETMILL_ are settings: choose another name")
    return name


VariableName = Annotated[
    str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=128), AfterValidator(_is_no_setting)
]
"""The name of an environment variable."""
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Arn = Annotated[str, StringConstraints(pattern=r"^arn:[a-z0-9-]+:[a-z]+:[a-z0-9-]*:[0-9]*:.+$")]
BaseUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")]
"""The address of a helpdesk, as in `https://acme.zendesk.com`."""
Template = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
"""Text with names in braces, as in `urgency-{urgency}`; see `event_text.NAMES`."""


class Trigger(StrEnum):
    """Which changes of a matching ticket are sent."""

    BECOMES = "becomes"
    """It matches now, and did not before: each ticket once, until it stops matching."""
    ENRICHED = "enriched"
    """A model spoke of it, whether or not anything changed."""
    CORRECTED = "corrected"
    """A person spoke of it."""


class EventBridgeTarget(Frozen):
    """An EventBridge bus."""

    to: Literal["eventbridge"]
    """Names the target."""
    bus: Arn
    """The bus's ARN."""


class SnsTarget(Frozen):
    """An SNS topic."""

    to: Literal["sns"]
    """Names the target."""
    topic: Arn
    """The topic's ARN."""


class WebhookTarget(Frozen):
    """Any HTTP endpoint, by signed requests."""

    to: Literal["webhook"]
    """Names the target."""
    url_env: VariableName
    """The variable with the endpoint's address."""
    secret_env: VariableName
    """The variable with the key that signs requests."""


class SlackTarget(Frozen):
    """An incoming webhook of Slack, or of whatever takes its form."""

    to: Literal["slack"]
    """Names the target."""
    url_env: VariableName
    """The variable with the webhook's address, which is a secret."""
    text: Template = "*{urgency}* {intent} · {ticket_id}: {summary}"
    """The message."""


class WriteBack(Frozen):
    """What is written to the helpdesk that the ticket came from."""

    base_url: BaseUrl
    """The helpdesk's address."""
    token_env: VariableName
    """The variable with the API token."""
    tags: tuple[Template, ...] = Field(default=(), max_length=20)
    """Tags to add. One whose name in braces has no value is left out."""
    set_priority: bool = False
    """Whether the ticket's priority becomes its urgency."""
    apply: bool = False
    """Whether anything is written. Without it the log says what would be."""


class ZendeskTarget(WriteBack):
    """Zendesk."""

    to: Literal["zendesk"]
    """Names the target."""
    user_env: VariableName
    """The variable with the agent's e-mail address."""
    note: Template | None = None
    """An internal note to add."""


class FreshdeskTarget(WriteBack):
    """Freshdesk."""

    to: Literal["freshdesk"]
    """Names the target."""
    note: Template | None = None
    """A private note to add."""


class JiraTarget(WriteBack):
    """Jira Cloud and Jira Service Management. Tags are labels."""

    to: Literal["jira"]
    """Names the target."""
    user_env: VariableName
    """The variable with the account's e-mail address."""
    note: Template | None = None
    """A comment to add, internal in Jira Service Management."""


class GitHubTarget(WriteBack):
    """GitHub issues. Tags are labels, and so is the priority."""

    to: Literal["github"]
    """Names the target."""
    base_url: BaseUrl = "https://api.github.com"
    """The API's address."""
    repository: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")]
    """As in `owner/name`."""
    comment: Template | None = None
    """A comment to add. GitHub has no internal notes: whoever sees the issue sees it."""


HelpdeskTarget = ZendeskTarget | FreshdeskTarget | JiraTarget | GitHubTarget
TargetConfig = Annotated[
    EventBridgeTarget | SnsTarget | WebhookTarget | SlackTarget | HelpdeskTarget, Field(discriminator="to")
]


class Rule(Frozen):
    """One rule: which changes, and one target."""

    id: RuleId
    """The rule's name. A new name sends again what the old one has sent."""
    description: str = ""
    """For people."""
    when: Trigger = Trigger.BECOMES
    """Which changes of a matching ticket."""
    filters: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What the ticket must be: by filter one label, or several of which it must have one."""
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    """How sure a model must be of the labels of `filters`."""
    include_body: bool = False
    """Whether the event holds the ticket's body."""
    send: TargetConfig
    """Where to."""

    @field_validator("filters", mode="before")
    @classmethod
    def _one_label_or_several(cls, given: Any) -> Any:
        """`critical` is `[critical]`, and YAML's `yes` is the label of a flag that is set."""
        if not isinstance(given, dict):
            return given
        lists = {name: wanted if isinstance(wanted, list) else [wanted] for name, wanted in given.items()}
        return {name: ["yes" if each is True else each for each in wanted] for name, wanted in lists.items()}

    @model_validator(mode="after")
    def _writes_back_once(self) -> Rule:
        # a note is a new upload at most helpdesks, and each upload is enriched
        if self.when is Trigger.ENRICHED and isinstance(self.send, WriteBack):
            raise ValueError(
                "a write-back makes the helpdesk send the ticket again: use `when: becomes` or `corrected`"
            )
        return self


class Rules(Frozen):
    """A file of rules."""

    version: Literal[1] = 1
    """The version of the file's form."""
    rules: tuple[Rule, ...]
    """The rules. Each stands alone: their order means nothing."""

    @model_validator(mode="after")
    def _ids_are_different(self) -> Rules:
        ids = [rule.id for rule in self.rules]
        twice = sorted({each for each in ids if ids.count(each) > 1})
        if twice:
            raise ValueError(f"two rules are called {twice[0]}: give each an id of its own")
        return self

    def named(self, rule_id: str) -> Rule | None:
        """The rule of that id."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
