"""How LanceDB reaches the bucket: by the endpoint, the region and the credentials that botocore resolves."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from ticketmill.aws.clients import Clients

_STATIC = frozenset({"env", "explicit", "shared-credentials-file", "config-file"})
"""Where credentials come from that do not end. Those of roles Lance finds and renews by itself."""


def storage_options(clients: Clients) -> dict[str, str]:
    """The options of Lance's object store for the buckets of these clients."""
    meta = clients.s3.meta
    options = {"region": meta.region_name}
    address = urlsplit(meta.endpoint_url)
    if not (address.hostname or "").endswith((".amazonaws.com", ".amazonaws.com.cn")):
        options |= {
            "aws_endpoint": meta.endpoint_url,
            "allow_http": str(address.scheme == "http").lower(),
            "aws_virtual_hosted_style_request": "false",
        }
    held: Any = clients.session.get_credentials()
    if held.method in _STATIC:
        found = held.get_frozen_credentials()
        options |= {"aws_access_key_id": found.access_key, "aws_secret_access_key": found.secret_key}
        if found.token:
            options["aws_session_token"] = found.token
    return options
