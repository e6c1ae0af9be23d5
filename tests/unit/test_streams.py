"""The streams and the proxies that a command finds."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest

from ticketmill.entrypoints.cli.streams import keep_loopback_off_proxies, prepare_streams


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):  # so that what is set meanwhile is undone
        monkeypatch.setenv(name, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_written_in_any_encoding_says_the_same(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    prepare_streams()
    text = "größer 日本 \U0001f600"
    print(json.dumps({"subject": text}, ensure_ascii=False), flush=True)
    assert json.loads(written.getvalue().decode(encoding)) == {"subject": text}


def test_a_name_that_is_not_utf8_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="utf-8"))
    prepare_streams()
    print(os.fsdecode(b"odd\xff.json"), flush=True)
    assert written.getvalue() == b"odd\\udcff.json\n"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_where_a_proxy_is_set_this_machine_is_kept_off_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "internal.example")
    monkeypatch.setenv("no_proxy", "internal.example")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.7:4566")
    told = keep_loopback_off_proxies()
    assert told == {variable: os.environ[variable] for variable in ("NO_PROXY", "no_proxy")}
    assert told["NO_PROXY"] == "internal.example,127.0.0.1,localhost,::1,127.0.0.7"
    assert keep_loopback_off_proxies() == told, "named once"


def test_without_a_proxy_nothing_is_set() -> None:
    assert keep_loopback_off_proxies() == {}
    assert os.environ["NO_PROXY"] == ""
