"""A hundred ways to use the command line wrongly: arguments, variables, files, and what each must end in."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path

USAGE, NOT_READY, SOME_REJECTED = 2, 3, 4

AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",  # nobody listens at so low a port
}

FILES: dict[str, str | bytes] = {
    "good.json": '{"ticket_id": "T1", "body": "I cannot log in."}',
    "broken.json": "{",
    "list.json": "[1]",
    "no-id.json": '{"body": "x"}',
    "empty.json": "",
    "latin.json": '{"ticket_id": "T1", "body": "größer"}'.encode("latin-1"),
    "nan.json": '{"ticket_id": "T1", "body": NaN}',
    "twice.json": '{"ticket_id": "T1", "ticket_id": "T2", "body": "x"}',
    "blank.json": '{"ticket_id": "T1", "body": "  "}',
    "bad-id.json": '{"ticket_id": ["T1"], "body": "x"}',
    "cut-utf16.json": '{"ticket_id": "T1", "body": "x"}'.encode("utf-16")[:-1],
    "several.json": '[{"ticket_id": "T1", "body": "x"}, {"ticket_id": "T2", "body": "y"}]',
    "no-text.json": '{"ticket_id": "T1", "note": "The customer wrote that the app is down"}',
    "deep.json": '{"ticket_id": "T1", "body": "x", "more": ' + "[" * 3000 + "]" * 3000 + "}",
    "upper.yaml": "task: topics\nlabels: [{label: A b, description: x}, {label: c, description: x}]",
    "not.yaml": "[",
    "text.yaml": "hello",
    "one.yaml": "task: topics\nlabels: [{label: one, description: x}]",
    "intent.yaml": "task: intent\nlabels: [{label: a, description: x}, {label: b, description: y}]",
    "binary.yaml": b"\xff\xfe\x00",
    "colour.yaml": "task: colour\nlabels: []",
    "same.yaml": "task: topics\nlabels: [{label: a, description: x}, {label: a, description: y}]",
    "three.yaml": "task: topics\nlabels: 3",
    "empty.jsonl": "",
    "broken.jsonl": "{",
    "list.jsonl": "[1]",
    "binary.jsonl": b"\xff",
    "no-label.jsonl": '{"text": "x"}',
    "no-text.jsonl": '{"intent": "login_issue"}',
    "typo.jsonl": '{"text": "x", "intent": "logn_issue"}',
    "folder/readme.txt": "no ticket",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A command line as a shell takes it, with variables before it; `told` is a part of what is said."""

    line: str
    code: int
    told: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        return shlex.split(self.line)


def make_files(folder: Path) -> None:
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def usage(line: str, told: str) -> Wrong:
    return Wrong(line, USAGE, told)


def not_ready(line: str, told: str, **variables: str) -> Wrong:
    return Wrong(line, NOT_READY, told, variables)


def unreachable(line: str) -> Wrong:
    return Wrong(line, NOT_READY, "nothing answers at http://127.0.0.1:1", AWS)


