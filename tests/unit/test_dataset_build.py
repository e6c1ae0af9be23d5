"""From a journal, files and the corpus to a dataset: what is in it, what is left out, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ticketmill.aws.learning_memory import MemoryLearningItems, MemoryLearningObjects
from ticketmill.domain.dataset import CurrentTicket, Example, LeftOut, Origin
from ticketmill.domain.errors import LearningCode, LearningRefused, SetupError
from ticketmill.domain.label import Correction, CorrectionKind, FoundBy
from ticketmill.domain.ticket import Ticket, TicketMetadata
from ticketmill.learning.annotation_files import FileSpec, gather_file
from ticketmill.learning.annotations import Annotated, Annotation, Gathered
from ticketmill.learning.corpus_annotations import gather_corpus
from ticketmill.learning.dataset_build import DatasetSpec, build, without_example
from ticketmill.learning.dataset_diff import diff
from ticketmill.learning.journal_annotations import gather_journal
from ticketmill.learning.records import DatasetRecords
from ticketmill.learning.snapshots import Snapshot, Snapshots, lines_of

NOW = datetime(2026, 11, 29, 9, tzinfo=UTC)
LABELS = ("login_issue", "bug_report", "payment_issue")
SPEC = DatasetSpec("intent", vocabulary=LABELS)


def words(number: int) -> str:
    return f"ticket {number * 7919:x} about thing {number * 104729:x} since day {number * 1299709:x}"


def gathered(count: int = 60, labels: Sequence[str] = LABELS[:2]) -> Gathered:
    found = Gathered()
    for number in range(count):
        annotation = Annotation("ann", (labels[number % len(labels)],))
        found.add(Annotated(f"TKT-{number}", "", words(number), Origin.FILE, f"h{number}", [annotation]))
    return found


def made(found: Gathered, spec: DatasetSpec = SPEC, parent: Snapshot | None = None) -> Snapshot:
    return build(found, spec, parent, NOW)


def by_id(snapshot: Snapshot) -> dict[str, Example]:
    return {each.example_id: each for each in snapshot.examples}


def refusal(found: Gathered, spec: DatasetSpec = SPEC) -> LearningRefused:
    with pytest.raises(LearningRefused) as refused:
        made(found, spec)
    return refused.value


class Tickets:
    """Tickets of now: each has its id's text, and the content `now`."""

    def __init__(self, *ids: str) -> None:
        self.ids = ids

    def of(self, ticket_ids: Sequence[str]) -> dict[str, CurrentTicket]:
        return {
            each: CurrentTicket(
                "now",
                Ticket(
                    ticket_id=each,
                    subject=f"subject of {each}",
                    body="body",
                    customer_id="C-1",
                    metadata=TicketMetadata(source="chat"),
                ),
            )
            for each in ticket_ids
            if each in self.ids
        }


class Journal:
    def __init__(self, *said: Correction) -> None:
        self.said = said

    def walk(self) -> Iterator[Correction]:
        return iter(self.said)


def said(
    ticket_id: str, label: str | None = "bug_report", content: str = "now", **more: object
) -> Correction:
    given = {
        "ticket_id": ticket_id,
        "number": 1,
        "task": "intent",
        "kind": CorrectionKind.CANNOT_TELL if label is None else CorrectionKind.LABEL,
        "labels": () if label is None else (label,),
        "who": "ann",
        "at": NOW,
        "content_hash": content,
    }
    return Correction.model_validate(given | more)


def test_the_journal_gives_what_people_last_said_with_the_tickets_text() -> None:
    journal = Journal(
        said("TKT-1", number=1),
        said("TKT-1", "login_issue", number=2, who="bob", found_by=FoundBy.AUDIT),
        said("TKT-1", "negative", number=3, task="sentiment"),
        said("TKT-2", kind=CorrectionKind.CONFIRM),
    )
    found = Gathered()
    assert gather_journal("intent", journal, Tickets("TKT-1", "TKT-2"), found) == 2
    first = found.by_id["TKT-1"]
    assert (first.subject, first.source, first.content_hash) == ("subject of TKT-1", "chat", "now")
    assert "customer:C-1" in first.links
    assert [(each.who, each.labels, each.is_audit) for each in first.annotations] == [
        ("ann", ("bug_report",), False),
        ("bob", ("login_issue",), True),
    ]
    assert found.by_id["TKT-2"].annotations[0].labels == ("bug_report",)


