"""Tasks of your own: on rows, in filters and counts, as people define and correct them, and in rules."""

from __future__ import annotations

from typing import Any

import pytest
from correction_desk import ANN, CANNOT_TELL, CONFIRM, TASKS, UNDO, Desk, label
from pydantic import ValidationError
from routing_samples import change, rule

from ticketmill.aws.dynamodb import item_of, row_from
from ticketmill.aws.learning_memory import MemoryLearningItems
from ticketmill.domain.dataset import TaskDefinition
from ticketmill.domain.effective_row import effective, shown_of
from ticketmill.domain.enrichment import CustomLabel, CustomPrediction, RowPrediction
from ticketmill.domain.errors import CorrectionCode, CorrectionRefused, LearningCode, LearningRefused
from ticketmill.domain.facets import facets_of
from ticketmill.domain.labels import Source
from ticketmill.learning.records import DatasetRecords
from ticketmill.operations.corrections import Corrections
from ticketmill.operations.own_tasks import CorrectableTasks, TaskDefinitions, is_reserved
from ticketmill.operations.routing import concerns, event_of, faults_of
from ticketmill.queries.columns import CORRECTABLE, CSV, FILTERS, FLAGS
from ticketmill.queries.filters import Filters
from ticketmill.queries.label_counts import LabelCounts
from ticketmill.queries.own_tasks import OwnTasks, UnknownOwnLabel, labels_by_task
from ticketmill.tasks.custom import review_reasons, row_lines

PRODUCT_LINE = TaskDefinition(name="product_line", labels=("router", "modem", "smart tv"))
FEATURES = TaskDefinition(name="features", kind="multi", labels=("wifi", "voice", "mesh"))
OWN = {each.name: each for each in (FEATURES, PRODUCT_LINE)}


def made(*labels: tuple[str, float], source: Source = Source.HEAD) -> RowPrediction:
    return RowPrediction(
        labels=tuple(CustomLabel(label=each, confidence=p) for each, p in labels), source=source
    )


ROUTER = made(("router", 0.62))
WIFI_AND_VOICE = made(("wifi", 0.9), ("voice", 0.4))


@pytest.fixture
def desk() -> Desk:
    """A ticket of which a model says that it is about a router, its wifi and its voice."""
    desk = Desk()
    desk.corrections = Corrections(desk.rows, desk.journal, CorrectableTasks(TASKS, OWN), desk.now)
    desk.upload()
    desk.enrich(
        custom={"product_line": ROUTER, "features": WIFI_AND_VOICE},
        needs_review=True,
        review_reasons=("product_line_confidence",),
    )
    return desk


class TestRow:
    def test_every_label_is_a_facet_called_as_its_task(self, desk: Desk) -> None:
        assert {"product_line=router", "features=wifi", "features=voice"} <= facets_of(desk.row)
        assert not [each for each in facets_of(desk.row) if each.startswith("custom")]

    def test_it_comes_back_from_the_table_as_it_was(self, desk: Desk) -> None:
        row = desk.rows.rows["TKT-001"]
        assert row_from(item_of(row)).custom == row.custom

    def test_it_keeps_no_scores(self) -> None:
        prediction = CustomPrediction(
            labels=ROUTER.labels, source=Source.HEAD, scores={"router": 0.62, "modem": 0.38}
        )
        assert prediction.on_row == ROUTER

    def test_a_row_without_predictions_has_no_attribute_of_them(self) -> None:
        desk = Desk()
        desk.upload()
        desk.enrich()
        assert "custom" not in item_of(desk.rows.rows["TKT-001"])

    def test_show_tells_labels_and_confidences(self, desk: Desk) -> None:
        assert row_lines(desk.row) == [
            ("features", "wifi (0.90), voice (0.40)"),
            ("product_line", "router (0.62)"),
        ]


