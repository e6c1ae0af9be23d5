"""One bucket through obstore: the get and the put of every ticket at an eighth of botocore's CPU time.

obstore makes one attempt. Where that fails, botocore asks again: it retries, finds a bucket's region, and
knows the service's own code and message. So nothing here interprets an error. Credentials, endpoint,
addressing style, proxies and certificates are those that botocore resolves.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.httpsession import where
from botocore.utils import get_environ_proxies

from ticketmill.aws.clients import at_setup
from ticketmill.domain.message import RawObject

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_s3 import S3Client
    from obstore.store import ClientConfig, S3Credential, S3Store

JSON = "application/json"

# botocore renews credentials that end within 10 minutes; obstore asks again 5 minutes before this has passed
CREDENTIALS_KEPT = timedelta(minutes=10)

log = logging.getLogger(__name__)


class ObjectStore:
    """The objects of one bucket. Thread-safe; waits for answers without the interpreter's lock."""

    def __init__(self, s3: S3Client, session: Session, bucket: str) -> None:
        self._config = s3.meta.config
        self._region = s3.meta.region_name
        self._session = session
        self._bucket = bucket
        self._url = bucket_url(s3, bucket)

    def get(self, key: str, max_bytes: int) -> RawObject | None:
        """The object at `key`, over `max_bytes` without its body; None where botocore must be asked."""
        if not _is_plain(key):
            return None
        import obstore
        from obstore.exceptions import BaseError

        try:
            found = obstore.get(self._store, key)
            meta = found.meta
            etag, version_id, size_bytes = meta["e_tag"], meta["version"], meta["size"]
            # Dropped unread, the answer takes its connection with it; the rest is never sent.
            body = bytes(found.bytes()) if size_bytes <= max_bytes else None
        except (BaseError, OSError, ValueError) as error:
            _log(error)
            return None
        if etag is None or (body is not None and len(body) != size_bytes):
            return None  # no answer of S3
        return RawObject(
            bucket=self._bucket,
            key=key,
            version_id=version_id_of(version_id),
            etag=etag_of(etag),
            last_modified=meta["last_modified"],
            size_bytes=size_bytes,
            body=body,
        )

    def put(self, key: str, body: bytes) -> bool:
        """Stores JSON at `key`; False where botocore must be asked."""
        if not _is_plain(key):
            return False
        import obstore
        from obstore.exceptions import BaseError

        try:
            obstore.put(self._store, key, body, attributes={"Content-Type": JSON}, use_multipart=False)
        except (BaseError, OSError, ValueError) as error:
            _log(error)
            return False
        return True

    @cached_property
    def _store(self) -> S3Store:
        from obstore.store import S3Store

        return S3Store(
            self._bucket,
            # by this name, because the variable of this name would come before `endpoint`
            aws_endpoint_url_s3=self._url,
            virtual_hosted_style_request=True,  # the URL names the bucket, in its host or in its path
            region=self._region,
            credential_provider=self._credentials,
            client_options=self._client_options(),
            retry_config={"max_retries": 0},
        )

    def _credentials(self) -> S3Credential:
        """botocore's credentials, which it renews by itself, as obstore takes them."""
        held: Any = self._session.get_credentials()
        found = held.get_frozen_credentials()
        return {
            "access_key_id": found.access_key,
            "secret_access_key": found.secret_key,
            "token": found.token,
            "expires_at": datetime.now(UTC) + CREDENTIALS_KEPT,
        }

    def _client_options(self) -> ClientConfig:
        parts = urlsplit(self._url)
        config: Any = self._config  # the stubs do not know what a client's configuration holds
        app = [f"app/{config.user_agent_appid}"] if config.user_agent_appid else []
        options: ClientConfig = {
            "connect_timeout": timedelta(seconds=config.connect_timeout),
            "timeout": timedelta(seconds=config.read_timeout),
            "user_agent": " ".join([config.user_agent_extra, *app, f"obstore/{version('obstore')}"]),
        }
        proxy = get_environ_proxies(self._url).get(parts.scheme)
        if proxy:
            options["proxy_url"] = proxy
        else:  # obstore has no word for "none", and would read the variables in its own way
            options |= {"proxy_url": "http://127.0.0.1", "proxy_excludes": parts.hostname or ""}
        if parts.scheme == "http":
            options["allow_http"] = True
        else:
            options["root_certificate"] = Path(os.environ.get("AWS_CA_BUNDLE") or where()).read_bytes()
        return options


def etag_of(header: str) -> str:
    """The ETag without the quotes that HTTP puts around it, as events spell it."""
    return header.strip('"')


def version_id_of(header: str | None) -> str | None:
    """The version id; `null`, which every object has that was put while versioning was off, names none."""
    return None if header == "null" else header


def _is_plain(key: str) -> bool:
    """Whether obstore takes `key` as it stands: it treats keys as paths, and refuses or trims some."""
    return key.isprintable() and not {"", ".", ".."}.intersection(key.split("/"))


def _log(error: Exception) -> None:
    log.debug("botocore asks again: %s", str(error).partition("\n")[0])


def bucket_url(s3: S3Client, bucket: str) -> str:
    """Where botocore sends the requests of `bucket`, as the SDK's variables and files say. Nothing is sent.

    Raises SetupError where it cannot have an address.
    """

    def answer(params: dict[str, Any], **_: Any) -> Any:
        return AWSResponse(params["url"], 200, HTTPHeaders(), None), {"url": params["url"]}

    s3.meta.events.register("before-call.s3.HeadBucket", answer)
    try:
        with at_setup(f"finding the address of bucket {bucket!r}", "check its name and the AWS_… variables"):
            told: Any = s3.head_bucket(Bucket=bucket)
    finally:
        s3.meta.events.unregister("before-call.s3.HeadBucket", answer)
    return str(told["url"]).rstrip("/")