USAGES = [
    usage("", "Usage: ticketmill"),
    usage("--bogus", "No such option: --bogus"),
    usage("bogus", "No such command 'bogus'"),
    usage("lisst", "Did you mean 'list'"),
    usage("up extra", "unexpected extra argument"),
    usage("down extra", "unexpected extra argument"),
    usage("doctor extra", "unexpected extra argument"),
    usage("show", "Missing argument"),
    usage("show ''", "expected the id of a ticket"),
    usage("show ' '", "expected the id of a ticket"),
    usage("show T1 T2", "unexpected extra argument"),
    usage("enrich", "Missing argument"),
    usage("enrich ''", "expected a file, or - for stdin"),
    usage("enrich good.json extra", "unexpected extra argument"),
    usage("enrich good.json --jsn", "No such option: --jsn"),
    usage("drop", "Missing argument"),
    usage("list --urgency urgent", "critical"),
    usage("list --sentiment angry", "negative"),
    usage("list --status done", "enriched"),
    usage("list --since yesterday", "24h"),
    usage("list --since -1d", "24h"),
    usage("list --since ''", "24h"),
    usage("list --since 99999999d", "24h"),
    usage("list --limit 0", "--limit"),
    usage("list --limit many", "--limit"),
    usage("list --min-confidence 2", "--min-confidence"),
    usage("list --json --csv", "not both"),
    usage("stats --since soon", "24h"),
    usage("work --processes 0", "--processes"),
    usage("work --max-tickets 0", "--max-tickets"),
    usage("work --for -1", "--for"),
    usage("work --batch-size many", "--batch-size"),
    usage("work --wait-s 21", "--wait-s"),
    usage("work --metrics-port 0", "--metrics-port"),
    usage("backfill", "--all"),
    usage("backfill --status happy", "partial"),
    usage("backfill --limit 0", "--limit"),
    usage("backfill --since never", "24h"),
    usage("dlq", "Usage: ticketmill dlq"),
    usage("dlq bogus", "No such command 'bogus'"),
    usage("deploy --parameter x", "NAME=VALUE"),
    usage("deploy --tag =x", "NAME=VALUE"),
    usage("deploy --template nowhere.yaml", "does not exist"),
    usage("deploy --template folder", "is a directory"),
    usage("evaluate", "Missing option '--data'"),
    usage("evaluate --data typo.jsonl", "Missing option '--label'"),
    usage("evaluate --data typo.jsonl --label intnt", 'did you mean "intent"?'),
    usage("evaluate --data typo.jsonl --label intent --with rulez", "'rules'"),
    usage("evaluate --data typo.jsonl --label sentiment --with rules", "intent and urgency alone"),
    usage("evaluate --data typo.jsonl --label topics --plots plots", "plots"),
    usage("models", "Usage: ticketmill models"),
    usage("models build --precision int4", "'int8'"),
    usage("models pull bogus", "hf:NAME"),
    usage("models pull hf:", "hf:NAME"),
    usage("taxonomy", "Usage: ticketmill taxonomy"),
    usage("taxonomy check", "Missing argument"),
    usage("taxonomy show --task colour", "'topics'"),
    usage("taxonomy show --yaml", "--yaml needs --task"),
    usage("taxonomy show --json --yaml --task intent", "not both"),
]

SETTINGS = [
    not_ready("doctor", "", TICKETMILL_THREADS="0"),
    not_ready("list", "TICKETMILL_THREADS: ", TICKETMILL_THREADS="0"),
    not_ready("list", "did you mean TICKETMILL_THREADS?", TICKETMILL_THREDS="2"),
    not_ready("list", "TICKETMILL_COLOUR: there is no such setting", TICKETMILL_COLOUR="red"),
    not_ready("show T1", "TICKETMILL_STACK: ", TICKETMILL_STACK="UPPER"),
    not_ready("list", "TICKETMILL_QUEUE_URL", TICKETMILL_RAW_BUCKET="x"),
    not_ready("work", "TICKETMILL_HEARTBEAT_S: ", TICKETMILL_HEARTBEAT_S="59"),
    not_ready("work", "TICKETMILL_WAIT_S: ", TICKETMILL_WAIT_S="soon"),
    not_ready("work", "TICKETMILL_LOG_FORMAT: ", TICKETMILL_LOG_FORMAT="xml"),
    not_ready("work", "TICKETMILL_EMF: ", TICKETMILL_EMF="perhaps"),
    not_ready("enrich good.json", "TICKETMILL_INTENT: ", TICKETMILL_INTENT="ruls"),
    not_ready("enrich good.json", "ticketmill models build", TICKETMILL_BUNDLE="/nowhere"),
    not_ready("enrich good.json", "ticketmill models build", TICKETMILL_BUNDLE="good.json"),
    not_ready("models status", "ticketmill models build", TICKETMILL_BUNDLE="/nowhere"),
    not_ready("taxonomy show", "ticketmill models build", TICKETMILL_BUNDLE="/nowhere"),
    not_ready("up", "TICKETMILL_CACHE_DIR", TICKETMILL_CACHE_DIR="/dev/null/cache"),
    not_ready("down", "TICKETMILL_CACHE_DIR", TICKETMILL_CACHE_DIR="/dev/null/cache"),
    not_ready("models build", "TICKETMILL_CACHE_DIR", TICKETMILL_CACHE_DIR="/dev/null/cache"),
]

