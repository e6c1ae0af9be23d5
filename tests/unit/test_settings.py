from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith("TICKETMILL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


LEARNING_DEFAULTS = {
    "feature_cache_mb": 1000,
    "canary_steps": "5,25,50,100",
    "learning_tiers": "400,800,1500",
    "promotion_margin": 0.01,
    "promotion_audits": 200,
    "training_limit_s": 3600,
    "training_pause_s": 3600,
    "rollout_refresh_s": 15,
    "audit_share": 0.02,
    "training_queue_url": None,
    "prediction_queue_url": None,
    "job_lease_s": 60,
    "job_limit_s": 3600,
    "celery_broker": None,
    "celery_results": None,
    "celery_rates": "index=100/m,train=10/m,predict=1000/m,evaluate=100/m",
    "celery_prefix": None,
    "job_heartbeat_s": 15,
}
SEARCH_DEFAULTS = {"index": None, "index_search": "memory", "index_queue_url": None, "index_compact_s": 600}
WEB_DEFAULTS = {
    "web_host": "127.0.0.1",
    "web_port": 8080,
    "web_allowed_hosts": "",
    "web_max_body_bytes": 4 * 1024 * 1024,
    "web_list_kept_s": 1.0,
    "web_requests_per_minute": 1200,
    "api_keys_file": None,
    "alb_arn": None,
    "alb_scopes": "read,correct",
    "webhook_secrets_file": None,
}


SURGES = {
    "surge_false_per_week": 0.5,
    "surge_min_tickets": 4,
    "surge_min_customers": 3,
    "surge_every_s": 15,
    "surge_bus": None,
    "surge_topic": None,
}


def test_the_defaults_are_good_for_a_laptop(tmp_path: Path) -> None:
    assert load_settings().model_dump() == {
        "stack": "ticketmill",
        "raw_bucket": None,
        "enriched_bucket": None,
        "queue_url": None,
        "dead_letter_queue_url": None,
        "table": None,
        "learning_table": None,
        "person": None,
        "routing_queue_url": None,
        "routing_dead_letter_queue_url": None,
        "rules": None,
        "routing_secret_arn": None,
        "cache_dir": tmp_path / "ticketmill",
        "bundle": None,
        "serve": "auto",
        "threads": load_settings().threads,
        "encode_cache_bytes": 16 * 1024 * 1024,
        "urgency": "onepass",
        "intent": "onepass",
        "sentiment": "onepass",
        "topics": "prototypes",
        "summary": "extractive",
        "embedding": "onepass",
        "sentiment_labels": "",
        "intent_labels": "",
        "hub_precision": "auto",
        "hub_timeout_s": 60,
        "hub_max_mb": None,
        "nli_candidates": 3,
        "summary_beams": 1,
        "summary_min_tokens": 10,
        "summary_max_tokens": 50,
        "batch_size": 16,
        "worker_threads": 8,
        "wait_s": 5,
        "visibility_timeout_s": 60,
        "heartbeat_s": 20,
        "retry_base_s": 20,
        "outage_pause_s": 5,
        "stop_deadline_s": 25,
        "io_threads": 32,
        "max_ticket_bytes": 2 * 1024 * 1024,
        "priority_numbers": None,
        "products": None,
        "phone_region": None,
        "mask": "",
        "log_format": load_settings().log_format,
        "metrics_port": None,
        "metrics_host": "127.0.0.1",
        "emf": False,
        **LEARNING_DEFAULTS,
        **WEB_DEFAULTS,
        **SEARCH_DEFAULTS,
        **SURGES,
    }


@pytest.mark.parametrize(("on_a_terminal", "expected"), [(True, "text"), (False, "json")])
def test_log_lines_are_text_on_a_terminal_and_json_elsewhere(
    on_a_terminal: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: on_a_terminal, raising=False)
    assert load_settings().log_format == expected


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux tells usable cores")
def test_threads_are_the_cores_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 4, 7})
    assert load_settings().threads == 3


@pytest.mark.parametrize("xdg", [None, ""])
def test_without_an_xdg_folder_the_cache_is_in_the_home_folder(
    xdg: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    if xdg is None:
        monkeypatch.delenv("XDG_CACHE_HOME")
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", xdg)
    assert load_settings().cache_dir == tmp_path / ".cache" / "ticketmill"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("stack", "tickets-eu-2", "tickets-eu-2"),
        ("cache_dir", "/var/cache/tickets", Path("/var/cache/tickets")),
        ("bundle", "/opt/bundle", Path("/opt/bundle")),
        ("threads", "256", 256),
        ("intent", "rules", "rules"),
        ("urgency", "rules", "rules"),
        ("batch_size", "1000", 1000),
        ("wait_s", "0", 0),
        ("io_threads", "1", 1),
        ("max_ticket_bytes", "1", 1),
        ("priority_numbers", "1-is-lowest", "1-is-lowest"),
        ("learning_tiers", "0100,200,300", "100,200,300"),
        ("log_format", "json", "json"),
        ("log_format", "text", "text"),
        ("metrics_port", "9464", 9464),
        ("metrics_host", "::1", "::1"),
        ("emf", "1", True),
    ],
)
def test_every_setting_is_read_from_its_variable(
    name: str, value: str, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TICKETMILL_{name.upper()}", value)
    assert getattr(load_settings(), name) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stack", "Tickets"),
        ("stack", "1tickets"),
        ("stack", "tickets_eu"),
        ("stack", "t" * 21),
        ("threads", "0"),
        ("threads", "257"),
        ("threads", "many"),
        ("threads", "1.5"),
        ("intent", "guess"),
        ("intent", "Rules"),
        ("urgency", "distilbert"),
        ("batch_size", "0"),
        ("batch_size", "1001"),
        ("wait_s", "-1"),
        ("wait_s", "21"),
        ("io_threads", "0"),
        ("io_threads", "257"),
        ("max_ticket_bytes", "0"),
        ("max_ticket_bytes", "2 MB"),
        ("priority_numbers", "descending"),
        ("learning_tiers", "400,800"),
        ("learning_tiers", "800,400,1500"),
        ("learning_tiers", "0,400,800"),
        ("log_format", "xml"),
        ("metrics_port", "0"),
        ("metrics_port", "65536"),
        ("metrics_port", "http"),
        ("emf", "perhaps"),
    ],
)
def test_a_bad_variable_is_a_fault_of_setup_that_names_it(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"TICKETMILL_{name.upper()}", value)
    with pytest.raises(SetupError) as caught:
        load_settings()
    message = str(caught.value)
    assert message.startswith(f"TICKETMILL_{name.upper()}: ")
    assert "\n" not in message