class TestCorrections:
    def test_a_persons_label_stands_in_the_place_of_the_models(self, desk: Desk) -> None:
        row = desk.say(label("modem"), "product_line")
        assert row.custom["product_line"] == RowPrediction(
            labels=(CustomLabel(label="modem"),), source=Source.PERSON
        )
        assert row.custom["features"] == WIFI_AND_VOICE
        assert row.corrected == ("product_line",)
        assert row.predicted["product_line"].labels == ("router",)
        assert row.predicted["product_line"].confidence == 0.62
        assert "product_line=modem" in facets_of(row) and "product_line=router" not in facets_of(row)

    def test_it_survives_that_the_ticket_is_enriched_again_without_a_model_of_the_task(
        self, desk: Desk
    ) -> None:
        desk.say(label("modem"), "product_line")
        desk.serve("f2")
        desk.enrich()
        assert desk.row.custom["product_line"].names == ("modem",)
        assert desk.row.custom.keys() == {"product_line"}
        assert not desk.is_misindexed

    def test_a_worker_that_knows_no_corrections_leaves_an_index_that_readers_mend(self, desk: Desk) -> None:
        desk.say(label("modem"), "product_line")
        desk.serve("f2")
        desk.enrich(older=True, custom={"product_line": ROUTER})
        assert desk.is_misindexed
        assert desk.corrections.reapply("TKT-001") and not desk.is_misindexed

    def test_a_label_of_an_unpredicted_task_is_shown_alone(self) -> None:
        desk = Desk()
        desk.corrections = Corrections(desk.rows, desk.journal, CorrectableTasks(TASKS, OWN), desk.now)
        desk.upload()
        desk.enrich()
        assert shown_of(desk.row, "product_line").labels == ()
        assert desk.say(label("router"), "product_line").custom["product_line"].names == ("router",)
        assert desk.say(UNDO, "product_line").custom == {}

    def test_several_labels_are_right_of_a_task_that_takes_several_and_so_is_none(self, desk: Desk) -> None:
        assert desk.say(label("mesh", "wifi"), "features").custom["features"].names == ("mesh", "wifi")
        assert desk.say(label(), "features").custom["features"].names == ()
        with pytest.raises(CorrectionRefused, match="product_line takes one label"):
            desk.say(label("router", "modem"), "product_line")

    def test_a_confirmation_says_the_models_label_and_speaks_of_own_tasks_too(self, desk: Desk) -> None:
        row = desk.corrections.confirm("TKT-001", ANN)
        assert row.person["product_line"].labels == ("router",)
        assert row.person["features"].labels == ("wifi", "voice")
        assert row.corrected == ()

    def test_what_was_said_of_it_is_no_reason_to_review_any_more(self, desk: Desk) -> None:
        assert desk.row.needs_review
        assert not desk.say(CONFIRM, "product_line").needs_review
        assert not desk.say(CANNOT_TELL, "product_line").needs_review

    def test_an_unknown_label_is_refused_with_the_nearest(self, desk: Desk) -> None:
        with pytest.raises(CorrectionRefused, match='did you mean "router"') as refused:
            desk.say(label("ruoter"), "product_line")
        assert refused.value.code is CorrectionCode.UNKNOWN_LABEL
        with pytest.raises(CorrectionRefused, match=r"there are: intent, .*, features, product_line"):
            desk.say(label("x"), "team")

    def test_what_was_said_of_a_removed_task_can_be_taken_back(self, desk: Desk) -> None:
        desk.say(label("modem"), "product_line")
        desk.corrections = Corrections(desk.rows, desk.journal, TASKS, desk.now)
        assert desk.corrections.undo("TKT-001", ANN).custom["product_line"] == ROUTER
        with pytest.raises(CorrectionRefused, match="no task"):
            desk.say(UNDO, "product_line")


class TestFiltersAndCounts:
    def test_a_list_of_a_label_has_the_tickets_of_it(self, desk: Desk) -> None:
        assert Filters({"product_line": ("router",)}).match(desk.row)
        assert Filters({"features": ("mesh", "voice")}).match(desk.row)
        assert not Filters({"product_line": ("modem",)}).match(desk.row)

    def test_the_confidence_that_is_asked_for_is_that_of_the_label(self, desk: Desk) -> None:
        def matches(task: str, name: str, confidence: float) -> bool:
            return Filters({task: (name,)}, confidence).match(desk.row)

        assert matches("product_line", "router", 0.6) and not matches("product_line", "router", 0.7)
        assert matches("features", "wifi", 0.8) and not matches("features", "voice", 0.8)
        desk.say(label("router"), "product_line")
        assert not matches("product_line", "router", 0.1)

    def test_counts_have_own_tasks_after_ours(self, desk: Desk) -> None:
        counts = LabelCounts()
        counts.add([desk.row])
        assert list(counts.as_dict())[-2:] == ["features", "product_line"]
        assert counts.as_dict()["features"] == {"voice": 1, "wifi": 1}
        empty = LabelCounts()
        empty.add([effective(desk.rows.rows["TKT-001"].model_copy(update={"custom": {}}))])
        assert empty.as_dict().keys() == counts.as_dict().keys() - {"features", "product_line"}

    def test_filters_are_given_as_task_and_label(self) -> None:
        given = ("product_line=router", "features=wifi", "product_line=smart tv")
        assert labels_by_task(given, OWN) == {"product_line": ("router", "smart tv"), "features": ("wifi",)}

    @pytest.mark.parametrize(
        ("given", "told"),
        [
            ("router", "write as in product_line=router"),
            ("product=router", 'no task "product" of your own .did you mean "product_line"'),
            ("product_line=ruoter", 'no label "ruoter" .did you mean "router".*there are: router, modem'),
        ],
    )
    def test_a_filter_that_is_none_is_refused_and_says_what_there_is(self, given: str, told: str) -> None:
        with pytest.raises(UnknownOwnLabel, match=told):
            labels_by_task([given], OWN)
        with pytest.raises(UnknownOwnLabel, match="ticketmill tasks add"):
            labels_by_task(["product_line=router"], {})


