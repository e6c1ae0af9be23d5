"""The server as a Lambda function: events of a function URL, signed in by IAM."""

from __future__ import annotations

import json
from typing import Any

from test_infra import INFRA, template
from web_parts import WebWorld

from ticketmill.entrypoints.web import lambda_app
from ticketmill.settings import Settings

ARN = "arn:aws:sts::123456789012:assumed-role/desk/ann@example.com"


def event(method: str, path: str, arn: str | None = ARN, **headers: str) -> dict[str, Any]:
    """What a function URL gives."""
    authorizer = {"authorizer": {"iam": {"userArn": arn}}} if arn else {}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "abc.lambda-url.eu-central-1.on.aws", **headers},
        "requestContext": {
            **authorizer,
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
            "domainName": "abc.lambda-url.eu-central-1.on.aws",
            "stage": "$default",
        },
        "body": json.dumps({"labels": {"urgency": "low"}}) if method == "PUT" else "",
        "isBase64Encoded": False,
    }


def test_whom_iam_has_signed_in_reads_and_corrects_under_their_name() -> None:
    world = WebWorld()
    world.put("T-1")
    handler = lambda_app.adapter(world.parts(web_allowed_hosts="*"))
    context: Any = None
    listed = handler(event("GET", "/api/v1/tickets"), context)
    assert listed["statusCode"] == 200
    assert json.loads(listed["body"])["tickets"][0]["ticket_id"] == "T-1"
    headers = {"if-match": "*", "content-type": "application/json"}
    corrected = handler(event("PUT", "/api/v1/tickets/T-1/labels", **headers), context)
    row = json.loads(corrected["body"])
    assert (row["urgency"], row["person"]["urgency"]["who"]) == ("low", "assumed-role/desk/ann@example.com")
    assert handler(event("GET", "/api/v1/admin/ml-status"), context)["statusCode"] == 403
    assert handler(event("GET", "/api/v1/events"), context)["statusCode"] == 404
    assert handler(event("GET", "/api/v1/tickets", arn=None), context)["statusCode"] == 401


def test_the_function_is_signed_in_by_iam_and_its_variables_are_settings() -> None:
    resources = template("web-service.yaml")["Resources"]
    assert resources["FunctionUrl"]["Properties"]["AuthType"] == "AWS_IAM"
    module, _, name = resources["Function"]["Properties"]["Handler"].rpartition(".")
    assert (module, name) == (lambda_app.__name__, lambda_app.handler.__name__)
    variables = set(resources["Function"]["Properties"]["Environment"]["Variables"])
    (container,) = resources["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    variables |= {each["Name"] for each in container["Environment"]} - {"AWS_DEFAULT_REGION"}
    assert variables <= {f"TICKETMILL_{setting.upper()}" for setting in Settings.model_fields}
    assert container["Command"] == ["serve"]


def test_the_server_has_the_policies_that_the_stack_exports() -> None:
    outputs = template("template.yaml")["Outputs"]
    role = template("web-service.yaml")["Resources"]["ServerRole"]["Properties"]
    imported = {each["Fn::ImportValue"]["Sub"] for each in role["ManagedPolicyArns"]}
    exported = {
        outputs[name]["Export"]["Name"]["Sub"].replace("${AWS::StackName}", "${TicketsStack}")
        for name in ("WebPolicyArn", "CorrectorPolicyArn")
    }
    assert imported == exported


def test_the_archive_of_the_server_is_locked() -> None:
    locked = (INFRA / "lambda-web.lock").read_text()
    assert all(f"\n{name}==" in f"\n{locked}" for name in ("fastapi", "mangum", "jinja2", "botocore"))
