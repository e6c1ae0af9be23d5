"""Every object key and every index key is made here, and read here."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from urllib.parse import quote

TICKETS_PREFIX = "tickets/"
TICKET_SUFFIX = ".json"

PROBE_PREFIX = f"{TICKETS_PREFIX}ticketmill-probe-"
"""Objects that `ticketmill up` drops to see their event arrive. A worker ignores them."""

OUTAGE_PROBE = f"{PROBE_PREFIX}outage"
"""An object and a row that never exist: a worker asks for them to see whether S3 and DynamoDB answer."""

INDEX_SHARDS = 16
"""Each index spreads its entries over so many keys. DynamoDB writes 1,000 units a second to one key, and an
upload that replaces another takes two: 16 keys take 5,000 tickets a second where all of them are replaced.
It can only grow: rows stay in the shard that they were written to."""

SHARDS = tuple(map(str, range(INDEX_SHARDS)))

RESERVED_NAMES = "#"
"""What begins the keys of table items that are no ticket's row. No ticket id begins with it."""
SERVING_KEY = f"{RESERVED_NAMES}serving"
"""The item of the serving decisions, in the table of the rows."""
JOURNAL_PREFIX = "label#"
"""Begins the partitions of the label journal in the learning table."""

LEARNING_PREFIX = "learning/"
"""Begins the keys of datasets, cached features and learned models in the enriched bucket."""
DATASETS_PREFIX = f"{LEARNING_PREFIX}datasets/"
FEATURES_PREFIX = f"{LEARNING_PREFIX}features/"
READINGS_FILE = f"{LEARNING_PREFIX}readings.bin"
"""The hashes of texts that are a person's own words from end to end."""
DISAGREEMENTS_PREFIX = f"{LEARNING_PREFIX}disagreements/"
ROLLOUT_KEY = "rollout"
"""The partition of the decisions on learned versions in the learning table, one a serial."""
MODEL_TASKS_KEY = "models"
"""The partition of the tasks that have learned versions in the learning table."""
TRAINING_KEY = "training"
"""The partition of the trainings under way in the learning table, one a task."""
JOBS_KEY = "job"
"""The partition of the jobs in the learning table, by the time of their submission."""
JOB_IDS_KEY = "job-id"
"""The partition that says where the job of an id stands among the jobs."""
JOB_WORKERS_KEY = "job-worker"
"""The partition of the workers that run jobs, by their names."""
DOCUMENTS_PREFIX = f"{LEARNING_PREFIX}documents/"
PREDICTIONS_PREFIX = f"{LEARNING_PREFIX}predictions/"
EXTRACTED_PREFIX = f"{LEARNING_PREFIX}extracted/"

SURGES_KEY = "surge"
"""The partition of the surges in the learning table, by day."""

INDEX_PREFIX = "index/"
"""Begins the keys of the search index in the enriched bucket."""
FIRST_GENERATION = "first"
"""The generation of a search index that was never rebuilt."""

ROUTING_KEY = f"{RESERVED_NAMES}routing"
"""The item that says how far the changes of rows are routed, in the table of the rows."""


def routing_failure_key(idempotency_key: str) -> str:
    """The table key of why a delivery failed."""
    return f"{ROUTING_KEY}#{idempotency_key}"


def raw_key(ticket_id: str) -> str:
    """The key of a raw ticket that is dropped under its id."""
    return f"{TICKETS_PREFIX}{ticket_id}{TICKET_SUFFIX}"


def id_of_key(key: str) -> str:
    """The name of a ticket whose id cannot be read: its key, without prefix and suffix.

    Whoever uploads chooses the key: a reserved name keeps the prefix.
    """
    name = key.removeprefix(TICKETS_PREFIX).removesuffix(TICKET_SUFFIX) or key
    return f"{TICKETS_PREFIX}{name}" if name.startswith(RESERVED_NAMES) else name


def is_ticket_key(key: str) -> bool:
    """Whether an object of that key is a ticket: neither a probe nor what macOS leaves beside files."""
    return key.endswith(TICKET_SUFFIX) and not key.startswith(PROBE_PREFIX) and not is_macos_metadata(key)


