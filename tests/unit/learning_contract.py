"""What every store of learning keeps to: a stack, a folder and the stand-ins in memory run these alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from ticketmill.domain.dataset import Dataset, TaskDefinition
from ticketmill.domain.errors import LearningRefused
from ticketmill.domain.model_card import ModelVersion, content_of, entries_of
from ticketmill.domain.rollout import Decider, Rollout
from ticketmill.learning.ports import (
    Datasets,
    LearningItems,
    LearningObjects,
    Rollouts,
    Runs,
    Versions,
)
from ticketmill.learning.store import LearningStore

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANN = Decider(who="ann", at=NOON, reason="It is better.")


def dataset(name: str = "d1", task: str = "intent", built_at: datetime = NOON) -> Dataset:
    return Dataset(
        name=name,
        task=task,
        kind="single",
        labels={"refund": 3},
        examples=3,
        held_out=1,
        groups=3,
        built_at=built_at,
    )


def version(number: int = 1, task: str = "intent", job: str = "job-1") -> ModelVersion:
    files = entries_of({"overlay.json": b"{}"})
    return ModelVersion(
        task=task,
        number=number,
        content=content_of(files),
        files=files,
        dataset="d1",
        encoder="e1",
        accuracy=0.873_219_884,
        job=job,
        who="ann",
        at=NOON,
    )


class LearningObjectsContract:
    """A subclass gives the fixture `objects`, with none in it."""

    def test_what_was_put_is_got_and_what_was_not_is_none(self, objects: LearningObjects) -> None:
        assert objects.get("learning/models/a") is None
        objects.put("learning/models/a", b"\x00one")
        objects.put("learning/models/a", b"two")
        assert objects.get("learning/models/a") == b"two"

    def test_keys_are_listed_in_order_by_the_beginning_of_their_names(self, objects: LearningObjects) -> None:
        for key in ("learning/b/2", "learning/a/1", "learning/ab", "learning/a/10"):
            objects.put(key, b"")
        assert list(objects.keys("learning/a")) == ["learning/a/1", "learning/a/10", "learning/ab"]
        assert list(objects.keys("learning/a/")) == ["learning/a/1", "learning/a/10"]
        assert list(objects.keys("learning/none/")) == []

    def test_what_is_deleted_is_gone_and_what_begins_alike_stays(self, objects: LearningObjects) -> None:
        for key in ("learning/a", "learning/a.json", "learning/b"):
            objects.put(key, b"x")
        objects.delete(["learning/a", "learning/b", "learning/none"])
        assert list(objects.keys("learning/")) == ["learning/a.json"]


class LearningItemsContract:
    """A subclass gives the fixture `items`, with none in it."""

    def test_an_item_is_written_once_where_there_was_none(self, items: LearningItems) -> None:
        assert items.get("model#intent", "00000001") is None
        assert items.put("model#intent", "00000001", "one")
        assert not items.put("model#intent", "00000001", "another")
        assert items.get("model#intent", "00000001") == "one"

    def test_an_item_is_replaced_only_by_who_saw_it(self, items: LearningItems) -> None:
        assert not items.put("task", "team", "b", replaces="a")
        assert items.put("task", "team", "a")
        assert items.put("task", "team", "b", replaces="a")
        assert not items.put("task", "team", "c", replaces="a")
        assert items.get("task", "team") == "b"

    def test_a_write_sent_again_because_its_answer_was_lost_is_ours(self, items: LearningItems) -> None:
        assert items.put("task", "team", "a")
        assert items.put("task", "team", "a")
        assert items.put("task", "team", "b", replaces="a")
        assert items.put("task", "team", "b", replaces="a")

    def test_the_latest_come_first_and_other_partitions_are_not_among_them(
        self, items: LearningItems
    ) -> None:
        for number in (9, 10, 1):
            items.put("rollout", f"{number:08}", str(number))
        items.put("rollout2", "00000001", "of another")
        assert items.latest("rollout") == ["10", "9", "1"]
        assert items.latest("rollout", limit=1) == ["10"]
        assert items.latest("nothing") == []

    def test_many_are_written_whatever_was_there(self, items: LearningItems) -> None:
        items.put("prediction#intent", "T1", "old")
        items.put("prediction#intent", "kept", "kept")
        items.overwrite("prediction#intent", {f"T{number}": f"new {number}" for number in range(60)})
        items.overwrite("prediction#intent", {})
        assert items.get("prediction#intent", "T1") == "new 1"
        assert items.get("prediction#intent", "T59") == "new 59"
        assert items.get("prediction#intent", "kept") == "kept"
        assert len(items.latest("prediction#intent")) == 61

    def test_what_is_deleted_is_gone(self, items: LearningItems) -> None:
        items.put("task", "team", "a")
        items.delete("task", "team")
        items.delete("task", "team")
        assert items.get("task", "team") is None
        assert items.put("task", "team", "b")

    def test_of_many_who_write_at_once_one_is_first(self, items: LearningItems) -> None:
        def put(body: str) -> bool:
            return items.put("rollout", "00000001", body)

        bodies = [f"decision {number}" for number in range(8)]
        with ThreadPoolExecutor(len(bodies)) as pool:
            written = list(pool.map(put, bodies))
        assert written.count(True) == 1
        assert items.get("rollout", "00000001") == bodies[written.index(True)]


class LearningStoreContract:
    """A subclass gives the fixture `store`, with nothing in it."""

    @pytest.fixture
    def datasets(self, store: LearningStore) -> Datasets:
        return store.datasets

    @pytest.fixture
    def versions(self, store: LearningStore) -> Versions:
        return store.versions

    @pytest.fixture
    def rollouts(self, store: LearningStore) -> Rollouts:
        return store.rollouts

    @pytest.fixture
    def runs(self, store: LearningStore) -> Runs:
        return store.runs

    def test_datasets_of_a_task_come_newest_first(self, datasets: Datasets) -> None:
        old, new = dataset("zz"), dataset("aa", built_at=NOON + timedelta(days=1))
        for each in (old, new, dataset("cc", task="team")):
            datasets.replace_dataset(each)
        assert datasets.datasets("intent") == [new, old]
        rebuilt = old.model_copy(update={"built_at": NOON + timedelta(days=2)})
        datasets.replace_dataset(rebuilt)
        assert datasets.datasets("intent") == [rebuilt, new]
        datasets.remove_dataset(new)
        assert datasets.datasets("intent") == [rebuilt]

    def test_a_task_is_defined_and_defined_anew(self, datasets: Datasets) -> None:
        team = TaskDefinition(name="team", labels=("red",))
        more = TaskDefinition(name="team", labels=("red", "blue"))
        area = TaskDefinition(name="area", kind="multi", labels=("north",))
        for each in (team, area, more, more):
            datasets.define_task(each)
        assert datasets.task_definitions() == [area, more]
        datasets.remove_task("team")
        assert datasets.task_definitions() == [area]

    def test_a_number_is_given_to_one_version(self, versions: Versions) -> None:
        assert versions.versions("intent") == []
        assert versions.tasks() == []
        first, second = version(), version(2, job="job-2")
        assert versions.add_version(first)
        assert not versions.add_version(version(job="another"))
        assert versions.add_version(first)
        assert versions.add_version(second)
        assert versions.add_version(version(task="team"))
        assert versions.versions("intent") == [second, first]
        assert versions.tasks() == ["intent", "team"]

    def test_a_version_is_retired_and_taken_back(self, versions: Versions) -> None:
        versions.add_version(version())
        assert versions.set_retired(version(), retired=True).retired
        assert versions.set_retired(version(), retired=True).retired
        assert versions.versions("intent")[0].retired
        versions.set_retired(version(), retired=False)
        assert versions.versions("intent") == [version()]
        with pytest.raises(LearningRefused, match="no version intent/v7"):
            versions.set_retired(version(7), retired=True)

    def test_the_latest_decision_holds_and_all_are_kept(self, rollouts: Rollouts) -> None:
        assert rollouts.current() == Rollout()
        shadowed = Rollout().with_shadow("intent", 1, "single", ANN)
        promoted = shadowed.promoted("intent", 1, "single", ANN)
        other = promoted.promoted("team", 4, "multi", ANN)
        for each in (shadowed, promoted, other):
            assert rollouts.replace(each)
        assert rollouts.current() == other
        assert rollouts.history() == [other, promoted, shadowed]
        assert rollouts.history("intent") == [promoted, shadowed]

    def test_of_two_decisions_at_once_one_counts(self, rollouts: Rollouts) -> None:
        seen = rollouts.current()
        mine = seen.promoted("intent", 1, "single", ANN)
        theirs = seen.promoted("intent", 2, "single", ANN)
        assert rollouts.replace(mine)
        assert not rollouts.replace(theirs)
        assert rollouts.replace(mine), "sent again because its answer was lost"
        assert rollouts.current() == mine
        assert len(rollouts.history()) == 1

    def test_a_task_is_trained_by_one_job_at_a_time(self, runs: Runs) -> None:
        until = NOON + timedelta(hours=1)
        assert runs.last_end("intent") is None
        assert runs.claim("intent", "a", until, NOON)
        assert not runs.claim("intent", "b", until, NOON)
        assert runs.claim("team", "b", until, NOON)
        assert runs.claim("intent", "a", until + timedelta(hours=1), NOON), "it is extended"
        assert not runs.claim("intent", "b", until, until + timedelta(minutes=1))
        runs.release("intent", "b", NOON)
        assert not runs.claim("intent", "b", until, NOON), "only its job ends a run"
        runs.release("intent", "a", NOON + timedelta(minutes=9))
        assert runs.last_end("intent") == NOON + timedelta(minutes=9)
        assert runs.claim("intent", "b", until, NOON)

    def test_a_job_that_was_killed_loses_the_task_when_its_time_is_over(self, runs: Runs) -> None:
        until = NOON + timedelta(hours=1)
        assert runs.claim("intent", "killed", until, NOON)
        assert runs.claim("intent", "next", until + timedelta(hours=1), until)
        runs.release("intent", "killed", until)
        assert not runs.claim("intent", "third", until + timedelta(hours=1), until)
