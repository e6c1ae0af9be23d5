"""Makes the target of a rule that goes over HTTP."""

from __future__ import annotations

from ticketmill.domain.routing_rule import (
    FreshdeskTarget,
    GitHubTarget,
    HelpdeskTarget,
    JiraTarget,
    SlackTarget,
    WebhookTarget,
    ZendeskTarget,
)
from ticketmill.targets.freshdesk import Freshdesk
from ticketmill.targets.github import GitHub
from ticketmill.targets.helpdesk import HelpdeskWriteBack
from ticketmill.targets.http import HttpClient
from ticketmill.targets.jira import Jira
from ticketmill.targets.secrets import Secrets
from ticketmill.targets.slack import Slack
from ticketmill.targets.webhook import Webhook
from ticketmill.targets.zendesk import Zendesk

HttpTarget = Webhook | Slack | HelpdeskWriteBack


def http_target(
    config: WebhookTarget | SlackTarget | HelpdeskTarget, http: HttpClient, secrets: Secrets
) -> HttpTarget:
    """The target that `config` describes."""
    match config:
        case WebhookTarget():
            return Webhook(config, http, secrets)
        case SlackTarget():
            return Slack(config, http, secrets)
        case ZendeskTarget():
            return HelpdeskWriteBack(config, Zendesk(config, http, secrets), config.note)
        case FreshdeskTarget():
            return HelpdeskWriteBack(config, Freshdesk(config, http, secrets), config.note)
        case JiraTarget():
            return HelpdeskWriteBack(config, Jira(config, http, secrets), config.note)
        case GitHubTarget():
            return HelpdeskWriteBack(config, GitHub(config, http, secrets), config.comment)
