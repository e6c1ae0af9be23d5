"""`ticketmill rules`: the routing rules, and what they would do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli.output import AsJson, ExitCode, answer, answer_json, counted, say, table

if TYPE_CHECKING:
    from ticketmill.domain.dataset import TaskDefinition
    from ticketmill.domain.event import TicketEvent
    from ticketmill.domain.routing_rule import Rule, Rules
    from ticketmill.settings import Settings

app = typer.Typer(no_args_is_help=True)

File = Annotated[str | None, typer.Argument(metavar="FILE", help="Instead of TICKETMILL_RULES.")]
FileOption = Annotated[
    str | None, typer.Option("--rules", metavar="FILE", help="Instead of TICKETMILL_RULES.")
]


@app.command("list")
def list_rules(file: File = None, as_json: AsJson = False) -> None:
    """List the rules: which changes, and where to."""
    rules, _ = _loaded(file)
    if as_json:
        answer_json(rules.model_dump(mode="json", exclude_defaults=True))
        return
    rows = [
        (rule.id, rule.when.value, _filters(rule), rule.send.to, rule.description) for rule in rules.rules
    ]
    table(counted(len(rules.rules), "rule"), ("rule", "when", "filters", "to", "description"), rows)


@app.command()
def check(file: File = None, as_json: AsJson = False) -> None:
    """Check the rules: their form, filters and labels, and that the secrets that they name are set.

    Exit code 4 where something is wrong. Nothing is sent. AWS is asked only for files in S3, and for your
    own tasks where a rule names what is none of ours.
    """
    import os

    from ticketmill.bootstrap.corrections import taxonomy_labels
    from ticketmill.operations.routing import faults_of
    from ticketmill.queries.columns import OPEN_VOCABULARIES
    from ticketmill.queries.own_tasks import OwnTasks

    rules, settings = _loaded(file)

    def labels_of(facet: str) -> list[str]:
        task = OPEN_VOCABULARIES.get(facet)
        return list(taxonomy_labels(settings.bundle_dir, task)) if task else []

    own = OwnTasks(lambda: _own_tasks(settings))
    faults = [(rule.id, fault) for rule in rules.rules for fault in faults_of(rule, labels_of, own)]
    if settings.routing_secret_arn is None:
        faults += [
            (rule.id, f"{name} is not set: the rule takes a secret from it")
            for rule in rules.rules
            for name in _variables(rule)
            if not os.environ.get(name)
        ]
    if as_json:
        found = [{"rule": rule_id, "fault": fault} for rule_id, fault in faults]
        answer_json({"rules": len(rules.rules), "faults": found})
    else:
        for rule_id, fault in faults:
            answer(f"rule {rule_id}: {fault}")
        dry = [rule.id for rule in rules.rules if getattr(rule.send, "apply", True) is False]
        if dry:
            say(f"dry run, without `apply: true`: {', '.join(dry)}")
        if not faults:
            answer(f"{counted(len(rules.rules), 'rule')}, nothing wrong")
    if faults:
        raise typer.Exit(ExitCode.FINDINGS)


@app.command()
def test(
    ticket_id: Annotated[str, typer.Argument(metavar="ID", help="Of the ticket.")],
    rules_file: FileOption = None,
    as_json: AsJson = False,
) -> None:
    """Tell which rules a ticket matches now, and what each would send. Nothing is sent.

    The ticket is taken as new: `becomes` matches if its filters do.
    """
    from ticketmill import bootstrap
    from ticketmill.domain.change import Change
    from ticketmill.operations.routing import concerns, event_of, filters_of

    rules, settings = _loaded(rules_file)
    queries = bootstrap.connect_queries(settings)
    row = queries.find(ticket_id)
    if row is None:
        say(f"no ticket {ticket_id}; `ticketmill list` shows the newest")
        raise typer.Exit(ExitCode.NOT_FOUND)
    change, mask = Change(None, row), bootstrap.make_mask(settings).text
    found: list[dict[str, Any]] = [
        {
            "rule": rule.id,
            "filters_match": filters_of(rule).match(row),
            "sent_if_new": concerns(rule, change),
            "to": rule.send.to,
            "event": event_of(rule, change, mask).model_dump(mode="json", exclude_none=True),
            "target": _told(rule, event_of(rule, change, mask)),
        }
        for rule in rules.rules
    ]
    if as_json:
        answer_json({"ticket_id": row.ticket_id, "revision": row.revision, "rules": found})
        return
    lines = [
        (each["rule"], _yes(each["filters_match"]), _yes(each["sent_if_new"]), each["to"], each["target"])
        for each in found
    ]
    table(row.ticket_id, ("rule", "filters match", "sent if new", "to", "what"), lines)


def _loaded(file: str | None) -> tuple[Rules, Settings]:
    from ticketmill import bootstrap
    from ticketmill.settings import load_settings

    settings = load_settings(rules=file)
    return bootstrap.load_rules(settings.rules), settings


def _own_tasks(settings: Settings) -> Sequence[TaskDefinition]:
    """Your own tasks; none, and a line that says so, where they cannot be read."""
    from ticketmill import bootstrap
    from ticketmill.domain.errors import SetupError, TransientFailure

    try:
        return list(bootstrap.connect_queries(settings).own.values())
    except (SetupError, TransientFailure) as failure:
        say(f"your own tasks are not known here: {failure}")
        return []


def _told(rule: Rule, event: TicketEvent) -> str:
    """What would be written or posted, where it takes no secret to say so."""
    from ticketmill.domain.routing_rule import SlackTarget, WriteBack
    from ticketmill.targets.helpdesk import HelpdeskWriteBack
    from ticketmill.targets.http import HttpClient
    from ticketmill.targets.slack import message
    from ticketmill.targets.table import http_target

    if isinstance(rule.send, SlackTarget):
        return message(rule.send.text, event)
    if isinstance(rule.send, WriteBack):
        target = http_target(rule.send, HttpClient(), {})
        writing = target.writing(event) if isinstance(target, HelpdeskWriteBack) else None
        dry = "" if rule.send.apply else " (dry run)"
        return f"writes {writing}{dry}" if writing else f"not a ticket of {rule.send.to}"
    return f"the event {event.type}"


def _variables(rule: Rule) -> list[str]:
    """The variables that a rule names."""
    return [value for name, value in rule.send.model_dump().items() if name.endswith("_env")]


def _filters(rule: Rule) -> str:
    parts = [f"{name}={'|'.join(labels)}" for name, labels in rule.filters.items()]
    if rule.min_confidence is not None:
        parts.append(f"confidence>={rule.min_confidence:g}")
    return " ".join(parts) or "any ticket"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
