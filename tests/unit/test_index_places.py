"""Where the search index may be, and who finds the nearest tickets there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from vector_store_contract import entry

from ticketmill.aws.s3_vectors import S3VectorStore
from ticketmill.bootstrap.index_places import indexes_at
from ticketmill.bootstrap.index_stores import index_generations
from ticketmill.bootstrap.search import open_index, open_ticket_vectors
from ticketmill.domain.errors import SetupError
from ticketmill.operations.forget import Traces
from ticketmill.operations.forget_index import IndexEntries
from ticketmill.operations.next_generation import NextGeneration
from ticketmill.settings import Settings, load_settings

MODEL = "all-MiniLM-L6-v2/int8"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def settings(**fields: object) -> Settings:
    return load_settings(embedding="st:minilm", **fields)


def test_an_index_in_a_folder_is_kept_there_for_each_model(tmp_path: Path) -> None:
    chosen = settings(index=str(tmp_path / "index"))
    open_index(chosen, MODEL).put([entry()])
    assert open_index(chosen, MODEL).count() == 1
    assert open_index(chosen, "another model").count() == 0
    open_index(chosen, "another model").put([entry("TKT-002")])
    found = [each.store(each.current()).keys_of("TKT-002") for each in indexes_at(str(tmp_path / "index"))]
    assert sorted(map(len, found)) == [0, 1]
    assert indexes_at(str(tmp_path / "nothing")) == []


def test_an_index_in_a_folder_is_rebuilt_beside_itself(tmp_path: Path) -> None:
    generations = index_generations(settings(index=str(tmp_path / "index")), MODEL)
    assert (generations.current(), generations.names()) == ("first", [])
    generations.store("first").put([entry("TKT-001"), entry("TKT-002", 1)])
    made = NextGeneration(generations, keeps_previous=False).make(lambda new: new.put([entry("TKT-001")]))
    assert (generations.current(), generations.names()) == (made, [made])
    assert generations.store(made).count() == 2  # what came meanwhile is taken over
    assert not generations.switch("first", "another")
    size = generations.size(made)
    assert size is not None
    assert size[0] > 0
    assert size[1] > 0


def test_a_forgotten_ticket_leaves_nothing_in_a_folder(tmp_path: Path) -> None:
    place = str(tmp_path / "index")
    open_index(settings(index=place), MODEL).put(
        [entry("TKT-001", text="my secret word is abracadabra"), entry("TKT-002", 1, text="printer")]
    )
    forgotten = IndexEntries(lambda: indexes_at(place))
    traces = SimpleNamespace(ticket_id="TKT-001")
    assert forgotten.remove(cast("Traces", traces)) == 1
    assert forgotten.left(cast("Traces", traces)) == []
    assert open_index(settings(index=place), MODEL).count() == 1
    files = [each for each in (tmp_path / "index").rglob("*") if each.is_file()]
    assert [each for each in files if b"abracadabra" in each.read_bytes()] == []


def test_an_index_of_s3_vectors_has_the_models_name_in_its_own() -> None:
    stores = [
        index_generations(settings(index="s3vectors://my-vectors/tickets"), model).store("first")
        for model in (MODEL, "another model")
    ]
    names = [store._names["indexName"] for store in stores if isinstance(store, S3VectorStore)]
    assert len(set(names)) == 2
    assert all(name.startswith("tickets-") for name in names)


def test_the_store_is_asked_where_the_settings_say_so(tmp_path: Path, bundle_dir: Path) -> None:
    place = str(tmp_path / "index")
    assert open_ticket_vectors(load_settings(index=place, bundle=bundle_dir)).held is None
    asked = load_settings(index=place, bundle=bundle_dir, index_search="store")
    assert open_ticket_vectors(asked).held == 100_000


def test_an_index_of_s3_vectors_has_one_generation() -> None:
    generations = index_generations(settings(index="s3vectors://my-vectors/tickets"), MODEL)
    assert generations.names() == [generations.current()]
    assert not generations.switch(generations.current(), "another")
    assert generations.delete("another") == 0
    with pytest.raises(SetupError, match="TICKETMILL_INDEX"):
        generations.store("another")


@pytest.mark.parametrize(
    "index",
    [
        "s3://",
        "s3://bucket",
        "s3vectors://bucket",
        "s3vectors://bucket/UPPER",
        "gs://bucket/x",
        "s3vectors://b/ix",
    ],
)
def test_a_place_of_an_unknown_form_names_the_variable(index: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMILL_INDEX", index)
    with pytest.raises(SetupError, match="TICKETMILL_INDEX: expected a folder, s3://"):
        load_settings()


@pytest.mark.parametrize(
    "index", ["index", "/var/lib/index", "s3://bucket/a/b", "s3vectors://bucket-1/tickets.v2"]
)
def test_places_of_each_kind_are_accepted(index: str) -> None:
    assert load_settings(index=index).index == index
