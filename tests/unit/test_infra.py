"""The files that run workers elsewhere: what they name exists, and they agree with each other."""

from __future__ import annotations

import importlib
import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakes import announce
from typer.testing import CliRunner

from ticketmill.bootstrap.celery_queues import OUTPUTS
from ticketmill.domain.job_message import TrainingMessage, read_job_message
from ticketmill.entrypoints.celery.config import KILL_AFTER_S, QUEUES, VISIBILITY_S
from ticketmill.entrypoints.cli import app
from ticketmill.learning.job_queue import RETRY_S, JobQueue
from ticketmill.pipeline.outcome import Outcome, Result
from ticketmill.settings import Settings
from ticketmill.telemetry.drift import write_emf
from ticketmill.telemetry.emf import EmfLines
from ticketmill.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"

# A worker that is told to stop has ended after so many seconds, whatever it had in hand.
WORKER_DEADLINE_S = 25
FARGATE_MOST_S = 120
PORT = 9464
SETTINGS = {f"TICKETMILL_{name.upper()}" for name in Settings.model_fields}


class CloudFormationLoader(yaml.SafeLoader):
    """Reads `!Ref x` as `{"Ref": "x"}`, and so every short form."""


def _short_form(loader: CloudFormationLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {tag: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {tag: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {tag: loader.construct_mapping(node, deep=True)}


CloudFormationLoader.add_multi_constructor("!", _short_form)


def template(name: str) -> dict[str, Any]:
    found = yaml.load((INFRA / name).read_text(), CloudFormationLoader)  # noqa: S506 - a SafeLoader
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def container() -> dict[str, Any]:
    """The container of the ECS task."""
    definition = template("ecs-service.yaml")["Resources"]["TaskDefinition"]["Properties"]
    (only,) = definition["ContainerDefinitions"]
    assert isinstance(only, dict)
    return only


@pytest.fixture(scope="module")
def manifests() -> dict[str, dict[str, Any]]:
    """The Kubernetes manifests, by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all((INFRA / "keda.yaml").read_text())}


@pytest.fixture(scope="module")
def pod(manifests: dict[str, dict[str, Any]]) -> dict[str, Any]:
    found = manifests["Deployment"]["spec"]["template"]["spec"]
    assert isinstance(found, dict)
    return found


class TestEcs:
    def test_a_worker_has_time_to_stop(self, container: dict[str, Any]) -> None:
        assert WORKER_DEADLINE_S + 10 <= container["StopTimeout"] <= FARGATE_MOST_S

    def test_its_variables_are_settings(self, container: dict[str, Any]) -> None:
        names = {each["Name"] for each in container["Environment"]}
        assert {name for name in names if name.startswith("TICKETMILL_")} <= SETTINGS

    def test_its_queue_is_that_of_the_stack(self) -> None:
        named = json.dumps(template("ecs-service.yaml")).replace("${TicketsStack}", "${AWS::StackName}")
        assert (
            template("template.yaml")["Resources"]["TicketsQueue"]["Properties"]["QueueName"]["Sub"] in named
        )

    def test_a_worker_has_the_policy_that_the_stack_exports_and_no_other(self) -> None:
        role = template("ecs-service.yaml")["Resources"]["WorkerRole"]["Properties"]
        (policy,) = role["ManagedPolicyArns"]
        export = template("template.yaml")["Outputs"]["WorkerPolicyArn"]["Export"]["Name"]["Sub"]
        imported = policy["Fn::ImportValue"]["Sub"].replace("${TicketsStack}", "${AWS::StackName}")
        assert imported == export
        assert "Policies" not in role

    def test_its_metrics_reach_the_alarm_of_failures(self, container: dict[str, Any]) -> None:
        alarm = template("template.yaml")["Resources"]["FailuresAlarm"]["Properties"]
        assert {"Name": "TICKETMILL_EMF", "Value": "true"} in container["Environment"]
        metrics, stream = Metrics(), io.StringIO()
        metrics.batch_done([Outcome(announce("tickets/T1.json"), Result.FAILED, "T1")])
        line = json.loads(EmfLines(metrics.registry, "mine", stream).line())
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == alarm["Namespace"]
        assert [each["Name"] for each in alarm["Dimensions"]] == directive["Dimensions"][0]
        assert alarm["Dimensions"][0]["Value"] == {"Ref": "AWS::StackName"}
        assert line["service"] == "mine"
        assert line[alarm["MetricName"]] == [1.0]

    def test_the_backlog_is_the_one_metric_that_counts(self) -> None:
        policy = template("ecs-service.yaml")["Resources"]["ScalingPolicy"]["Properties"]
        tracked = policy["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"][
            "Metrics"
        ]
        assert [each["Id"] for each in tracked if each["ReturnData"]] == ["backlog"]


class TestLearning:
    @pytest.fixture
    def resources(self) -> dict[str, dict[str, Any]]:
        found = template("learning-service.yaml")["Resources"]
        return {name: each["Properties"] for name, each in found.items()}

    def test_the_schedule_sends_what_a_trainer_reads(self, resources: dict[str, dict[str, Any]]) -> None:
        (target,) = resources["TrainingRule"]["Targets"]
        assert target["Arn"] == {"GetAtt": "TrainingQueue.Arn"}
        assert read_job_message(target["Input"]) == TrainingMessage()
        assert template("learning-service.yaml")["Parameters"]["TrainingSchedule"]["Default"] == "rate(1 day)"

    def test_the_schedule_and_nobody_else_may_send(self, resources: dict[str, dict[str, Any]]) -> None:
        allowed, denied = resources["TrainingQueuePolicy"]["PolicyDocument"]["Statement"]
        source = allowed["If"][1]["Condition"]["ArnEquals"]["aws:SourceArn"]["Sub"]
        assert source.endswith("rule/" + resources["TrainingRule"]["Name"]["Sub"])
        assert denied["Effect"] == "Deny"

    def test_a_training_that_fails_again_and_again_is_a_dead_letter(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        redrive = resources["TrainingQueue"]["RedrivePolicy"]
        assert redrive["deadLetterTargetArn"] == {"GetAtt": "TrainingDeadLetterQueue.Arn"}
        (source,) = resources["TrainingDeadLetterQueue"]["RedriveAllowPolicy"]["sourceQueueArns"]
        assert source["Sub"].endswith(":" + resources["TrainingQueue"]["QueueName"]["Sub"])
        # longer than a training that holds its task
        assert redrive["maxReceiveCount"] * RETRY_S >= Settings().training_limit_s

    def test_a_job_of_a_dead_worker_comes_again_after_its_lease(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        """A delivery that finds the lease of a dead worker is dropped: nobody would run the job."""
        lease = Settings.model_fields["job_lease_s"]
        (longest,) = [each.le for each in lease.metadata if hasattr(each, "le")]
        for name in ("TrainingQueue", "PredictionQueue"):
            assert resources[name]["VisibilityTimeout"] == JobQueue.visibility_timeout_s
        assert JobQueue.visibility_timeout_s - JobQueue.heartbeat_s > longest

    def test_its_variables_are_settings_and_name_the_queue(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        (only,) = resources["TaskDefinition"]["ContainerDefinitions"]
        named = {each["Name"]: each["Value"] for each in only["Environment"]}
        assert {name for name in named if name.startswith("TICKETMILL_")} <= SETTINGS
        assert named["TICKETMILL_TRAINING_QUEUE_URL"] == {"Ref": "TrainingQueue"}
        assert named["TICKETMILL_PREDICTION_QUEUE_URL"] == {"Ref": "PredictionQueue"}
        assert CliRunner().invoke(app, [*only["Command"], "--help"]).exit_code == 0

    def test_its_metrics_reach_the_alarm_of_drift(self, resources: dict[str, dict[str, Any]]) -> None:
        alarm, stream = resources["DriftAlarm"], io.StringIO()
        write_emf({"texts": True}, "mine", stream)
        line = json.loads(stream.getvalue())
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == alarm["Namespace"]
        assert [each["Name"] for each in alarm["Dimensions"]] == directive["Dimensions"][0]
        assert alarm["Dimensions"][0]["Value"] == {"Ref": "TicketsStack"}
        assert line[alarm["MetricName"]][0] > alarm["Threshold"]

    def test_a_trainer_runs_while_a_message_waits_or_is_in_hand(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        for alarm, policy, tasks in (
            ("TrainingsWait", "StartPolicy", 1),
            ("NoTrainingsWait", "StopPolicy", 0),
        ):
            (told,) = [each for each in resources[alarm]["Metrics"] if each["ReturnData"]]
            assert told["Expression"] == "waiting + hidden + waiting_predictions + hidden_predictions"
            assert resources[alarm]["AlarmActions"] == [{"Ref": policy}]
            (step,) = resources[policy]["StepScalingPolicyConfiguration"]["StepAdjustments"]
            assert step["ScalingAdjustment"] == tasks

    def test_what_it_imports_the_tickets_stack_exports(self) -> None:
        exported = {
            each["Export"]["Name"]["Sub"]
            for each in template("template.yaml")["Outputs"].values()
            if "Export" in each
        }
        imported = re.findall(
            r'Fn::Sub: "(\$\{TicketsStack\}[^"]+)"', (INFRA / "learning-service.yaml").read_text()
        )
        assert imported
        assert {each.replace("${TicketsStack}", "${AWS::StackName}") for each in imported} <= exported

    def test_only_who_forgets_tickets_deletes_what_people_uploaded(self) -> None:
        for name, each in template("learning-service.yaml")["Resources"].items():
            deletes = [
                statement
                for statement in each["Properties"].get("PolicyDocument", {}).get("Statement", ())
                if "s3:DeleteObject" in str(statement) and "tickets/*" in str(statement)
            ]
            assert bool(deletes) == (name == "EraserPolicy"), name


class TestCelery:
    @pytest.fixture
    def resources(self) -> dict[str, dict[str, Any]]:
        found = template("celery-service.yaml")["Resources"]
        return {name: each["Properties"] for name, each in found.items()}

    def test_a_message_stays_hidden_longer_than_a_job_may_take(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        """Celery never extends it."""
        for queue in QUEUES:
            own = resources[f"{queue.capitalize()}Queue"]
            assert own["VisibilityTimeout"] == VISIBILITY_S > Settings().job_limit_s + KILL_AFTER_S
            assert own["RedrivePolicy"]["deadLetterTargetArn"] == {"GetAtt": "DeadLetterQueue.Arn"}
        sources = resources["DeadLetterQueue"]["RedriveAllowPolicy"]["sourceQueueArns"]
        assert len(sources) == len(QUEUES)

    def test_its_outputs_are_those_that_workers_look_for(self) -> None:
        assert set(OUTPUTS.values()) <= set(template("celery-service.yaml")["Outputs"])

    def test_who_sends_cannot_receive(self, resources: dict[str, dict[str, Any]]) -> None:
        statements = resources["SenderPolicy"]["PolicyDocument"]["Statement"]
        assert {each["Action"] for each in statements if "Action" in each} == {
            "cloudformation:DescribeStacks",
            "sqs:SendMessage",
        }

    def test_its_worker_and_its_probe_are_commands(self, resources: dict[str, dict[str, Any]]) -> None:
        (only,) = resources["TaskDefinition"]["ContainerDefinitions"]
        assert CliRunner().invoke(app, [*only["Command"], "--help"]).exit_code == 0
        assert CliRunner().invoke(app, [*only["HealthCheck"]["Command"][2:], "--help"]).exit_code == 0

    def test_kubernetes_counts_the_same_queues(self, resources: dict[str, dict[str, Any]]) -> None:
        found = list(yaml.safe_load_all((INFRA / "keda-jobs.yaml").read_text()))
        (scaled,) = [each for each in found if each["kind"] == "ScaledObject"]
        urls = [each["metadata"]["queueURL"] for each in scaled["spec"]["triggers"]]
        named = [resources[f"{queue.capitalize()}Queue"]["QueueName"]["Sub"] for queue in QUEUES]
        names = [each.replace("${TicketsStack}", "ticketmill") for each in named]
        assert [url.rpartition("/")[2] for url in urls] == names


class TestLambda:
    @pytest.fixture
    def resources(self) -> dict[str, dict[str, Any]]:
        """What the processor lambda adds to the stack."""
        found = template("template.yaml")["Resources"]
        return {
            name: each["Properties"] for name, each in found.items() if name.startswith("TicketsFunction")
        }

    def test_nothing_of_it_is_made_for_a_worker(self, resources: dict[str, dict[str, Any]]) -> None:
        whole = template("template.yaml")
        assert whole["Parameters"]["Processor"]["Default"] == "worker"
        assert {whole["Resources"][name]["Condition"] for name in resources} == {"RunsLambda"}
        by_worker = whole["Resources"]["TicketsQueue"]["Properties"]["VisibilityTimeout"]["If"][2]
        assert by_worker == {"Ref": "VisibilityTimeoutSeconds"}

    def test_the_queue_hides_a_message_for_as_long_as_aws_asks(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        queue = template("template.yaml")["Resources"]["TicketsQueue"]["Properties"]
        window_s = resources["TicketsFunctionSource"]["MaximumBatchingWindowInSeconds"]
        assert queue["VisibilityTimeout"]["If"][1] >= 6 * resources["TicketsFunction"]["Timeout"] + window_s

    def test_what_fails_is_reported_alone(self, resources: dict[str, dict[str, Any]]) -> None:
        assert resources["TicketsFunctionSource"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]

    def test_its_handler_exists(self, resources: dict[str, dict[str, Any]]) -> None:
        module, _, name = resources["TicketsFunction"]["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))

    def test_its_variables_are_settings_that_name_the_whole_stack(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        names = set(resources["TicketsFunction"]["Environment"]["Variables"])
        assert names <= SETTINGS
        parts = ("RAW_BUCKET", "ENRICHED_BUCKET", "QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "TABLE")
        assert {f"TICKETMILL_{part}" for part in parts} <= names

    def test_its_runtimes_are_pythons_of_ours(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert project["requires-python"] == ">=3.11,<3.14"
        runtimes = template("template.yaml")["Parameters"]["LambdaRuntime"]["AllowedValues"]
        assert runtimes == ["python3.11", "python3.12", "python3.13"]

    def test_it_may_do_what_a_worker_may_and_write_its_logs(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        role = resources["TicketsFunctionRole"]
        assert role["ManagedPolicyArns"] == [{"Ref": "WorkerPolicy"}]
        (policy,) = role["Policies"]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
        assert statement["Resource"] == {"GetAtt": "TicketsFunctionLogs.Arn"}


class TestRouter:
    @pytest.fixture
    def resources(self) -> dict[str, dict[str, Any]]:
        found = template("template.yaml")["Resources"]
        return {name: each for name, each in found.items() if name.startswith("Router")}

    def test_the_function_is_made_only_where_it_is_asked_for(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        assert template("template.yaml")["Parameters"]["Router"]["Default"] == "process"
        made = {name for name, each in resources.items() if each.get("Condition") != "RoutesByLambda"}
        assert made == {"RouterPolicy"}

    def test_its_handler_exists_and_its_variables_are_settings(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        function = resources["RouterFunction"]["Properties"]
        module, _, name = function["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))
        assert set(function["Environment"]["Variables"]) <= SETTINGS

    def test_its_queue_hides_a_message_for_as_long_as_aws_asks(
        self, resources: dict[str, dict[str, Any]]
    ) -> None:
        queue = template("template.yaml")["Resources"]["RoutingQueue"]["Properties"]
        assert queue["VisibilityTimeout"] >= 6 * resources["RouterFunction"]["Properties"]["Timeout"]

    @pytest.mark.parametrize("source", ["RouterChanges", "RouterDeliveries"])
    def test_what_fails_is_reported_alone(self, source: str, resources: dict[str, dict[str, Any]]) -> None:
        assert resources[source]["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]

    def test_it_reads_both_images_of_the_table(self) -> None:
        table = template("template.yaml")["Resources"]["TicketsTable"]["Properties"]
        assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}


class TestKubernetes:
    def test_its_parts_find_each_other(
        self, manifests: dict[str, dict[str, Any]], pod: dict[str, Any]
    ) -> None:
        deployment, scaled = manifests["Deployment"], manifests["ScaledObject"]["spec"]
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"] == labels
        assert scaled["scaleTargetRef"]["name"] == deployment["metadata"]["name"]
        assert pod["serviceAccountName"] == manifests["ServiceAccount"]["metadata"]["name"]
        (trigger,) = scaled["triggers"]
        assert trigger["authenticationRef"]["name"] == manifests["TriggerAuthentication"]["metadata"]["name"]

    def test_the_scaler_owns_the_number_of_pods(self, manifests: dict[str, dict[str, Any]]) -> None:
        assert "replicas" not in manifests["Deployment"]["spec"]

    def test_what_a_scaler_reads_is_text(self, manifests: dict[str, dict[str, Any]]) -> None:
        (trigger,) = manifests["ScaledObject"]["spec"]["triggers"]
        assert all(isinstance(value, str) for value in trigger["metadata"].values())

    def test_a_worker_has_time_to_stop(self, pod: dict[str, Any]) -> None:
        assert pod["terminationGracePeriodSeconds"] >= WORKER_DEADLINE_S + 10

    def test_it_is_probed_where_the_worker_answers(self, pod: dict[str, Any]) -> None:
        (worker,) = pod["containers"]
        (port,) = worker["ports"]
        probes = {name: probe["httpGet"] for name, probe in worker.items() if name.endswith("Probe")}
        assert port["containerPort"] == PORT
        assert {probe["port"] for probe in probes.values()} == {port["name"]}
        assert {"name": "TICKETMILL_METRICS_PORT", "value": str(PORT)} in worker["env"]
        assert {"name": "TICKETMILL_METRICS_HOST", "value": "0.0.0.0"} in worker["env"]  # noqa: S104
        assert probes["readinessProbe"]["path"] == "/readyz"
        assert probes["livenessProbe"]["path"] == "/healthz"

    def test_its_variables_are_settings(self, pod: dict[str, Any]) -> None:
        names = {each["name"] for each in pod["containers"][0]["env"]}
        assert {name for name in names if name.startswith("TICKETMILL_")} <= SETTINGS