def is_macos_metadata(path: str) -> bool:
    """Whether a key or path is metadata that macOS writes beside files: `._name`, or under `__MACOSX/`."""
    *folders, name = path.split("/")
    return name.startswith("._") or "__MACOSX" in folders


def checkpoint_key(run: str) -> str:
    """The table key of a backfill run's checkpoint. No ticket has it: ids begin with a letter or a digit."""
    return f"#backfill#{run}"


def journal_key(ticket_id: str) -> str:
    """The partition of a ticket's corrections in the learning table, as in `label#TKT-001`."""
    return f"{JOURNAL_PREFIX}{ticket_id}"


def journal_position(number: int) -> str:
    """Where a correction stands among those of its ticket: of one width, so that texts sort as numbers."""
    return f"{number:08}"


def serial_position(serial: int) -> str:
    """Where a decision, or a version, stands among others: of one width, so that texts sort as numbers."""
    return f"{serial:08}"


def versions_key(task: str) -> str:
    """The partition of a task's learned versions in the learning table, as in `model#intent`."""
    return f"model#{task}"


def datasets_key(task: str) -> str:
    """The partition of a task's datasets in the learning table, as in `dataset#intent`."""
    return f"dataset#{task}"


MAX_POSITION_CHARS = 200

TASK_DEFINITIONS_KEY = "task"
"""The partition of the definitions of your own tasks in the learning table."""


def dataset_file(task: str, name: str, file: str) -> str:
    """The object key of a file of a dataset."""
    return f"{DATASETS_PREFIX}{task}/{name}/{file}"


def features_file(encoder: str, file: str) -> str:
    """The object key of a file of cached features; `encoder` is the fingerprint of what read the texts."""
    return f"{FEATURES_PREFIX}{encoder}/{file}"


def model_file(task: str, content: str, file: str) -> str:
    """The object key of a file of a learned version; `content` is the hash of its files."""
    return f"{LEARNING_PREFIX}models/{task}/{content}/{file}"


def job_position(created_at: datetime, job_id: str) -> str:
    """Where a job stands among the jobs: positions sort by the time of the submission."""
    return f"{utc_text(created_at)}#{job_id}"


def documents_file(project: str, moment: datetime, content: str) -> str:
    """The object key of documents of a project; keys sort by the time of the job that keeps them."""
    return f"{DOCUMENTS_PREFIX}{project}/{utc_text(moment)}-{content}.jsonl.gz"


def documents_prefix(project: str) -> str:
    """What begins the keys of a project's documents."""
    return f"{DOCUMENTS_PREFIX}{project}/"


def predictions_file(task: str, number: int, job_id: str) -> str:
    """The object key of what a version says of the documents of a job."""
    return f"{PREDICTIONS_PREFIX}{task}/v{number}/{job_id}.jsonl"


def predictions_part(task: str, number: int, job_id: str, batch: str) -> str:
    """The object key of one batch of them while the job runs; `batch` is the hash of its documents."""
    return f"{predictions_parts(task, number, job_id)}{batch}.jsonl"


def predictions_parts(task: str, number: int, job_id: str) -> str:
    """What begins the keys of the batches of a job."""
    return f"{PREDICTIONS_PREFIX}{task}/v{number}/{job_id}/"


def extracted_file(job_id: str) -> str:
    """The object key of the features that a job extracts."""
    return f"{EXTRACTED_PREFIX}{job_id}.npz"


def predictions_key(task: str) -> str:
    """The partition of the latest prediction of each document in the learning table."""
    return f"prediction#{task}"


def document_position(document_id: str) -> str:
    """Where a document stands in a partition: a name that a folder can have, too."""
    quoted = quote(document_id, safe=":@+=-", errors="surrogatepass")
    digest = hashlib.sha256(quoted.encode()).hexdigest()
    return quoted if len(quoted) <= MAX_POSITION_CHARS else f"sha256-{digest}"