class TestDefinitions:
    @pytest.fixture
    def definitions(self) -> TaskDefinitions:
        return TaskDefinitions(DatasetRecords(MemoryLearningItems()))

    def test_a_task_is_added_changed_and_removed(self, definitions: TaskDefinitions) -> None:
        assert definitions.add(PRODUCT_LINE) is None
        wider = PRODUCT_LINE.model_copy(update={"labels": ("router", "phone")})
        assert definitions.add(wider) == PRODUCT_LINE
        assert definitions.named() == {"product_line": wider}
        assert definitions.remove("product_line") == wider
        assert definitions.named() == {}

    def test_a_task_does_not_take_several_labels_that_took_one(self, definitions: TaskDefinitions) -> None:
        definitions.add(PRODUCT_LINE)
        with pytest.raises(LearningRefused, match="takes one label") as refused:
            definitions.add(PRODUCT_LINE.model_copy(update={"kind": "multi"}))
        assert refused.value.code is LearningCode.NAME_TAKEN
        assert definitions.named() == {"product_line": PRODUCT_LINE}

    def test_a_task_that_is_not_there_cannot_be_removed(self, definitions: TaskDefinitions) -> None:
        definitions.add(PRODUCT_LINE)
        with pytest.raises(LearningRefused, match="there are: product_line") as refused:
            definitions.remove("team")
        assert refused.value.code is LearningCode.UNKNOWN_TASK

    @pytest.mark.parametrize(
        "name",
        [
            *CORRECTABLE,
            *FILTERS,
            *FLAGS,
            *CSV,
            "revision",
            "note",
            "where",
            "copy",
            "custom",
            "topics_fallback",
        ],
    )
    def test_a_name_that_means_something_else_is_refused(
        self, name: str, definitions: TaskDefinitions
    ) -> None:
        with pytest.raises(LearningRefused, match="means something else") as refused:
            definitions.add(TaskDefinition(name=name, labels=("a", "b")))
        assert refused.value.code is LearningCode.NAME_TAKEN

    def test_the_names_that_people_want_are_free(self) -> None:
        assert not [each for each in ("product_line", "team", "product", "region") if is_reserved(each)]

    @pytest.mark.parametrize(
        "fields",
        [
            {"name": "Product"},
            {"name": "p"},
            {"name": "product line"},
            {"labels": ()},
            {"labels": ("a", "a")},
            {"labels": ("a,b",)},
            {"labels": (" a",)},
            {"labels": ("a\nb",)},
            {"labels": ("",)},
            {"labels": ("a" * 65,)},
        ],
    )
    def test_what_is_no_name_or_no_label_is_refused(self, fields: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            TaskDefinition(**{"name": "product_line", "labels": ("router", "modem"), **fields})

    def test_they_are_read_when_asked_for_and_again_when_they_are_old(self) -> None:
        reads: list[str] = []
        now = [0.0]

        def read() -> list[TaskDefinition]:
            reads.append("read")
            return [PRODUCT_LINE, FEATURES][: len(reads)]

        own = OwnTasks(read, kept_s=30, clock=lambda: now[0])
        assert reads == []
        assert list(own) == ["product_line"] and "features" not in own and len(reads) == 1
        now[0] = 30
        assert list(own) == ["features", "product_line"] and len(reads) == 2

    def test_a_task_without_a_definition_of_ours_is_corrected_like_ours(self) -> None:
        tasks = CorrectableTasks(TASKS, OWN)
        assert list(tasks) == [*TASKS, "features", "product_line"] and len(tasks) == len(TASKS) + 2
        assert tasks["features"].is_many and not tasks["product_line"].is_many
        assert tasks.get("team") is None


def test_an_unsure_label_is_a_reason_to_review() -> None:
    said = {
        "product_line": CustomPrediction(labels=ROUTER.labels, source=Source.HEAD),
        "features": CustomPrediction(labels=(), source=Source.HEAD),
    }
    assert list(review_reasons(said, {"product_line": 0.7, "features": 0.7})) == ["product_line_confidence"]
    assert list(review_reasons(said, {"product_line": 0.6})) == []


class TestRules:
    def test_a_rule_filters_by_an_own_task(self) -> None:
        routers = rule(filters={"product_line": "router"}, min_confidence=0.6)
        assert concerns(routers, change(custom={"product_line": ROUTER}))
        assert not concerns(routers, change(custom={"product_line": made(("router", 0.5))}))
        assert not concerns(routers, change(before={"custom": {"product_line": ROUTER}}))

    def test_its_event_has_the_label_and_what_it_was(self) -> None:
        sent = event_of(
            rule(),
            change(
                before={"custom": {"product_line": made(("modem", 0.9))}}, custom={"product_line": ROUTER}
            ),
        )
        assert sent.labels["product_line"].labels == ("router",)
        assert sent.labels["product_line"].confidence == 0.62
        assert sent.was["product_line"] == ("modem",)

    def test_its_names_labels_and_templates_are_checked(self) -> None:
        good = rule(
            filters={"product_line": "router", "corrected": "product_line"},
            min_confidence=0.5,
            send={"to": "slack", "url_env": "URL", "text": "{product_line}"},
        )
        assert faults_of(good, own=OWN) == []
        assert len(faults_of(good)) == 4
        (fault,) = faults_of(rule(filters={"product_line": "phone"}), own=OWN)
        assert "no product_line 'phone'" in fault
