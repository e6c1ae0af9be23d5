from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ticketmill.aws.events import decode, encode_backfill, encode_upload
from ticketmill.domain.backfill import Selection
from ticketmill.domain.keys import PROBE_PREFIX
from ticketmill.domain.labels import Status
from ticketmill.domain.message import BackfillRequest, Ignored, Upload, Uploads

PAYLOADS = Path(__file__).parents[2] / "events" / "payloads"
AWS_BUCKET = "ticketmill-raw-111122223333-eu-central-1"
KEY = "tickets/a b+ü/c.json"


def event(name: str) -> str:
    return (PAYLOADS / name).read_text(encoding="utf-8")


def notification(**changes: Any) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(event("aws/s3.json"))["Records"][0]
    return {"Records": [{**record, **changes}]}


def payloads(fits: Callable[[str], bool]) -> list[str]:
    """The recorded payloads by place and way, but for those of our own."""
    names = sorted(str(path.relative_to(PAYLOADS)) for path in PAYLOADS.glob("*/*.json"))
    return [name for name in names if fits(name)]


def uploads_of(body: str, raw_bucket: str) -> list[Upload]:
    """The uploads that a body announces; it must announce nothing else."""
    announcement = decode(body, raw_bucket)
    assert isinstance(announcement, Uploads)
    assert announcement.skipped == ()
    return list(announcement.uploads)


def announces_no_upload(name: str) -> bool:
    return name.endswith("-test-event.json") or name == "moto/eventbridge-2.json"


def bucket_of(name: str) -> str:
    """The bucket that the upload of a recorded payload went to."""
    return AWS_BUCKET if name.startswith("aws/") else f"ticketmill-raw-{Path(name).stem}"


@pytest.mark.parametrize("name", payloads(lambda name: not announces_no_upload(name)))
def test_every_place_announces_the_same_key_by_every_way(name: str) -> None:
    (upload,) = uploads_of(event(name), bucket_of(name))
    assert upload.bucket == bucket_of(name)
    assert KEY in (upload.key, upload.fallback_key)


@pytest.mark.parametrize("name", payloads(announces_no_upload))
def test_a_test_event_or_one_of_tags_announces_nothing(name: str) -> None:
    assert isinstance(decode(event(name), bucket_of(name)), Ignored)


def test_every_place_has_a_payload_of_every_way() -> None:
    ways = {"s3", "s3-via-sns", "s3-via-sns-raw", "eventbridge"}
    for place in ("aws", "localstack", "ministack", "moto"):
        assert {Path(name).stem for name in payloads(lambda name: name.startswith(f"{place}/"))} >= ways  # noqa: B023


@pytest.mark.parametrize(
    ("place", "way", "key", "fallback_key"),
    [
        ("aws", "s3", KEY, "tickets/a+b%2B%C3%BC/c.json"),
        ("ministack", "s3", KEY, "tickets/a+b%2B%C3%BC/c.json"),
        ("localstack", "s3", KEY, "tickets/a%20b%2B%C3%BC/c.json"),
        ("moto", "s3", KEY, "tickets%2Fa+b%2B%C3%BC%2Fc.json"),
        ("aws", "eventbridge", KEY, KEY),
        ("ministack", "eventbridge", KEY, KEY),
        ("moto", "eventbridge", KEY, KEY),
        ("localstack", "eventbridge", "tickets/a%20b%2B%C3%BC/c.json", KEY),
    ],
)
def test_both_readings_of_a_key_are_kept_the_one_of_aws_first(
    place: str, way: str, key: str, fallback_key: str
) -> None:
    name = f"{place}/{way}.json"
    (upload,) = uploads_of(event(name), bucket_of(name))
    assert (upload.key, upload.fallback_key) == (key, fallback_key)


def test_a_key_that_a_sender_does_not_encode_is_kept_as_it_is() -> None:
    body = event("aws/s3.json").replace("tickets/a+b%2B%C3%BC/c.json", KEY)
    (upload,) = uploads_of(body, AWS_BUCKET)
    assert upload.fallback_key == KEY


def test_a_bare_ticket_id_stands_for_its_key() -> None:
    key = "tickets/TKT-001.json"
    assert uploads_of(event("ticket-id.json"), "raw") == [Upload(bucket="raw", key=key, fallback_key=key)]