DRIFT_REFERENCE_FILE = f"{LEARNING_PREFIX}drift/reference.npz"
"""The object key of the tickets that the newest ones are compared with."""
DRIFT_REPORTS_PREFIX = f"{LEARNING_PREFIX}drift/reports/"
"""What begins the keys of kept reports of drift."""
GAP_REPORT_FILE = f"{LEARNING_PREFIX}gaps.json"
"""The object key of the last report of what the taxonomy lacks."""
TICKET_MAP_FILE = f"{LEARNING_PREFIX}map.json"
"""The object key of the last map of tickets."""


def drift_report_file(at: datetime) -> str:
    """The object key of a day's report of drift, as in `learning/drift/reports/11-29.json`: the same every
    year."""
    return f"{DRIFT_REPORTS_PREFIX}{at.astimezone(UTC):%m-%d}.json"


def disagreement_file(task: str, number: int, ticket_id: str) -> str:
    """The object key of a ticket on which a shadow and the serving model disagree."""
    return f"{DISAGREEMENTS_PREFIX}{task}/v{number}/{ticket_id}.json"


def delivery_key(source: str, delivery_id: str) -> str:
    """The table key of a webhook's delivery. No ticket has it."""
    return f"#delivery#{source}#{delivery_id}"


def enriched_key(ticket_id: str, content_hash: str, fingerprint: str, attempt: str) -> str:
    """The key of an enriched ticket.

    It names the attempt, so that no attempt overwrites the object that a row points to.
    """
    return f"{enriched_prefix(ticket_id)}{content_hash}-{fingerprint}-{attempt}{TICKET_SUFFIX}"


def enriched_prefix(ticket_id: str) -> str:
    """What begins the keys of a ticket's enrichments."""
    return f"{TICKETS_PREFIX}{ticket_id}/"


def ticket_of_enriched_key(key: str) -> str:
    """The ticket whose enrichment stands at a key."""
    return key.removeprefix(TICKETS_PREFIX).rpartition("/")[0]


def index_folder(embedding_model: str) -> str:
    """What begins the keys of the search index of one embedding model; no other model's vectors are there."""
    name = re.sub(r"[^A-Za-z0-9.-]+", "-", embedding_model)
    digest = hashlib.sha256(embedding_model.encode()).hexdigest()[:8]
    return f"{INDEX_PREFIX}{name[:80]}-{digest}/"


def vector_index(index: str, embedding_model: str) -> str:
    """The name of the index of S3 Vectors of one embedding model, as in `tickets-1a2b3c4d`."""
    return f"{index}-{hashlib.sha256(embedding_model.encode()).hexdigest()[:8]}"


def generation_folder(folder: str, generation: str) -> str:
    """What begins the keys of one generation of the index in a folder."""
    return f"{folder}{generation}/"


def generation_pointer(folder: str) -> str:
    """The key of the object that names the generation that is searched."""
    return f"{folder}current"


def new_generation(at: datetime, token: str) -> str:
    """The name of a generation that is begun at a time: names sort by it, and `token` tells two apart."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{token}"


def index_shard(ticket_id: str) -> str:
    """The shard of the indexes that a ticket's row is in, as in `7`: the same for ever."""
    return str(hashlib.blake2b(ticket_id.encode(), digest_size=2).digest()[1] % INDEX_SHARDS)


def status_shard(status: str, shard: str) -> str:
    """The key of one status in one shard, as in `enriched#7`."""
    return f"{status}#{shard}"


def index_position(moment: datetime, ticket_id: str) -> str:
    """Where a ticket stands in an index: positions sort by time, and no two tickets share one."""
    return f"{utc_text(moment)}#{ticket_id}"


def moment_of(position: str) -> datetime:
    """The time of a position."""
    return datetime.fromisoformat(position.partition("#")[0])


def ticket_of(position: str) -> str:
    """The ticket of a position."""
    return position.partition("#")[2]


def utc_text(moment: datetime) -> str:
    """A time as `2026-11-21T09:30:00.000000Z`: one width, so that the order of texts is that of times."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
