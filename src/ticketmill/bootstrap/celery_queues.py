"""Finds the SQS queues of Celery: outputs of the stack NAME-celery."""

from __future__ import annotations

from ticketmill.domain.errors import SetupError
from ticketmill.settings import Settings

OUTPUTS = {
    "indexing": "IndexingQueueUrl",
    "training": "TrainingQueueUrl",
    "prediction": "PredictionQueueUrl",
    "evaluation": "EvaluationQueueUrl",
}
"""Celery's queues, and the outputs of infra/celery-service.yaml that name them."""


def celery_queue_urls(settings: Settings) -> dict[str, str]:
    """The queues by Celery's names. SetupError where the stack does not have them."""
    from ticketmill.aws.clients import at_setup, connect
    from ticketmill.deploy.stack import describe

    stack = f"{settings.stack}-celery"
    with at_setup("looking for the queues of Celery", "or set TICKETMILL_CELERY_BROKER"):
        found = describe(connect(), stack)
    outputs = {} if found is None else {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}
    missing = [output for output in OUTPUTS.values() if output not in outputs]
    if missing:
        raise SetupError(
            f"stack {stack} has no {missing[0]}: deploy infra/celery-service.yaml, or set "
            "TICKETMILL_CELERY_BROKER to another broker"
        )
    return {queue: outputs[output] for queue, output in OUTPUTS.items()}
