"""What each policy of the stack allows is what the commands of its holder ask for: no less, and no more."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import Run, WorkOff
from lance_calls import LanceCalls
from rights import Call, Right, allowed_by, check, covered, rights
from rows_contract import row
from surge_place import DECLINED, SurgePlace
from test_promotion import of_one_word
from test_retraining import TASK, labelled

from ticketmill.aws.clients import Clients
from ticketmill.aws.sqs import SqsQueue
from ticketmill.bootstrap import Adapters, encoder_here, make_corrections, open_learning_store
from ticketmill.bootstrap.search import open_index
from ticketmill.domain.enrichment import read_enriched
from ticketmill.domain.job_message import JobMessage, TrainingMessage
from ticketmill.domain.label import CorrectionKind
from ticketmill.domain.labels import Intent
from ticketmill.operations.corrections import Speaker, Word
from ticketmill.operations.indexing import entry_of
from ticketmill.settings import load_settings

RECORDED = Path(__file__).with_name("recorded.py")

# what a worker does with learned versions, and only while there are some
OF_LEARNED_VERSIONS = ("/learning/models/*", "/learning/features/*", "/learning/disagreements/*", "/index/*")

# LanceDB deletes what an hour old version had, at the earliest
DELETES_OLD_VERSIONS = ("/index/*",)

OF_INDEX = ("/index/*",)
"""What forgetting does to an index is compared by a test of its own."""

TICKETS = 60
"""What drift can be judged by; and few enough to be trained on quickly."""

HERE = ["--here", "--since", "1h", "--job-id"]
TRAINING = (
    ["dataset", "build", "--task", TASK],
    ["train", "--task", TASK],
    ["learn", "--check"],
    ["learn", "--until-empty"],
)
LOOKS = (["gaps", "--since", "1h"], ["map", "--since", "1h"])
JOBS = (
    ["jobs", "submit", "index", "--project", "shop", *HERE, "one"],
    ["jobs", "submit", "predict", "--task", TASK, *HERE, "two"],
    ["jobs", "submit", "extract", *HERE, "three"],
    ["jobs", "work", "--until-empty"],
)

Allowed = Callable[..., set[Right]]
Commands = Callable[..., set[Right]]


@pytest.fixture
def asked(environment: dict[str, str], arns: dict[str, str], tmp_path: Path) -> Commands:
    """Runs commands of ours; what they needed of AWS, all together."""

    def run(*commands: list[str]) -> set[Right]:
        calls = tmp_path / f"{uuid.uuid4().hex}.jsonl"
        done = subprocess.run(
            [sys.executable, RECORDED, calls],
            env=environment,
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        assert done.returncode == 0, done.stderr
        lines = calls.read_text(encoding="utf-8").splitlines()
        return {right for line in lines for right in rights(Call(*json.loads(line)), arns)}

    return run


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Right("dynamodb:PutItem", "table/learning", "rollout"), "not allowed"),
        (Right("dynamodb:DeleteItem", "table/learning", "model#intent"), "not allowed"),
        (Right("s3:GetObject", "bucket/tickets/T1.json", ""), "never asked for"),
    ],
)
def test_what_is_not_allowed_or_never_asked_for_is_found(asked: Right, message: str) -> None:
    statements = [
        {
            "Action": ["dynamodb:PutItem", "dynamodb:GetItem"],
            "Resource": "table/learning",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["model#*", "models"]}},
        },
        {"Action": "s3:GetObject", "Resource": "bucket/tickets/*"},
    ]
    fine = {
        Right("dynamodb:PutItem", "table/learning", "model#intent"),
        Right("s3:GetObject", "bucket/tickets/T1", ""),
    }
    with pytest.raises(AssertionError, match=message):
        check(fine | {asked}, allowed_by({"Statement": statements}))


def drop(adapters: Adapters, ticket_id: str) -> None:
    body = json.dumps({"ticket_id": ticket_id, "body": "I was charged twice for one month."})
    adapters.raw_tickets.put(f"tickets/{ticket_id}.json", body.encode())


@pytest.mark.timeout(180)
def test_a_worker_may_do_what_it_does(adapters: Adapters, asked: Commands, allowed: Allowed) -> None:
    drop(adapters, "T1")
    adapters.queue.send("no event")
    # a message that asks for a backfill, and the one that it finds
    adapters.queue.send(json.dumps({"backfill": {"everything": True}}))
    used = asked(["work", "--for", "10"])
    check(used, allowed("WorkerPolicyArn"), seldom=OF_LEARNED_VERSIONS)


@pytest.mark.timeout(180)
def test_an_operator_may_do_what_the_commands_do(
    clients: Clients,
    adapters: Adapters,
    asked: Commands,
    allowed: Allowed,
    work_off: WorkOff,
    tmp_path: Path,
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [{id: a, send: {to: slack, text: '{subject}', url_env: HOOK}}]")
    drop(adapters, "T1")
    work_off()
    drop(adapters, "T2")
    for body in ("no event", '{"ticket_id": "T2"}'):
        adapters.dead_letters.send(body)
    assert adapters.stack.routing_dead_letter_queue_url
    SqsQueue(clients.sqs, adapters.stack.routing_dead_letter_queue_url).send("no delivery")
    sent = clients.sqs.send_message(
        QueueUrl=adapters.stack.dead_letter_queue_url, MessageBody='{"ticket_id": "T1"}'
    )
    message_id = sent["MessageId"]
    used = asked(
        ["status"],
        ["list"],
        ["show", "T1"],
        ["dlq", "list"],
        ["dlq", "explain", "T2"],
        ["dlq", "redrive", "--reason", "unreadable_message"],
        ["dlq", "delete", message_id, "--yes"],
        ["backfill", "--missing"],
        ["dlq", "list", "--deliveries"],
        ["dlq", "redrive", "--deliveries"],
        ["rules", "test", "T1", "--rules", str(rules), "--json"],
    )
    check(used, allowed("OperatorPolicyArn"))


@pytest.mark.timeout(180)
def test_a_corrector_may_do_what_the_commands_do_beside_an_operator(
    adapters: Adapters,
    asked: Commands,
    allowed: Allowed,
    work_off: WorkOff,
    tmp_path: Path,
) -> None:
    drop(adapters, "T1")
    work_off()
    export = tmp_path / "labels.jsonl"
    used = asked(
        ["label", "T1", "--urgency", "high"],
        ["label", "T1", "--confirm"],
        ["label", "T1", "--undo"],
        ["label", "next"],
        ["corrections", "list"],
        ["corrections", "export", str(export)],
        ["corrections", "import", str(export)],
        ["corrections", "reapply"],
    )
    of_operator = allowed("OperatorPolicyArn")
    check(used, allowed("CorrectorPolicyArn"), beside=of_operator)
    assert {right for right in used if covered(right, of_operator)}


@pytest.mark.timeout(180)
def test_a_router_may_do_what_it_does(
    adapters: Adapters,
    environment: dict[str, str],
    asked: Commands,
    allowed: Allowed,
    tmp_path: Path,
) -> None:
    """One delivery is a dry run and succeeds, the other asks for a body that is gone and fails."""
    rules = tmp_path / "rules.yaml"
    zendesk = "send: {to: zendesk, base_url: 'https://x.example', user_env: U, token_env: T}"
    rules.write_text(f"rules: [{{id: a, {zendesk}}}, {{id: b, include_body: true, {zendesk}}}]")
    environment |= {"TICKETMILL_RULES": str(rules), "TICKETMILL_RETRY_BASE_S": "0"}
    assert adapters.rows.put(row(enriched_key="tickets/TKT-001/gone.json"), None)
    used = asked(["route", "--from-start", "--until-empty"])
    check(used, allowed("RouterPolicyArn"))


@pytest.mark.timeout(240)
def test_who_watches_for_surges_may_do_what_the_command_does(
    adapters: Adapters, index_queue: str, stack_name: str, bundle_dir: Path, asked: Commands, allowed: Allowed
) -> None:
    now = datetime.now(UTC)
    place = SurgePlace(load_settings(stack=stack_name, bundle=bundle_dir), adapters)
    place.put_quiet_weeks(now)
    place.put("declined", DECLINED, [now - timedelta(minutes=9 * (10 - number)) for number in range(10)])
    used = asked(["surges", "watch", "--once"])
    assert index_queue
    check(used, allowed("SurgePolicyArn", "-search"), beside=allowed("SearcherPolicyArn", "-search"))


@pytest.fixture
def lance_calls(emulator: str, environment: dict[str, str]) -> Iterator[LanceCalls]:
    """What LanceDB asks for; it names nothing to recorded.py."""
    calls = LanceCalls(emulator)
    environment["AWS_ENDPOINT_URL"] = calls.endpoint_url
    yield calls
    calls.close()


@pytest.mark.timeout(240)
def test_who_indexes_and_who_forgets_may_do_what_the_commands_do(
    adapters: Adapters,
    clients: Clients,
    index_queue: str,
    learning_stack: dict[str, str],
    lance_calls: LanceCalls,
    work_off: WorkOff,
    asked: Commands,
    allowed: Allowed,
) -> None:
    assert learning_stack
    drop(adapters, "T1")
    work_off()
    of_indexer, of_operator = allowed("IndexerPolicyArn", "-search"), allowed("OperatorPolicyArn")
    clients.sqs.send_message(QueueUrl=index_queue, MessageBody="no event")
    working = asked(["index", "work", "--for", "6"]) | lance_calls.taken()
    assert [right for right in working if not covered(right, of_indexer)] == []
    used = asked(["index", "status"], ["index", "verify"], *[["index", "rebuild"]] * 2, ["index", "compact"])
    beside = {*of_operator, *allowed("SearcherPolicyArn", "-search")}
    check(working | used | lance_calls.taken(), of_indexer, beside, seldom=DELETES_OLD_VERSIONS)

    used = asked(["forget", "T1", "--yes"])
    beside = {*of_operator, *allowed("EraserPolicyArn", "-learning")}
    assert [right for right in used | lance_calls.taken() if not covered(right, beside)] == []
    assert any(right.action == "s3:DeleteObjectVersion" and "/index/" in right.resource for right in used)


def test_an_uploader_may_do_what_a_drop_does(asked: Commands, allowed: Allowed, tmp_path: Path) -> None:
    path = tmp_path / "ticket.json"
    path.write_text('{"ticket_id": "T1", "body": "I was charged twice."}', encoding="utf-8")
    check(asked(["drop", str(path)]), allowed("UploaderPolicyArn"))


def exported_version(ticketmill: Run, bundle_dir: Path, tmp_path: Path) -> Path:
    """A version of intent from another place, as a file."""
    settings, file = load_settings(bundle=bundle_dir), tmp_path / "other.zip"
    encoder = encoder_here(settings)
    assert encoder is not None
    version = of_one_word(open_learning_store(settings, tmp_path / "other"), Intent.BUG_REPORT, encoder)
    ticketmill("models", "export", version.name, "--store", tmp_path / "other", "--output", file)
    return file


def index(adapters: Adapters, stack: str, bundle_dir: Path) -> None:
    """Puts the enrichments into the search index."""
    settings = load_settings(stack=stack, bundle=bundle_dir)
    keys = [f"T{number}" for number in range(TICKETS)]
    rows = adapters.rows.get_many(keys).values()
    bodies = [(str(row.enriched_key), adapters.enriched_tickets.get(str(row.enriched_key))) for row in rows]
    entries = [entry_of(read_enriched(body), key) for key, body in bodies]
    open_index(settings).put([each for each in entries if each is not None])


@pytest.fixture
def enriched(
    adapters: Adapters, work_off: WorkOff, index_queue: str, stack_name: str, bundle_dir: Path
) -> None:
    """Tickets of two kinds, in the search index too."""
    for number, (_, text) in enumerate(labelled(TICKETS)):
        body = json.dumps({"ticket_id": f"T{number}", "body": text})
        adapters.raw_tickets.put(f"tickets/T{number}.json", body.encode())
    work_off()
    index(adapters, stack_name, bundle_dir)


def say(adapters: Adapters, bundle_dir: Path) -> None:
    """A person's label for each of them."""
    corrections = make_corrections(load_settings(bundle=bundle_dir), adapters)
    for number, (label, _) in enumerate(labelled(TICKETS)):
        corrections.correct(f"T{number}", {TASK: Word(CorrectionKind.LABEL, (label,))}, Speaker("ann"))