def test_labels_of_earlier_content_and_of_tickets_that_are_gone_are_left_out_and_counted() -> None:
    found = Gathered()
    journal = Journal(said("TKT-1", content="earlier"), said("TKT-2"), said("TKT-3"))
    gather_journal("intent", journal, Tickets("TKT-1", "TKT-3"), found)
    assert set(found.by_id) == {"TKT-3"}
    assert found.left_out == {LeftOut.STALE: 1, LeftOut.NO_TICKET: 1}


def written(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_file_has_texts_or_names_tickets_and_several_people_may_label_one(tmp_path: Path) -> None:
    file = written(
        tmp_path / "labels.jsonl",
        [
            {"text": "a text", "intent": "bug_report", "group": 7, "source": "mail"},
            {"id": "r2", "subject": "s", "body": "b", "intent": "bug_report", "annotator": "ann"},
            {"id": "r2", "subject": "s", "body": "b", "intent": "login_issue", "annotator": "bob"},
            {"ticket_id": "TKT-1", "intent": ["login_issue"]},
            {"text": "nobody said anything", "sentiment": "negative"},
        ],
    )
    found = Gathered()
    assert gather_file(file, FileSpec("intent"), Tickets("TKT-1"), found) == 4
    assert len(found.by_id) == 3
    plain = next(each for name, each in found.by_id.items() if name.startswith("text/"))
    assert (plain.text, plain.links, plain.source) == ("a text", ("group:7",), "mail")
    assert [each.who for each in found.by_id["r2"].annotations] == ["ann", "bob"]
    assert found.by_id["TKT-1"].subject == "subject of TKT-1"


def test_a_csv_file_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text('id,subject,body,tags,who\n1,"Hello, you","two\nlines",a;b,ann\n2,x,y,a,\n3,x,y,,bob\n')
    found = Gathered()
    spec = FileSpec("team", "multi", label_field="tags")
    assert gather_file(file, spec, None, found) == 2
    assert found.by_id["1"].body == "two\nlines"
    assert found.by_id["1"].annotations == [Annotation("ann", ("a", "b"))]


def test_the_part_of_a_file_is_taken_that_is_asked_for(tmp_path: Path) -> None:
    rows = [{"text": f"text {n}", "intent": "bug_report", "part": "ab"[n % 2]} for n in range(4)]
    found = Gathered()
    file = written(tmp_path / "labels.jsonl", rows)
    assert gather_file(file, FileSpec("intent", part="a"), None, found) == 2
    assert {each.text for each in found.by_id.values()} == {"text 0", "text 2"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"intent": "x"}, "expected `text`, `subject` and `body`, or `ticket_id`"),
        ({"text": "x", "intent": ["a", "b"]}, "takes one label"),
        ({"text": "x", "intent": {"a": 1}}, "expected a label"),
        ({"text": 7, "intent": "x"}, "expected text"),
        ({"text": "x"}, "no row of"),
    ],
)
def test_an_invalid_row_is_named(tmp_path: Path, row: dict[str, object], told: str) -> None:
    with pytest.raises(SetupError, match=told):
        gather_file(written(tmp_path / "l.jsonl", [row]), FileSpec("intent"), None, Gathered())


def test_a_ticket_that_nobody_knows_is_refused_by_name(tmp_path: Path) -> None:
    file = written(tmp_path / "l.jsonl", [{"ticket_id": "TKT-9", "intent": "bug_report"}])
    with pytest.raises(LearningRefused, match=r"no ticket TKT-9 .*line 1") as refused:
        gather_file(file, FileSpec("intent"), Tickets("TKT-1"), Gathered())
    assert refused.value.code is LearningCode.UNKNOWN_TICKET


def test_the_corpus_is_for_our_tasks_and_never_judges() -> None:
    found = Gathered()
    assert gather_corpus("sentiment", found) > 1000
    assert gather_corpus("product_line", found) == 0
    snapshot = made(found, DatasetSpec("sentiment"))
    assert snapshot.manifest.held_out == 0
    assert set(snapshot.manifest.labels) == {"negative", "neutral", "positive"}
    assert snapshot.sides.trained == frozenset()


