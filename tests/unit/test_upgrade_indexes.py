"""The steps between the indexes of version 1 and those of today."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import cfnlint.decode
import pytest
from upgrade_indexes import NEW, OLD, STEPS, TEMPLATE, template_of

TEXT = TEMPLATE.read_text(encoding="utf-8")


def table_of(text: str) -> dict[str, object]:
    parsed, _ = cfnlint.decode.decode_str(text)
    properties: dict[str, object] = parsed["Resources"].pop("TicketsTable")["Properties"]
    return {**properties, "rest": parsed}


def names(table: dict[str, object]) -> list[str]:
    indexes = table["GlobalSecondaryIndexes"]
    assert isinstance(indexes, list)
    return [index["IndexName"] for index in indexes]


def test_every_step_makes_or_deletes_one_index_and_changes_nothing_else() -> None:
    tables = [*(table_of(template_of(step, TEXT)) for step in range(len(STEPS))), table_of(TEXT)]
    assert names(tables[0]) == list(OLD)
    assert names(tables[-1]) == list(NEW)
    for before, after in pairwise(tables):
        assert len(set(names(before)) ^ set(names(after))) == 1
        own = {"GlobalSecondaryIndexes", "AttributeDefinitions"}
        assert {name: part for name, part in before.items() if name not in own} == {
            name: part for name, part in after.items() if name not in own
        }


def test_attributes_are_defined_where_and_only_where_an_index_needs_them() -> None:
    for step in range(len(STEPS)):
        table = table_of(template_of(step, TEXT))
        attributes, indexes = table["AttributeDefinitions"], table["GlobalSecondaryIndexes"]
        assert isinstance(attributes, list)
        assert isinstance(indexes, list)
        needed = {key["AttributeName"] for index in indexes for key in index["KeySchema"]}
        assert {each["AttributeName"] for each in attributes} == needed | {"ticket_id"}


@pytest.mark.parametrize("arguments", [[], ["0"], ["6"], ["x"], ["1", "2"]])
def test_a_step_that_does_not_exist_is_wrong_usage(arguments: list[str]) -> None:
    command = [sys.executable, TEMPLATE.with_name("upgrade_indexes.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "one of 1, 2, 3, 4, 5" in done.stderr
