"""`ticketmill jobs`: index, train, predict, evaluate and extract, here or by a worker."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ticketmill.entrypoints.cli import job_celery
from ticketmill.entrypoints.cli.job_answer import Shown, show_job, tell_jobs
from ticketmill.entrypoints.cli.job_here import run_here
from ticketmill.entrypoints.cli.learned import StoreFolder, Who, open_store
from ticketmill.entrypoints.cli.output import AsJson, ExitCode, answer, answer_json, counted, examples, say
from ticketmill.entrypoints.cli.since import EXPECTED, parse_since

if TYPE_CHECKING:
    from ticketmill.bootstrap.job_queues import JobDesk
    from ticketmill.domain.job import Job, JobRequest
    from ticketmill.learning.job_records import JobRecords
    from ticketmill.settings import Settings

app = typer.Typer(no_args_is_help=True)
app.command(epilog=job_celery.EPILOG)(job_celery.worker)
app.command()(job_celery.status)

POLL_S = 1.0
JobName = Annotated[str, typer.Argument(metavar="JOB", help="Its id.")]
Kind = Annotated[str, typer.Argument(metavar="KIND", help="index, train, predict, evaluate or extract.")]
_DOCUMENTS = "The documents:"
Task = Annotated[str | None, typer.Option(help="Such as intent, or a task of your own.")]
DatasetName = Annotated[
    str | None, typer.Option(help=f"{_DOCUMENTS} how the name of a dataset begins, or `newest`.")
]
Project = Annotated[
    str | None, typer.Option(help=f"{_DOCUMENTS} those of a project; with index the one to add to.")
]
Uri = Annotated[
    str | None, typer.Option(help=f"{_DOCUMENTS} JSON lines or CSV, at s3://BUCKET/KEY or a path.")
]
TicketIds = Annotated[str | None, typer.Option(help=f"{_DOCUMENTS} ids of tickets, between commas.")]
Since = Annotated[str | None, typer.Option(help=f"{_DOCUMENTS} tickets that came since then: {EXPECTED}.")]
Until = Annotated[str | None, typer.Option(help="With --since: and before then.")]
Tokenizer = Annotated[str | None, typer.Option(help="A model of parts: its tokenizer.")]
FeaturesName = Annotated[str | None, typer.Option(help="A model of parts: its features.")]
Classifier = Annotated[str | None, typer.Option(help="A model of parts: its classifier.")]
Locale = Annotated[str | None, typer.Option(help="A model of parts: the language, as in en.")]
Number = Annotated[
    int | None, typer.Option(help="The version that predicts; without it the newest that may serve.")
]
JobIdOption = Annotated[str | None, typer.Option(help="A name of yours: the same one again is the same job.")]
Here = Annotated[bool, typer.Option("--here", help="Run it in this process, and wait for it.")]


@app.command(
    epilog=examples(
        "ticketmill jobs submit index --project shop --uri s3://bucket/tickets.jsonl",
        "ticketmill jobs submit train --task intent --dataset newest",
        "ticketmill jobs submit train --task intent --project shop --classifier svm",
        "ticketmill jobs submit predict --task intent --since 7d",
    )
)
def submit(
    kind: Kind,
    task: Task = None,
    dataset: DatasetName = None,
    project: Project = None,
    uri: Uri = None,
    tickets: TicketIds = None,
    since: Since = None,
    until: Until = None,
    tokenizer: Tokenizer = None,
    features: FeaturesName = None,
    classifier: Classifier = None,
    locale: Locale = None,
    version: Number = None,
    job_id: JobIdOption = None,
    here: Here = False,
    who: Who = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Submit a job: to its queue, or where there is none run it here.

    The queues are those of TICKETMILL_TRAINING_QUEUE_URL and TICKETMILL_PREDICTION_QUEUE_URL, or of the stack
    NAME-learning.
    """
    from uuid import uuid4

    from ticketmill.entrypoints.cli.person import name_of_person
    from ticketmill.settings import load_settings

    settings = load_settings()
    parts = {"tokenizer": tokenizer, "features": features, "classifier": classifier, "locale": locale}
    moments = {"since": _moment(since), "until": _moment(until)}
    places = {"dataset": dataset, "uri": uri, "tickets": _ids(tickets), **moments}
    is_target = kind == "index" and any(places.values())
    asked = {
        "kind": kind,
        "task": task,
        "documents": _given({**places, "project": None if is_target else project}) or {},
        "project": project if kind == "index" else None,
        "parts": _given(parts),
        "version": version,
        "who": name_of_person(settings, who),
    }
    request = _request(_given(asked))
    name = job_id or f"{kind}-{uuid4().hex[:12]}"
    desk = _desk(settings, store)
    if here or store is not None or not desk.has_queue(request.kind):
        _tell_end(run_here(settings, store, name, request), as_json)
        return
    job = desk.submit(name, request)
    if as_json:
        answer_json(job.model_dump(mode="json"))
        return
    answer(job.job_id)
    say(f"it is {job.status}; `ticketmill jobs wait {job.job_id}` waits for it")