def test_the_same_labels_give_the_same_name_and_bytes_and_the_order_does_not_matter() -> None:
    one, other = made(gathered()), gathered()
    other.by_id = dict(reversed(list(other.by_id.items())))
    again = made(other)
    assert one.manifest == again.manifest
    assert lines_of(one.examples) == lines_of(again.examples)
    assert made(gathered(61)).manifest.name != one.manifest.name


def test_the_manifest_counts_what_is_in_it_and_what_is_not() -> None:
    found = gathered()
    found.by_id["TKT-3"].annotations.append(Annotation("bob", ("payment_issue",)))
    found.by_id["TKT-4"].annotations = [Annotation("ann", None)]
    found.left_out[LeftOut.STALE] = 2
    manifest = made(found).manifest
    assert manifest.examples == 58 == sum(manifest.labels.values())
    assert manifest.left_out == {"stale": 2, "cannot_tell": 1, "tie": 1}
    assert manifest.conflicting == 1
    assert [each.example_id for each in manifest.conflicts] == ["TKT-3"]
    assert 0 < manifest.held_out < 20
    assert manifest.origins == {"file": 58}


def test_the_next_dataset_keeps_the_sides_of_the_one_before() -> None:
    first = made(gathered())
    second = made(gathered(120), parent=first)
    assert second.manifest.parent == first.manifest.name
    held = {each.example_id for each in first.held_out}
    assert held < {each.example_id for each in second.held_out}
    assert not {each.example_id for each in first.trained} & {each.example_id for each in second.held_out}


def test_what_judged_is_not_trained_on_even_after_it_was_away() -> None:
    first = made(gathered())
    held = next(iter(first.held_out)).example_id
    away = gathered()
    del away.by_id[held]
    second = made(away, parent=first)
    assert by_id(made(gathered(), parent=second))[held].held_out


def test_a_label_that_the_task_does_not_have_is_refused_with_the_nearest() -> None:
    refused = refusal(gathered(labels=("login_issue", "bug_rapport")))
    assert refused.code is LearningCode.UNKNOWN_LABEL
    assert 'bug_rapport (did you mean "bug_report"?)' in refused.message
    assert made(gathered(labels=("x", "y")), DatasetSpec("intent")).manifest.labels == {"x": 30, "y": 30}


def test_labels_of_the_journal_that_the_task_has_no_more_are_left_out() -> None:
    found = gathered()
    for number in (1, 3):
        found.by_id[f"TKT-{number}"].origin = Origin.JOURNAL
        found.by_id[f"TKT-{number}"].annotations = [Annotation("ann", ("gone",))]
    assert made(found).manifest.left_out == {"unknown_label": 2}


def test_too_few_examples_are_refused_with_the_labels_and_their_numbers() -> None:
    found = gathered()
    found.by_id["TKT-1"].annotations = [Annotation("ann", ("payment_issue",))]
    refused = refusal(found)
    assert refused.code is LearningCode.TOO_FEW_LABELS
    assert "payment_issue has" in refused.message
    assert "--leave-out-rare" in refused.message
    left = made(found, DatasetSpec("intent", vocabulary=LABELS, leave_out_rare=True)).manifest
    assert (left.left_out, set(left.labels)) == ({"rare_label": 1}, set(LABELS[:2]))


def test_one_class_is_refused() -> None:
    assert refusal(gathered(labels=LABELS[:1])).code is LearningCode.ONE_CLASS


def test_examples_of_one_customer_alone_have_no_hold_out() -> None:
    found = gathered()
    for each in found.by_id.values():
        each.links = ("customer:C-1",)
    assert refusal(found).code is LearningCode.NO_HOLD_OUT


def test_nothing_but_stale_labels_or_ties_or_nothing_at_all_is_refused() -> None:
    stale = Gathered()
    stale.left_out[LeftOut.STALE] = 3
    assert refusal(stale).code is LearningCode.STALE_CONTENT
    tied = gathered()
    for each in tied.by_id.values():
        each.annotations.append(Annotation("bob", ("payment_issue",)))
    assert refusal(tied).code is LearningCode.CONFLICTING_LABELS
    assert refusal(Gathered()).code is LearningCode.TOO_FEW_LABELS


