"""The commands of `ticketmill models` on learned versions, in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from learned_versions import held_out, registered
from model_samples import register_sample

from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.plot import Plot
from ticketmill.entrypoints import cli
from ticketmill.entrypoints.cli.output import ExitCode
from ticketmill.learning.store import LearningStore, directory_store


class Told(NamedTuple):
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Models = Callable[..., Told]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> LearningStore:
    """A folder with two versions; the second has ten examples more right."""
    place = directory_store(folder)
    registered(place, "job-1", held_out_file=held_out(150, 50))
    registered(place, "job-2", held_out_file=held_out(160, 40))
    return place


@pytest.fixture
def models(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Models:
    """Runs `ticketmill models …` on the folder; `code` is the exit code that it must end with."""
    monkeypatch.setenv("TICKETMILL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TICKETMILL_PERSON", "ann")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, code: int = ExitCode.DONE, place: Path = folder) -> Told:
        ended = cli.run(["models", *map(str, arguments), "--store", str(place)])
        told = Told(*capsys.readouterr())
        assert ended == code, told.err
        return told

    return run


FORCED = ("--force", "--reason", "There are no audits yet.")


def test_an_empty_place_says_how_to_begin(models: Models) -> None:
    assert "ticketmill train" in models("list").err
    assert models("list", "--json").json == []


@pytest.mark.usefixtures("store")
def test_versions_are_listed_with_what_they_do(models: Models) -> None:
    models("promote", "intent/v1", *FORCED)
    models("canary", "intent/v2")
    listed = models("list", "intent", "--json").json
    assert [(each["name"], each["state"]) for each in listed] == [
        ("intent/v2", "canary 5%"),
        ("intent/v1", "serving"),
    ]
    assert "canary 5%" in models("list").out


@pytest.mark.usefixtures("store")
def test_a_card_says_what_competed_and_why_it_won(models: Models) -> None:
    shown = models("show", "intent/v1").out
    for said in ("It is better by more than a standard error.", "0.900 (0.870 to 0.920)", "d1"):
        assert said in shown
    card = models("show", "intent/v1", "--json").json["card"]
    assert (card["recipe"], card["measured_on"]) == ("blend", "hold-out")


@pytest.mark.usefixtures("store")
def test_two_versions_are_compared_label_by_label(models: Models) -> None:
    told = models("compare", "intent/v2", "intent/v1").out
    assert "200 held-out examples" in told
    assert "+0.050" in told
    found = models("compare", "intent/v2", "intent/v1", "--json").json
    assert found["difference"]["value"] == pytest.approx(0.05)
    assert found["by_label"]["refund"]["support"] == 200
    assert models("compare", "intent/v2", "--json").json["beside"] == "the model of the bundle"
    models("promote", "intent/v1", *FORCED)
    assert models("compare", "intent/v2", "--json").json["beside"] == "intent/v1"


def test_what_was_not_held_out_cannot_be_compared(models: Models, store: LearningStore) -> None:
    registered(store, "job-3")
    told = models("compare", "intent/v3", "intent/v1", code=ExitCode.FINDINGS)
    assert "no held-out example in common" in told.err


@pytest.mark.usefixtures("store")
def test_a_version_goes_its_way_and_back_and_the_history_tells_it(models: Models) -> None:
    assert models("shadow", "intent/v1", "--json").json["shadow"] == 1
    assert models("canary", "intent/v1", "--json").json["canary_percent"] == 5
    assert models("canary", "intent/v1", "--json").json["canary_percent"] == 25
    assert models("promote", "intent/v1", *FORCED, "--json").json["serving"] == 1
    assert models("promote", "intent/v2", *FORCED, "--who", "bob", "--json").json["previous"] == 1
    assert "intent/v1 serves" in models("rollback", "intent").out
    models("shadow", "intent/v2")
    assert models("stop", "intent", "--json").json["shadow"] is None
    assert "model of the bundle serves" in models("rollback", "intent", "--to-bundle").out
    history = models("list", "--history", "--json").json
    assert [each["serial"] for each in history] == list(range(9, 0, -1))
    assert (history[4]["who"], history[4]["change"]) == ("bob", "promote")
    assert "There are no audits yet.; forced: 0 audits" in history[4]["reason"]
    assert "There are no audits yet." in models("list", "--history", "intent").out


@pytest.mark.usefixtures("store")
def test_a_failed_gate_ends_with_its_numbers_and_a_code_of_its_own(models: Models) -> None:
    told = models("promote", "intent/v1", code=ExitCode.REFUSED)
    assert "[gate_failed]" in told.err
    assert "0 audits" in told.err
    assert "200 are needed" in told.err
    assert models("list", "--history", "--json").json == []


@pytest.mark.usefixtures("store")
def test_force_needs_a_reason(models: Models) -> None:
    assert "reason" in models("promote", "intent/v1", "--force", code=ExitCode.USAGE).err


@pytest.mark.usefixtures("store")
def test_without_audits_asked_for_the_held_out_examples_decide(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TICKETMILL_PROMOTION_AUDITS", "0")
    models("promote", "intent/v1")
    told = models("promote", "intent/v2")
    assert "held-out: passed, accuracy 0.800 beside 0.750" in told.err


@pytest.mark.usefixtures("store")
def test_the_steps_of_a_canary_are_a_setting(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMILL_CANARY_STEPS", "1,100")
    shares = [models("canary", "intent/v1", "--json").json["canary_percent"] for _ in range(2)]
    assert shares == [1, 100]
    monkeypatch.setenv("TICKETMILL_CANARY_STEPS", "50,25")
    told = models("canary", "intent/v2", code=ExitCode.NOT_READY).err
    assert "TICKETMILL_CANARY_STEPS: expected rising numbers from 1 to 100" in told


@pytest.mark.usefixtures("store")
def test_a_retired_version_does_not_serve_until_it_is_taken_back(models: Models) -> None:
    models("retire", "intent/v1")
    assert "[retired]" in models("promote", "intent/v1", *FORCED, code=ExitCode.REFUSED).err
    models("retire", "intent/v1", "--undo")
    models("promote", "intent/v1", *FORCED)
    assert "[in_use]" in models("retire", "intent/v1", code=ExitCode.REFUSED).err


@pytest.mark.usefixtures("store")
def test_a_version_is_carried_to_another_place(models: Models, tmp_path: Path) -> None:
    models("export", "intent/v2")
    file = tmp_path / "intent-v2.zip"
    assert f"{file.stat().st_size:,} bytes" in models("export", "intent/v2", "-o", tmp_path / "b.zip").out
    assert file.read_bytes() == (tmp_path / "b.zip").read_bytes()
    elsewhere = tmp_path / "elsewhere"
    assert "intent/v1 is registered" in models("import", file, place=elsewhere).out
    assert models("show", "intent/v1", place=elsewhere).out
    assert models("import", file, "--json").json["was_there"] is True


@pytest.mark.usefixtures("store")
def test_what_is_not_there_is_told_with_something_near(models: Models) -> None:
    assert "the newest is intent/v2" in models("show", "intent/v9", code=ExitCode.NOT_FOUND).err
    assert "tasks with versions: intent" in models("shadow", "nothing/v1", code=ExitCode.NOT_FOUND).err
    assert "no-such-file" in models("import", "no-such-file", code=ExitCode.NOT_READY).err


def test_a_plot_of_a_card_is_written_as_a_file(models: Models, folder: Path, tmp_path: Path) -> None:
    register_sample(directory_store(folder))
    for what in Plot:
        models("show", "intent/v1", "--plot", tmp_path / f"{what}.svg", "--what", what)
        assert (tmp_path / f"{what}.svg").read_text(encoding="utf-8").startswith("<svg")
    refused = models("show", "intent/v1", "--plot", "a.svg", "--what", "mood", code=ExitCode.USAGE)
    assert all(what in refused.err for what in Plot)


def test_a_task_of_your_own_begins_with_nothing(models: Models, store: LearningStore) -> None:
    registered(store, task="team")
    store.datasets.define_task(TaskDefinition(name="team", labels=("refund", "bug")))
    assert "nothing" in models("show", "team/v1").out
    assert "held-out: passed, nothing predicts the task yet" in models("promote", "team/v1").err
    assert "team: nothing serves" in models("rollback", "team").out