def test_an_eventbridge_key_is_taken_at_its_word_before_it_is_decoded() -> None:
    """On AWS `100%25+1` is the key of an object; `100%+1` may be that of another."""
    body = event("aws/eventbridge.json").replace("a b+ü", "100%25+1")
    (upload,) = uploads_of(body, AWS_BUCKET)
    assert (upload.key, upload.fallback_key) == ("tickets/100%25+1/c.json", "tickets/100%+1/c.json")


def test_all_records_of_a_notification_are_read() -> None:
    records = [notification()["Records"][0] for _ in range(3)]
    for number, record in enumerate(records):
        record["s3"]["object"]["key"] = f"tickets/{number}.json"
    assert len(uploads_of(json.dumps({"Records": records}), AWS_BUCKET)) == 3


def test_events_of_other_kinds_announce_nothing() -> None:
    assert isinstance(decode(json.dumps(notification(eventName="ObjectRemoved:Delete")), AWS_BUCKET), Ignored)
    deleted = event("aws/eventbridge.json").replace("Object Created", "Object Deleted")
    assert isinstance(decode(deleted, AWS_BUCKET), Ignored)


def test_multipart_and_copied_uploads_are_uploads() -> None:
    for name in ("ObjectCreated:CompleteMultipartUpload", "ObjectCreated:Copy", "ObjectCreated:Post"):
        assert uploads_of(json.dumps(notification(eventName=name)), AWS_BUCKET)


@pytest.mark.parametrize("key", [f"{PROBE_PREFIX}0123.json", "tickets/._T1.json", "tickets/__MACOSX/T1.json"])
def test_a_probe_of_ours_and_metadata_of_macos_are_named_but_announce_nothing(key: str) -> None:
    body = event("aws/eventbridge.json").replace(KEY, key)
    assert decode(body, AWS_BUCKET) == Ignored("no_ticket", (key,))


@pytest.mark.parametrize("name", ["minio/s3.json", "minio/s3-documented.json"])
def test_the_event_of_minio_is_read_under_either_of_its_names(name: str) -> None:
    assert [each.key for each in uploads_of(event(name), bucket_of(name))] == [KEY]


class TestForeignRecords:
    """Records that are not ours, in a message that has others."""

    def body(self, *foreign: object) -> str:
        return json.dumps({"Records": [*foreign, *notification()["Records"]]})

    @pytest.mark.parametrize(
        ("foreign", "problem"),
        [
            ({"eventSource": "aws:kinesis", "eventName": "secret"}, "record of another kind"),
            ("secret", "found one without"),
            (None, "found one without"),
            ({**notification()["Records"][0], "s3": {"bucket": {"name": "secret"}}}, "another kind"),
        ],
    )
    def test_one_is_skipped_and_the_others_are_read(self, foreign: object, problem: str) -> None:
        announcement = decode(self.body(foreign), AWS_BUCKET)
        assert isinstance(announcement, Uploads)
        assert [each.key for each in announcement.uploads] == [KEY]
        assert problem in announcement.skipped[0]
        assert "secret" not in announcement.skipped[0]

    def test_one_of_another_bucket_is_skipped_too(self) -> None:
        other = json.loads(json.dumps(notification()["Records"][0]).replace(AWS_BUCKET, "other"))
        announcement = decode(self.body(other), AWS_BUCKET)
        assert isinstance(announcement, Uploads)
        assert [each.bucket for each in announcement.uploads] == [AWS_BUCKET]
        assert len(announcement.skipped) == 1

    def test_of_foreign_records_alone_nothing_can_be_read(self) -> None:
        with pytest.raises(ValueError, match="eventSource"):
            decode(json.dumps({"Records": ["a", "b"]}), AWS_BUCKET)