def test_of_several_labels_none_may_be_right() -> None:
    found = gathered(labels=("a", "b"))
    for number in range(0, 60, 7):
        found.by_id[f"TKT-{number}"].annotations = [Annotation("ann", ())]
    snapshot = made(found, DatasetSpec("team", "multi"))
    assert by_id(snapshot)["TKT-7"].labels == ()
    assert sum(snapshot.manifest.labels.values()) == 60 - 9


def snapshots() -> Snapshots:
    return Snapshots(DatasetRecords(MemoryLearningItems()), MemoryLearningObjects())


def test_a_snapshot_is_kept_and_read_as_it_was() -> None:
    kept, snapshot = snapshots(), made(gathered())
    kept.save(snapshot)
    assert kept.load(kept.find("intent", snapshot.manifest.name[:5])) == snapshot
    kept.remove(snapshot.manifest)
    assert list(kept.objects.keys("")) == []
    with pytest.raises(LearningRefused, match="dataset build"):
        kept.find("intent")


def test_a_snapshot_whose_examples_were_changed_is_refused() -> None:
    kept, snapshot, other = snapshots(), made(gathered()), made(gathered(61))
    kept.save(snapshot)
    kept.save(other)
    objects = kept.objects
    one, two = (
        next(key for key in objects.keys("") if each.manifest.name in key and "examples" in key)
        for each in (snapshot, other)
    )
    body = objects.get(two)
    assert body is not None
    objects.put(one, body)
    with pytest.raises(LearningRefused) as refused:
        kept.load(snapshot.manifest)
    assert refused.value.code is LearningCode.UNKNOWN_DATASET


def test_a_dataset_without_one_example_says_nothing_of_it() -> None:
    found = gathered()
    found.by_id["TKT-7"].annotations.append(Annotation("bob", ("payment_issue",)))
    found.by_id["TKT-7"].annotations.append(Annotation("cat", ("payment_issue",)))
    found.by_id["TKT-8"].links = ("thread:TKT-7",)
    found.by_id["TKT-7"].links = ("thread:TKT-7",)
    found.by_id["TKT-9"].annotations = [Annotation("ann", ("payment_issue",))]
    snapshot = made(found, DatasetSpec("intent", vocabulary=LABELS, min_trained=1))
    left = without_example(snapshot, "TKT-7")
    assert "TKT-7" not in left.manifest.model_dump_json() + lines_of(left.examples).decode()
    assert "TKT-7" not in left.sides.held_out | left.sides.trained
    assert left.manifest.examples == snapshot.manifest.examples - 1
    assert left.manifest.replaces == snapshot.manifest.name != left.manifest.name
    assert left.manifest.conflicting == 0


def test_a_diff_tells_what_came_what_went_and_what_is_labelled_otherwise() -> None:
    before = made(gathered(60))
    found = gathered(63)
    del found.by_id["TKT-5"]
    found.by_id["TKT-6"].annotations = [Annotation("ann", ("bug_report",))]
    told = diff(before, made(found, parent=before))
    assert (told.added, told.removed) == (("TKT-60", "TKT-61", "TKT-62"), ("TKT-5",))
    assert [(each.example_id, each.before, each.after) for each in told.relabelled] == [
        ("TKT-6", ("login_issue",), ("bug_report",))
    ]
    assert told.labels == {"bug_report": 1, "login_issue": 1}


def test_labels_as_they_were_before_are_the_newest_dataset_again() -> None:
    kept, first = snapshots(), made(gathered())
    kept.save(first)
    later = NOW + timedelta(days=1)
    second = build(gathered(61), SPEC, first, later)
    kept.save(second)
    again = build(gathered(), SPEC, second, later + timedelta(days=1))
    assert again.manifest.name == first.manifest.name
    kept.save(again)
    newest = kept.newest("intent")
    assert newest is not None
    assert (newest.name, newest.parent) == (first.manifest.name, None)
    assert kept.load(newest).sides.knows("TKT-60")