@pytest.mark.timeout(420)
def test_who_trains_decides_and_forgets_may_do_what_the_commands_do(
    enriched: None,
    adapters: Adapters,
    clients: Clients,
    environment: dict[str, str],
    learning_stack: dict[str, str],
    asked: Commands,
    allowed: Allowed,
    ticketmill: Run,
    bundle_dir: Path,
    tmp_path: Path,
) -> None:
    """Once around: a curator defines a task, a trainer trains it, a curator decides, an eraser forgets."""
    defining = asked(
        ["tasks", "add", TASK, "--labels", "router,printer"],
        ["tasks", "add", "spare", "--labels", "one,two"],
        ["tasks", "remove", "spare"],
    )
    say(adapters, bundle_dir)

    queue_url = learning_stack["TrainingQueueUrl"]
    others = learning_stack["PredictionQueueUrl"]
    urls = {"TICKETMILL_TRAINING_QUEUE_URL": queue_url, "TICKETMILL_PREDICTION_QUEUE_URL": others}
    environment |= {**urls, "TICKETMILL_TRAINING_PAUSE_S": "0"}
    sent = ((queue_url, TrainingMessage().body()), (others, JobMessage(job_id="one").body()))
    for url, body in (*sent, (queue_url, "no job"), (others, "no job")):
        clients.sqs.send_message(QueueUrl=url, MessageBody=body)
    check(asked(*TRAINING, *JOBS), allowed("TrainerPolicyArn"))
    for name in urls:
        del environment[name]

    own, other = f"{TASK}/v1", "intent/v1"
    deciding = asked(
        ["tasks", "list"],
        ["models", "import", str(exported_version(ticketmill, bundle_dir, tmp_path))],
        ["models", "list", "--history"],
        ["models", "show", own],
        ["models", "compare", own, own],
        ["models", "export", own, "--output", str(tmp_path / "own.zip")],
        ["models", "shadow", other],
        ["models", "stop", "intent"],
        ["models", "canary", other],
        ["models", "promote", own],
        ["models", "promote", other, "--force", "--reason", "a drill"],
        ["models", "rollback", "intent"],
        ["models", "retire", other],
        ["models", "retire", other, "--undo"],
        ["jobs", "submit", "train", "--task", TASK, "--dataset", "newest", "--job-id", "four"],
        ["jobs", "submit", "predict", "--task", TASK, "--project", "shop", "--job-id", "five"],
        ["jobs", "cancel", "five"],
        ["jobs", "list"],
        ["drift", "--keep-reference"],
        ["drift", "--newest", "50"],
        *LOOKS,
    )
    of_operator = allowed("OperatorPolicyArn")
    beside = of_operator | allowed("CorrectorPolicyArn") | allowed("SearcherPolicyArn")
    check(defining | deciding, allowed("CuratorPolicyArn"), beside)

    check(asked(["forget", "T1", "--yes"]), allowed("EraserPolicyArn"), of_operator, OF_INDEX)
