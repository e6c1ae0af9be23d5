"""Bulk runs in folders, with a fake of the enricher: what is stored, done again, and refused."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeEnricher

from ticketmill.bootstrap.bulk import Followed, make_engine
from ticketmill.bulk.cutting import SUFFIXES, cut
from ticketmill.bulk.folder import FolderInputs, FolderOutputs
from ticketmill.bulk.part_enricher import SETUP, FailedPart, Outcome, PartEnricher
from ticketmill.bulk.run import MAX_FAILED_PARTS, SUCCESS, Plan, Summary, in_this_process, progress_of, run
from ticketmill.domain.bulk import Part
from ticketmill.domain.enrichment import read_enriched
from ticketmill.domain.errors import SetupError, TransientFailure
from ticketmill.domain.intake import parse_ticket
from ticketmill.domain.labels import Status
from ticketmill.pipeline.documents import DocumentEnricher
from ticketmill.settings import load_settings

SECRET = "my card is lost"


@dataclass
class Folder:
    """A folder that notes what was stored, in order, and can fail at a name."""

    folder: Path
    stored: list[str] = field(default_factory=list)
    fails_at: str = "nowhere"

    def __post_init__(self) -> None:
        real = FolderOutputs(self.folder)
        self.location, self.names, self.get, self.delete = real.location, real.names, real.get, real.delete
        self._put = real.put

    def put(self, name: str, body: bytes) -> None:
        if self.fails_at in name:
            raise TransientFailure("storing: SlowDown", "SlowDown")
        self._put(name, body)
        self.stored.append(name)


@dataclass
class Place:
    """Three files of thirty tickets, of which one is broken, and the folder for what comes of them."""

    folder: Path
    enricher: FakeEnricher = field(default_factory=FakeEnricher)
    made_by: str = "f1"
    part_bytes: int = 500

    def __post_init__(self) -> None:
        self.inputs = FolderInputs(str(self.folder / "in" / "*"), SUFFIXES)
        self.outputs = Folder(self.folder / "out")

    def write(self, name: str, lines: Sequence[str]) -> Path:
        path = self.folder / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    @property
    def plan(self) -> Plan:
        sources = self.inputs.find()
        parts = tuple(cut(sources, lambda _: (0, 0), self.part_bytes))
        return Plan(tuple(sources), parts, self.made_by, "jsonl")

    def worker(self) -> PartEnricher:
        documents = DocumentEnricher(self.enricher, parse_ticket, 10_000)  # type: ignore[arg-type]
        return PartEnricher(
            documents, self.inputs, self.outputs, self.made_by, "jsonl", lambda *_: iter(()), lambda _: b""
        )

    def run(self, most_parts: int | None = None) -> Summary:
        """A run; with `most_parts` one that is killed after so many."""
        plan = self.plan
        engine = partial(in_this_process, self.worker)
        progress = progress_of(plan, self.outputs)
        if most_parts is not None:
            progress = replace(progress, rest=progress.rest[:most_parts])
        return run(plan, progress, self.outputs, engine, lambda: None)

    def ids(self) -> list[str]:
        bodies = [path.read_bytes() for path in sorted(self.outputs.folder.glob("enriched-*.jsonl"))]
        return [read_enriched(line).ticket_id for body in bodies for line in body.splitlines()]

    def rejections(self) -> list[dict[str, Any]]:
        bodies = [path.read_text() for path in sorted(self.outputs.folder.glob("rejected-*.jsonl"))]
        return [json.loads(line) for body in bodies for line in body.splitlines()]

    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.outputs.get(SUCCESS))
        return manifest


def raw(number: int, body: str = "The printer is on fire.") -> str:
    return json.dumps({"ticket_id": f"T{number:03d}", "body": body})


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    for name, first in (("a.jsonl", 0), ("b.ndjson", 10), ("c.jsonl", 20)):
        made.write(name, [raw(number) for number in range(first, first + 10)])
    made.write("b.ndjson", ["", *map(raw, range(10, 14)), f'{{"ticket_id": 1e999, "body": "{SECRET}"}}'])
    made.write("notes.md", ["no tickets"])
    return made


ALL = [f"T{number:03d}" for number in (*range(14), *range(20, 30))]


def test_every_ticket_is_enriched_once_or_rejected(place: Place) -> None:
    summary = place.run()
    assert place.ids() == ALL
    assert (summary.enriched, summary.rejected, summary.partial) == (24, 1, 0)
    assert summary.parts == summary.parts_stored > 3


def test_a_rejection_says_code_and_place_and_nothing_of_the_text(place: Place) -> None:
    place.run()
    (rejection,) = place.rejections()
    body = (place.folder / "in" / "b.ndjson").read_bytes()
    assert rejection["code"] == "not_json"
    assert Path(rejection["source"]).name == "b.ndjson"
    assert body[rejection["at"] :].startswith(b'{"ticket_id": 1e999')
    assert SECRET not in json.dumps(rejection)


def test_a_ticket_that_a_bug_stops_harms_no_other(place: Place) -> None:
    place.write("d.jsonl", [raw(90), raw(91, "poison"), raw(92)])
    summary = place.run()
    assert place.ids() == [*ALL, "T090", "T092"]
    assert (summary.enriched, summary.rejected) == (26, 2)
    assert [(each["code"], each["message"]) for each in place.rejections()][1] == ("fault", "RuntimeError")


def test_partial_tickets_are_counted(place: Place) -> None:
    place.enricher.status = Status.PARTIAL
    assert place.run().partial == 24
    assert place.manifest()["partial"] == 24


def test_the_manifest_counts_and_names_the_inputs(place: Place) -> None:
    place.run()
    told = place.manifest()
    assert (told["tickets"], told["enriched"], told["rejected"], told["made_by"]) == (25, 24, 1, "f1")
    assert [Path(each["name"]).name for each in told["inputs"]] == ["a.jsonl", "b.ndjson", "c.jsonl"]


@pytest.mark.parametrize("most_parts", [0, 1, 3])
def test_a_run_goes_on_where_another_was_killed(place: Place, most_parts: int) -> None:
    first = place.run(most_parts)
    assert first.parts_stored == most_parts
    assert SUCCESS not in place.outputs.names()
    again = place.run()
    assert again.parts_done_before == most_parts
    assert place.ids() == ALL
    assert place.enricher.seen == ALL  # none of them twice
    assert (again.enriched, again.rejected) == (24, 1)


def test_a_second_run_finds_all_done_and_enriches_nothing(place: Place) -> None:
    place.run()
    place.enricher.seen.clear()
    again = place.run()
    assert (again.enriched, again.parts_done_before) == (24, again.parts)
    assert place.enricher.seen == []


def test_the_receipt_of_a_part_is_stored_last(place: Place) -> None:
    place.write("b.ndjson", [raw(10), "broken"])
    place.run()
    begun = [name.partition("-")[0] for name in place.outputs.stored if "-b." in name]
    assert begun == ["rejected", "enriched", "_part"]


def test_a_part_without_its_receipt_is_done_again_in_the_same_place(place: Place) -> None:
    place.outputs.fails_at = "_part-b."
    failed = place.run()
    assert [each.code for each in failed.failed_parts] == ["SlowDown"]
    assert SUCCESS not in place.outputs.names()
    place.outputs.fails_at = "nowhere"
    place.run()
    assert place.ids() == ALL
    assert place.manifest()["enriched"] == 24


def test_a_part_whose_tickets_were_deleted_is_done_again(place: Place) -> None:
    place.run()
    next(place.outputs.folder.glob("enriched-a.*")).unlink()
    place.run()
    assert place.ids() == ALL


def test_more_inputs_are_added_to_what_is_there(place: Place) -> None:
    place.run()
    place.enricher.seen.clear()
    place.write("d.jsonl", [raw(90)])
    assert place.run().enriched == 25
    assert place.enricher.seen == ["T090"]
    assert len(place.manifest()["inputs"]) == 4


def changed_input(place: Place) -> None:
    place.write("a.jsonl", [raw(1)])


def missing_input(place: Place) -> None:
    (place.folder / "in" / "a.jsonl").unlink()


def another_bundle(place: Place) -> None:
    place.made_by = "f2"


def another_size(place: Place) -> None:
    place.part_bytes = 400


@pytest.mark.parametrize("change", [changed_input, missing_input, another_bundle, another_size])
def test_results_of_another_run_are_neither_mixed_nor_deleted(
    place: Place, change: Callable[[Place], None]
) -> None:
    place.run()
    before = sorted(place.outputs.names())
    change(place)
    with pytest.raises(SetupError, match="results of another run"):
        place.run()
    assert sorted(place.outputs.names()) == before


def test_a_file_that_was_only_touched_is_the_same_input(place: Place) -> None:
    place.run()
    os.utime(place.folder / "in" / "a.jsonl", ns=(1, 1))
    assert place.run().parts_done_before > 0


def test_an_input_that_changes_meanwhile_fails_its_parts_alone(place: Place) -> None:
    plan = place.plan
    place.write("c.jsonl", [raw(99)])
    engine = partial(in_this_process, place.worker)
    summary = run(plan, progress_of(plan, place.outputs), place.outputs, engine, lambda: None)
    assert {each.code for each in summary.failed_parts} == {"input_changed"}
    assert place.ids() == ALL[:14]
    assert SUCCESS not in place.outputs.names()


def test_results_may_not_lie_where_the_inputs_are(place: Place) -> None:
    place.outputs = Folder(place.folder / "in")
    with pytest.raises(SetupError, match="choose a --to apart from the inputs"):
        place.run()


def test_a_folder_of_files_with_a_ticket_each_gives_a_few_objects(place: Place) -> None:
    place.inputs = FolderInputs(str(place.folder / "single"), SUFFIXES)
    (place.folder / "single").mkdir()
    for number in range(40):
        (place.folder / "single" / f"{number:02d}.json").write_text(raw(number))
    place.part_bytes = 2000
    place.run()
    assert place.ids() == [f"T{number:03d}" for number in range(40)]
    assert len(list(place.outputs.folder.glob("enriched-*"))) < 4


def failing(code: str, parts: Sequence[Part]) -> Generator[Outcome]:
    for part in parts:
        yield FailedPart(part.name("f1"), code, "it cannot be")


def test_a_run_in_which_all_fails_ends_early(place: Place) -> None:
    place.part_bytes = 50
    plan = place.plan
    progress = progress_of(plan, place.outputs)
    summary = run(plan, progress, place.outputs, partial(failing, "SlowDown"), lambda: None)
    assert len(summary.failed_parts) == MAX_FAILED_PARTS < len(plan.parts)


def test_a_process_that_cannot_load_the_models_ends_the_run(place: Place) -> None:
    plan = place.plan
    progress = progress_of(plan, place.outputs)
    with pytest.raises(SetupError, match="it cannot be"):
        run(plan, progress, place.outputs, partial(failing, SETUP), lambda: None)


def test_what_is_half_written_is_no_result(place: Place) -> None:
    place.outputs.put("enriched-a", b"1")
    place.outputs.put("enriched-a", b"2")
    assert [path.name for path in place.outputs.folder.iterdir()] == ["enriched-a"]
    (place.outputs.folder / ".unfinished-1").write_bytes(b"half")
    assert list(place.outputs.names()) == ["enriched-a"]


@pytest.mark.parametrize(
    ("package", "form", "with_ray"), [("ray", "jsonl", True), ("pyarrow", "parquet", False)]
)
def test_what_needs_the_extra_says_how_to_install_it(
    package: str, form: Any, with_ray: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SetupError, match=r"needs \w+: pip install 'ticketmill\[ray\]'"):
        make_engine(load_settings(), Followed("f1"), "in", "out", form, with_ray=with_ray)
