"""The proxy is as patient as a service."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from faults import Faults
from proxy import Proxy
from tricks import Tricks

HEAD = (
    "POST / HTTP/1.1\r\nHost: sqs\r\nX-Amz-Target: AmazonSQS.DeleteMessageBatch\r\n"
    "Authorization: AWS4-HMAC-SHA256 Credential=test/20261128/us-east-1/sqs/aws4_request\r\n"
)


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_client_that_dies_before_it_sends_a_body_is_no_news(
    framing: str, capfd: pytest.CaptureFixture[str]
) -> None:
    faults = Faults(1)
    nothing: Any = None
    proxy = Proxy("http://127.0.0.1:9", faults, Tricks(faults, nothing, "queue"))
    faults.start()
    try:
        port = int(proxy.endpoint_url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"{HEAD}{framing}\r\n\r\n".encode())
            client.shutdown(socket.SHUT_WR)
            client.settimeout(10)
            assert client.recv(1) == b"", "the connection ends without an answer"
    finally:
        proxy.close()
    time.sleep(0.05)
    assert capfd.readouterr() == ("", "")
    assert proxy.diary == []