@pytest.mark.parametrize(
    "name",
    ["aws/s3.json", "aws/s3-via-sns.json", "aws/eventbridge.json"],
    ids=["straight", "sns", "eventbridge"],
)
def test_an_event_of_another_bucket_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="another bucket"):
        decode(event(name), "not-that-bucket")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "secret words",
        "[]",
        "null",
        '"secret words"',
        "[" * 100_000,
        "{}",
        '{"secret": "words"}',
        '{"Records": ["secret words"]}',
        '{"Records": [{"eventSource": "aws:kinesis", "eventName": "aws:kinesis:record"}]}',
        '{"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": {}}}]}',
        '{"detail-type": "secret words", "source": "my.own"}',
        '{"detail-type": "Object Created", "source": "aws.s3", "detail": {}}',
        '{"Type": "Notification", "Message": "secret words"}',
        '{"Type": "SubscriptionConfirmation", "Message": "secret words"}',
        '{"ticket_id": " "}',
        json.dumps({"ticket_id": "secret words" * 20}),
        '{"ticket_id": null}',
        '{"ticket_id": ["TKT-001"]}',
        '{"ticket_id": "TKT-001", "body": "secret words"}',
        json.dumps(notification()).replace("tickets/a+b%2B%C3%BC/c.json", r"tickets/\ud83d.json"),
        json.dumps(notification()).replace("tickets/a+b%2B%C3%BC/c.json", ""),
    ],
)
def test_what_is_not_known_is_refused_without_quoting_it(body: str) -> None:
    with pytest.raises(ValueError, match="expected") as refusal:
        decode(body, AWS_BUCKET)
    assert "secret" not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize(
    ("ticket_id", "key"),
    [("TKT-001", "tickets/TKT-001.json"), ("#1042", "tickets/esc:=231042.json"), (" T ", "tickets/T.json")],
)
def test_a_ticket_is_asked_for_by_the_id_that_its_sender_knows(ticket_id: str, key: str) -> None:
    (upload,) = uploads_of(json.dumps({"ticket_id": ticket_id}), AWS_BUCKET)
    assert (upload.key, upload.fallback_key) == (key, key)


@pytest.mark.parametrize(
    "key", [KEY, "tickets/100%+1.json", "tickets/%41.json", '2026/"\\.json', "tickets/ä&=?.json"]
)
def test_an_announcement_of_ours_is_read_as_the_object_that_it_announces(key: str) -> None:
    (upload,) = uploads_of(encode_upload("raw", key), "raw")
    assert (upload.bucket, upload.key) == ("raw", key)


def test_an_announcement_of_ours_says_whether_to_enrich_again_what_is_known() -> None:
    (upload,) = uploads_of(encode_upload("raw", KEY, force=True), "raw")
    assert (upload.key, upload.force) == (KEY, True)
    (upload,) = uploads_of(encode_upload("raw", KEY), "raw")
    assert not upload.force


SCHEDULED = Selection(missing=True, statuses=frozenset({Status.PARTIAL}), min_age_s=3600, max_age_s=604800)


def in_sns(body: str) -> str:
    return json.dumps({"Type": "Notification", "TopicArn": "arn:aws:sns:…:tickets", "Message": body})


@pytest.mark.parametrize("wrap", [str, in_sns], ids=["straight", "sns"])
def test_a_backfill_is_read_as_what_it_selects_by_whichever_way_it_comes(wrap: Callable[[str], str]) -> None:
    assert decode(wrap(event("backfill.json")), "raw") == BackfillRequest(SCHEDULED)


def test_the_continuation_of_a_backfill_keeps_its_times_its_run_and_its_own_name() -> None:
    now = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
    selection = SCHEDULED.at(now).model_copy(update={"after": KEY, "force": True})
    request = BackfillRequest(selection, run="run", token="token")
    assert decode(encode_backfill(request), "raw") == request
    assert selection.uploaded_since == now - timedelta(days=7)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "expected one of everything, missing"),
        ({"missing": True, "status": ["partial"]}, "status: "),
        ({"statuses": ["enriched"]}, "statuses"),
        ({"missing": True, "min_age_s": -1}, "min_age_s"),
        ("all", "backfill of what we know"),
        ({"missing": True, "uploaded_since": "2026-11-21T09:30:00"}, "uploaded_since"),
    ],
)
def test_a_backfill_of_something_unknown_is_unreadable(asked: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        decode(json.dumps({"backfill": asked}), "raw")


@pytest.mark.parametrize("link", [{"run": 1}, {"token": None}, {"run": "x" * 129}])
def test_a_backfill_with_an_unusable_run_is_unreadable(link: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="run and token"):
        decode(json.dumps({"backfill": {"missing": True}, **link}), "raw")


def test_the_schedule_of_the_template_sends_the_backfill_of_the_samples() -> None:
    template = (PAYLOADS.parents[1] / "infra" / "template.yaml").read_text(encoding="utf-8")
    (sent,) = re.findall(r'^ +(\{"backfill".*\})$', template, re.MULTILINE)
    assert json.loads(sent) == json.loads(event("backfill.json"))
