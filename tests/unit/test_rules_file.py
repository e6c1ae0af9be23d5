"""Files of rules: what is wrong with one is said with its place."""

from __future__ import annotations

import pytest

from ticketmill.domain.errors import SetupError
from ticketmill.domain.routing_rule import Trigger
from ticketmill.operations.rules_file import parse_rules

SLACK = "send: {to: slack, url_env: SLACK_URL}"


def test_one_label_or_several_and_the_yes_of_yaml() -> None:
    text = f"rules: [{{id: a, filters: {{urgency: critical, intent: [x, y], needs_review: yes}}, {SLACK}}}]"
    (rule,) = parse_rules(text, "rules.yaml").rules
    assert rule.filters == {"urgency": ("critical",), "intent": ("x", "y"), "needs_review": ("yes",)}
    assert rule.when is Trigger.BECOMES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [", "rules.yaml, line 1: not YAML"),
        ("- a", "expected a mapping"),
        (f"rules: [{{id: a, {SLACK}}}, {{id: a, {SLACK}}}]", "two rules are called a"),
        (f"rules: [{{id: a, when: sometimes, {SLACK}}}]", "rule a: when: "),
        ("rules: [{id: a, send: {to: pigeon}}]", "rule a: send: "),
        (
            "rules: [{id: a, send: {to: slack, url: 'https://x'}}]",
            "rule a: send: slack: url_env: Field required",
        ),
        ("rules: [{id: a, send: {to: slack, url_env: TICKETMILL_URL}}]", "are settings: choose another name"),
        (f"rules: [{{id: a, wehn: becomes, {SLACK}}}]", "rule a: wehn: "),
        (f"rules: [{{id: A b, {SLACK}}}]", "rule A b: id: "),
        (
            "rules: [{id: a, when: enriched, send: {to: freshdesk, base_url: 'https://x', token_env: T}}]",
            "makes the helpdesk send the ticket again",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(SetupError) as raised:
        parse_rules(text, "rules.yaml")
    assert said in str(raised.value)
    assert "rules.yaml" in str(raised.value)