ENDPOINTS = [
    not_ready("list", "AWS_DEFAULT_REGION"),
    not_ready("list", "AWS_ACCESS_KEY_ID", AWS_REGION="us-east-1"),
    not_ready("list", "nowhere", AWS_PROFILE="nowhere"),
    not_ready("list", "not a region", **{**AWS, "AWS_DEFAULT_REGION": "not a region"}),
    not_ready("list", "ftp://x", **{**AWS, "AWS_ENDPOINT_URL": "ftp://x"}),
    not_ready("list", "127.0.0.1:4566", **{**AWS, "AWS_ENDPOINT_URL": "127.0.0.1:4566"}),
    not_ready("list", "is not an address", **{**AWS, "AWS_ENDPOINT_URL": "http://127.0.0.1:99999"}),
    not_ready("up", "is not an address", **{**AWS, "AWS_ENDPOINT_URL": "http://127.0.0.1:99999"}),
    not_ready("up", "is not an address", **{**AWS, "AWS_ENDPOINT_URL": "nonsense"}),
    not_ready("up", "http://127.0.0.1:4566", **{**AWS, "AWS_ENDPOINT_URL": "https://127.0.0.1:1"}),
    not_ready("down", "is not an address", **{**AWS, "AWS_ENDPOINT_URL": "nonsense"}),
    *map(
        unreachable,
        [
            "list",
            "stats",
            "status",
            "show T1",
            "drop good.json",
            "work --until-empty",
            "backfill --all",
            "dlq list",
            "dlq redrive",
            "deploy",
        ],
    ),
]

INPUTS = [
    not_ready("enrich nowhere.json", "nowhere.json does not exist"),
    not_ready("enrich good.json/x", "does not exist"),
    not_ready("enrich folder", "no .json, .jsonl or .ndjson file"),
    not_ready("drop nowhere.json", "nowhere.json does not exist"),
    Wrong("enrich broken.json", SOME_REJECTED, "broken.json: not_json: "),
    not_ready("taxonomy check nowhere.yaml", "nowhere.yaml cannot be read"),
    not_ready("taxonomy check folder", "folder cannot be read"),
    not_ready("taxonomy check upper.yaml", "use lower case letters"),
    not_ready("taxonomy check not.yaml", "not YAML"),
    not_ready("taxonomy check text.yaml", "expected a mapping"),
    not_ready("taxonomy check one.yaml", "labels: "),
    not_ready("taxonomy check intent.yaml --task topics", "is a taxonomy of intent"),
    not_ready("taxonomy check binary.yaml", "is not UTF-8 text"),
    not_ready("taxonomy check colour.yaml", "'topics' or 'intent'"),
    not_ready("taxonomy check same.yaml", "more than once"),
    not_ready("taxonomy check three.yaml", "labels: "),
    not_ready("models build --topics one.yaml", "one.yaml: labels: "),
    not_ready("models build --intents same.yaml", "is a taxonomy of topics"),
    not_ready("models build --source /nowhere", "no folder /nowhere"),
    not_ready("models train --corpus nowhere.jsonl", "nowhere.jsonl: No such file"),
    not_ready("models train --corpus broken.jsonl", "broken.jsonl, line 1: "),
    not_ready("evaluate --data nowhere.jsonl --label intent", "nowhere.jsonl cannot be read"),
    not_ready("evaluate --data folder --label intent", "folder cannot be read"),
    not_ready("evaluate --data empty.jsonl --label intent", "has no rows"),
    not_ready("evaluate --data broken.jsonl --label intent", "line 1: not JSON"),
    not_ready("evaluate --data list.jsonl --label intent", "expected an object"),
    not_ready("evaluate --data binary.jsonl --label intent", "is not UTF-8 text"),
    not_ready(
        "evaluate --data no-label.jsonl --label intent",
        "no row of no-label.jsonl has intent; there are the fields text",
    ),
    not_ready("evaluate --data no-text.jsonl --label intent", "expected a text"),
    not_ready("evaluate --data typo.jsonl --label intent", "did you mean login_issue?"),
]

ALL = [*USAGES, *SETTINGS, *ENDPOINTS, *INPUTS]

REJECTED = {
    "broken.json": "not_json",
    "list.json": "schema",
    "no-id.json": "schema: ticket_id",
    "empty.json": "not_json",
    "latin.json": "not_utf8",
    "nan.json": "not_json",
    "twice.json": "duplicate_key",
    "blank.json": "empty_text",
    "bad-id.json": "id_unusable",
    "cut-utf16.json": "not_utf8",
    "several.json": "several_tickets: expected one ticket",
    "no-text.json": "text_not_found: expected the text in body, found none there but long texts in note",
    "deep.json": "schema",
}
"""Tickets that can never succeed, and why."""
