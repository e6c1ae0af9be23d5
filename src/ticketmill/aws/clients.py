"""The clients of AWS's services, and how their failures are told.

Endpoints come from the SDK's own AWS_ENDPOINT_URL… variables: nothing here asks where it runs. With such an
endpoint botocore addresses buckets by path, on AWS by host name, so that no setting of ours is needed either.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.session import Session
from urllib3.exceptions import HTTPError

from ticketmill.domain.errors import SetupError, TransientFailure

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

CONNECT_TIMEOUT_S = 3
READ_TIMEOUT_S = 30  # above the 20 s that a long poll may take
MAX_ATTEMPTS = 3  # of one call; whatever outlasts them is left to SQS, the only retry system

_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
        "NoCredentialsError",
        "CredentialRetrievalError",
    }
)

_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)

# of the whole bucket or table: S3 spells the refusal of one object AccessDenied
_UNUSABLE = frozenset({"NoSuchBucket", "ResourceNotFoundException", "AccessDeniedException"})

LOCAL_HINT = 'or run: eval "$(ticketmill up)"'


@dataclass(frozen=True)
class Clients:
    """One client a service, all of one session; each may be used by many threads.

    A client is made when it is first asked for: a command that needs no S3 does not wait for its model. Where
    it cannot be made, that is a SetupError.
    """

    session: Session
    config: Config
    region: str | None = None
    """None is that of the session."""

    @cached_property
    def s3(self) -> S3Client:
        s3: S3Client = self._client("s3", self.config)
        return s3

    @cached_property
    def sqs(self) -> SQSClient:
        sqs: SQSClient = self._client("sqs", self.config)
        return sqs

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        # Validating an item again, every attribute of it, is a fifth of a row's write in CPU time.
        config = self.config.merge(Config(parameter_validation=False))
        dynamodb: DynamoDBClient = self._client("dynamodb", config)
        return dynamodb

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        cloudformation: CloudFormationClient = self._client("cloudformation", self.config)
        return cloudformation

    @cached_property
    def dynamodb_streams(self) -> Any:
        return self._client("dynamodbstreams", self.config)

    @cached_property
    def events(self) -> Any:
        return self._client("events", self.config)

    @cached_property
    def s3vectors(self) -> Any:
        return self._client("s3vectors", self.config)

    @cached_property
    def sns(self) -> Any:
        return self._client("sns", self.config)

    @cached_property
    def secretsmanager(self) -> Any:
        return self._client("secretsmanager", self.config)

    @cached_property
    def sts(self) -> Any:
        return self._client("sts", self.config)

    def _client(self, service: str, config: Config) -> Any:
        with _usable_variables():
            return self.session.create_client(service, self.region, config=config)


def connect(max_pool_connections: int = 16) -> Clients:
    """The clients for the credentials, the region and the endpoints of the environment.

    `max_pool_connections` is per client: as many threads can use it without waiting for each other.
    Raises SetupError where there is no region or are no credentials. Nothing is called yet.
    """
    with _usable_variables():
        session = _session()
        if session.get_config_variable("region") is None:
            raise SetupError(f"no AWS region: set AWS_DEFAULT_REGION, {LOCAL_HINT}")
        if session.get_credentials() is None:
            raise SetupError(
                "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
                + LOCAL_HINT
            )
    return Clients(session, _config(max_pool_connections))


def _session() -> Session:
    session = Session()
    # botocore reads AWS_DEFAULT_REGION alone, other SDKs AWS_REGION
    region = os.environ.get("AWS_DEFAULT_REGION") or os.environ.get("AWS_REGION")
    if region:
        session.set_config_variable("region", region)
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@cache
def _loader(data_path: str | None) -> _ModelLoader:
    """One for all sessions: each model is parsed once in a process."""
    return _ModelLoader(create_loader(data_path).search_paths)


class _ModelFiles(JSONFileLoader):
    """Makes plain dictionaries: botocore's ordered ones take nearly three times as long."""

    def load_file(self, file_path: str) -> Any:
        """The document of a file, whose path comes without its ending; None where there is none."""
        with suppress(FileNotFoundError):
            return json.loads(Path(f"{file_path}.json").read_bytes())
        with suppress(FileNotFoundError), gzip.open(f"{file_path}.json.gz") as file:
            return json.load(file)
        return None


class _ModelLoader(Loader):
    """Takes each folder for a service: botocore looks into all 400 before it loads the model of one."""

    def __init__(self, search_paths: list[str]) -> None:
        super().__init__(search_paths, _ModelFiles(), include_default_search_paths=False)

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002
        """The names of the folders. Loading says which of them has no model of that type."""
        folders = [Path(path) for path in self.search_paths]
        return [each.name for folder in folders if folder.is_dir() for each in folder.iterdir()]


@contextmanager
def _usable_variables() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ValueError) as error:  # an unknown profile, an endpoint that is no address
        raise SetupError(f"AWS clients cannot be made: {error}; correct the AWS_… variables") from error


def _config(max_pool_connections: int) -> Config:
    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=max_pool_connections,
        # sends less where a service throttles
        retries={"mode": "adaptive", "total_max_attempts": MAX_ATTEMPTS},
        tcp_keepalive=True,
        user_agent_extra=f"ticketmill/{version('ticketmill')}",
    )


def error_code(error: ClientError) -> str:
    """The service's code of an error, as in `NoSuchKey`; the HTTP status where the answer has no body."""
    return str(error.response.get("Error", {}).get("Code", "Unknown"))


def cause(error: Exception) -> str:
    """What went wrong in one word: the service's code, or botocore's name for it."""
    return error_code(error) if isinstance(error, ClientError) else type(error).__name__


@contextmanager
def transient(doing: str, in_its_words: bool = False, dependency: str | None = None) -> Iterator[None]:
    """Turns botocore's errors into TransientFailure: what was being done, and the code.

    `in_its_words` adds the service's message, which must not quote what was sent. The failure names
    `dependency` only where that service itself failed, see `is_outage`.
    """
    try:
        yield
    except (ClientError, BotoCoreError, HTTPError) as error:
        # botocore lets urllib3's own through where S3's refusal of a streamed answer is cut short
        code = cause(error)
        hint = "; the credentials are not accepted any more: renew them" if code in _CREDENTIALS else ""
        message = error.response.get("Error", {}).get("Message") if isinstance(error, ClientError) else None
        said = f" ({message})" if in_its_words and message else ""
        failed = dependency if is_outage(code, _http_status(error)) else None
        raise TransientFailure(f"{doing}: {code}{said}{hint}", code, failed) from error


def is_outage(code: str, http_status: int | None) -> bool:
    """Whether the service itself failed, so that other requests will fail too.

    It does where no answer came (`http_status` is None), with a server error, where it throttles, refuses the
    credentials, or has no such bucket or table for us. AccessDenied and InvalidObjectState are of one object.
    """
    if http_status is None or http_status >= 500 or http_status == 429:
        return True
    return code in _CREDENTIALS | _THROTTLED | _UNUSABLE


def _http_status(error: Exception) -> int | None:
    if not isinstance(error, ClientError):
        return None
    status: int | None = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    # some services answer 200 and name an error in the body
    return status or 0


@contextmanager
def at_setup(doing: str, next_step: str) -> Iterator[None]:
    """Turns botocore's errors, and our own transient ones, into SetupError that says what to do next."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise SetupError(f"{doing}: {cause(error)}; {next_step}") from error
    except TransientFailure as failure:  # an adapter of ours was used
        raise SetupError(f"{failure}; {next_step}") from failure