@app.command("list")
def list_jobs(
    status: Annotated[
        str | None, typer.Option(help="queued, running, completed, failed or cancelled.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="index, train, predict, evaluate or extract.")] = None,
    task: Annotated[str | None, typer.Option(help="Such as intent.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first."""
    from ticketmill.domain.job import JobKind, JobStatus
    from ticketmill.learning.job_records import JobFilter

    wanted = JobFilter(
        _word(JobStatus, status, "--status") if status else None,
        _word(JobKind, kind, "--kind") if kind else None,
        task,
    )
    tell_jobs(_records(store).newest(wanted, limit), as_json)


@app.command()
def show(job: JobName, store: StoreFolder = None, as_json: AsJson = False) -> None:
    """Show a job: what was asked for, how far it is, and what it gave."""
    show_job(_records(store).find(job), as_json)


@app.command()
def cancel(job: JobName, store: StoreFolder = None, as_json: AsJson = False) -> None:
    """Cancel a job: one that waits at once, a running one at its next batch."""
    found = _records(store).cancel(job, datetime.now(UTC))
    if as_json:
        answer_json(found.model_dump(mode="json"))
    elif found.status == "running":
        answer(f"{job} is asked to stop: it does at its next batch")
    else:
        answer(f"{job} is {found.status}")


@app.command()
def resume(job: JobName, store: StoreFolder = None, as_json: AsJson = False) -> None:
    """Run a job here that nobody runs: its process was killed, or it waits. Where it had begun it goes on.

    A worker that lives keeps its job: then this command waits until it has ended.
    """
    from ticketmill.settings import load_settings

    _tell_end(run_here(load_settings(), store, job), as_json)


@app.command()
def wait(
    job: JobName,
    timeout_s: Annotated[
        float | None, typer.Option(min=0, help="Give up after so many seconds, with exit code 3.")
    ] = None,
    store: StoreFolder = None,
    as_json: AsJson = False,
) -> None:
    """Wait until a job has ended. The exit code is 0 only where it is completed."""
    from ticketmill.learning.job_records import is_final

    records, shown = _records(store), Shown()
    give_up = None if timeout_s is None else time.monotonic() + timeout_s
    found = records.find(job)
    while not is_final(found):
        shown.tell(_told_wait(found), found.done, found.total)
        if give_up is not None and time.monotonic() >= give_up:
            say(f"{job} is {found.status} after {timeout_s:g} s; it goes on without this command")
            raise typer.Exit(ExitCode.NOT_READY)
        time.sleep(POLL_S)
        found = records.find(job)
    _tell_end(found, as_json)


@app.command()
def work(
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="Stop as soon as no message waits on the queues.")
    ] = False,
) -> None:
    """Run the jobs of the queues, one of each queue at a time, until Ctrl-C."""
    from ticketmill import bootstrap
    from ticketmill.aws.clients import connect
    from ticketmill.bootstrap.job_queues import job_queue_urls
    from ticketmill.bootstrap.retraining import open_retrainer
    from ticketmill.domain.errors import SetupError
    from ticketmill.entrypoints.cli.job_worker import work_off
    from ticketmill.settings import load_settings
    from ticketmill.telemetry import logs

    settings = load_settings()
    logs.configure(settings.log_format, verbose=True)
    urls = job_queue_urls(settings, connect())
    if not urls:
        raise SetupError(
            "there is no queue of jobs: deploy infra/learning-service.yaml, or set "
            "TICKETMILL_TRAINING_QUEUE_URL and TICKETMILL_PREDICTION_QUEUE_URL"
        )
    with open_retrainer(settings, bootstrap.connect(settings)) as retrainer:
        seen = work_off(urls.values(), retrainer.run, lambda: retrainer, until_empty)
    say(f"{counted(seen, 'message')} of the queues {', '.join(urls)}")


def _told_wait(job: Job) -> str:
    """What a job does that has not ended."""
    if job.is_orphaned(datetime.now(UTC)):
        return f"its worker died; where no other takes it, `ticketmill jobs resume {job.job_id}` does"
    return job.stage or str(job.status)


def _tell_end(job: Job, as_json: bool) -> None:
    """What a job gave. JobFailed where it was not completed."""
    from ticketmill.learning.jobs import completed

    if as_json:
        answer_json(job.model_dump(mode="json"))
        completed(job)
    else:
        show_job(completed(job), as_json=False)


def _desk(settings: Settings, store: Path | None) -> JobDesk:
    from ticketmill.bootstrap.job_queues import JobDesk, make_job_desk

    records = open_store(settings, store).jobs
    return JobDesk(records, {}) if store is not None else make_job_desk(settings, records)


def _records(store: Path | None) -> JobRecords:
    from ticketmill.settings import load_settings

    return open_store(load_settings(), store).jobs


def _request(asked: Any) -> JobRequest:
    from pydantic import ValidationError

    from ticketmill.domain.job import JobRequest

    try:
        return JobRequest.model_validate(asked)
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the job'}: {each['msg'].removeprefix('Value error, ')}"
            for each in error.errors(include_url=False, include_input=False)
        )
        raise typer.BadParameter(told) from None


def _given(values: dict[str, Any]) -> dict[str, Any] | None:
    """What was given of some options; None for nothing."""
    return {name: value for name, value in values.items() if value is not None} or None


def _ids(tickets: str | None) -> Sequence[str] | None:
    return None if tickets is None else tuple(each.strip() for each in tickets.split(",") if each.strip())


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_since(text)


def _word(words: Any, text: str, option: str) -> Any:
    try:
        return words(text)
    except ValueError:
        raise typer.BadParameter(f"expected one of {', '.join(words)}", param_hint=option) from None