def test_all_bad_variables_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMILL_THREADS", "0")
    monkeypatch.setenv("TICKETMILL_WAIT_S", "60")
    with pytest.raises(SetupError, match=r"TICKETMILL_THREADS: .*; TICKETMILL_WAIT_S: "):
        load_settings()


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMILL_BATCH_SIZE", "5")
    monkeypatch.setenv("TICKETMILL_WAIT_S", "5")
    settings = load_settings(batch_size=7, wait_s=0)
    assert (settings.batch_size, settings.wait_s) == (7, 0)


def test_flags_that_were_not_given_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMILL_BATCH_SIZE", "5")
    settings = load_settings(batch_size=None, wait_s=None)
    assert (settings.batch_size, settings.wait_s) == (5, 5)


def test_a_bad_flag_is_a_fault_of_setup_too() -> None:
    with pytest.raises(SetupError, match="TICKETMILL_WAIT_S"):
        load_settings(wait_s=21)


@pytest.mark.parametrize("name", ["threads", "bundle", "stack", "intent", "cache_dir"])
def test_an_empty_variable_is_as_if_it_were_not_set(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = getattr(load_settings(), name)
    monkeypatch.setenv(f"TICKETMILL_{name.upper()}", "")
    assert getattr(load_settings(), name) == default


@pytest.mark.parametrize("name", list(Settings.model_fields))
def test_settings_do_not_change_once_they_are_read(name: str) -> None:
    settings = load_settings()
    with pytest.raises(ValidationError, match="frozen"):
        setattr(settings, name, getattr(settings, name))


def test_the_bundle_is_the_one_that_was_built_last_or_the_one_that_is_named(tmp_path: Path) -> None:
    assert load_settings().bundle_dir == tmp_path / "ticketmill" / "bundles" / "current"
    assert load_settings(cache_dir=tmp_path).bundle_dir == tmp_path / "bundles" / "current"
    named = load_settings(cache_dir=tmp_path, bundle=tmp_path / "other")
    assert named.bundle_dir == tmp_path / "other"


def test_two_heartbeats_must_fit_into_the_visibility_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETMILL_VISIBILITY_TIMEOUT_S", "30")
    monkeypatch.setenv("TICKETMILL_HEARTBEAT_S", "15")
    assert load_settings().heartbeat_s == 15
    monkeypatch.setenv("TICKETMILL_HEARTBEAT_S", "15.5")
    with pytest.raises(SetupError, match=r"TICKETMILL_HEARTBEAT_S: .*TICKETMILL_VISIBILITY_TIMEOUT_S, 30 s"):
        load_settings()


PARTS = ("raw_bucket", "enriched_bucket", "queue_url", "dead_letter_queue_url", "table")


def test_what_the_stack_holds_may_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PARTS:
        monkeypatch.setenv(f"TICKETMILL_{name.upper()}", f"the-{name}")
    settings = load_settings()
    assert [getattr(settings, name) for name in PARTS] == [f"the-{name}" for name in PARTS]


@pytest.mark.parametrize("left_out", PARTS)
def test_what_the_stack_holds_is_named_whole_or_not_at_all(
    left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PARTS:
        if name != left_out:
            monkeypatch.setenv(f"TICKETMILL_{name.upper()}", "x")
    with pytest.raises(SetupError, match=f"set TICKETMILL_{left_out.upper()} as well"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("TICKETMILL_THREDS", "did you mean TICKETMILL_THREADS?"),
        ("TICKETMILL_METRIC_PORT", "did you mean TICKETMILL_METRICS_PORT?"),
        ("ticketmill_bundel", "did you mean TICKETMILL_BUNDLE?"),
        ("TICKETMILL_COLOUR_OF_THE_SKY", "unset it"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_name(
    name: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "9464")
    with pytest.raises(SetupError) as caught:
        load_settings()
    assert f"{name}: there is no such setting; {told}" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TICKETMILL_TEST_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("TICKETMILL_LOCALSTACK_DIR", "/opt/localstack"),
        ("TICKETMILL_SERVICE_HOST", "10.0.0.1"),
        ("TICKETMILL_WORKER_SERVICE_PORT_HTTP", "9464"),
        ("TICKETMILL_PORT", "tcp://10.0.0.1:9464"),
        ("TICKETMILL_WORKER_PORT_9464_TCP_ADDR", "10.0.0.1"),
        ("TICKETMILLS", "7"),
    ],
)
def test_variables_of_the_tests_and_of_kubernetes_are_no_mistakes(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert load_settings().stack == "ticketmill"


def test_a_user_without_a_home_folder_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(SetupError, match="set TICKETMILL_CACHE_DIR"):
        load_settings()
