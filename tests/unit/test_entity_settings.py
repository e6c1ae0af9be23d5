"""Products and phone numbers by the user's settings."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ticketmill.bootstrap.enricher import fingerprint_of
from ticketmill.bootstrap.entities import make_finder
from ticketmill.domain.errors import SetupError
from ticketmill.settings import load_settings
from ticketmill.text.entities.accounts import find_cards, find_ibans, is_iban, is_luhn, masked_digits


def test_products_come_from_a_list_of_names_and_aliases(tmp_path: Path) -> None:
    path = tmp_path / "products.yaml"
    path.write_text("- Flow Desk\n- name: Acme Router\n  aliases: [AR-500]\n", encoding="utf-8")
    finder = make_finder(load_settings(products=path))
    found = [each.normalised for each in finder.find("The AR-500 and flow desk") if each.kind == "product"]
    assert found == ["Acme Router", "Flow Desk"]


def test_a_list_in_json_is_read_as_well(tmp_path: Path) -> None:
    path = tmp_path / "products.json"
    path.write_text('["Flow Desk"]', encoding="utf-8")
    (found,) = make_finder(load_settings(products=path)).find("Flow Desk is slow")
    assert found.normalised == "Flow Desk"


@pytest.mark.parametrize("text", ["name: Flow Desk", "- [a]", "- name: 5", "- aliases: [a]", "a: [", "- ''"])
def test_another_list_is_refused_with_what_is_expected(tmp_path: Path, text: str) -> None:
    path = tmp_path / "products.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SetupError, match="TICKETMILL_PRODUCTS"):
        make_finder(load_settings(products=path))


def test_a_missing_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="TICKETMILL_PRODUCTS: cannot read"):
        make_finder(load_settings(products=tmp_path / "none.yaml"))


def test_a_region_gives_national_phone_numbers_their_country() -> None:
    pytest.importorskip("phonenumbers")
    finder = make_finder(load_settings(phone_region="DE"))
    (found,) = finder.find("Call me on 030 1234567")
    assert found.normalised == "+49301234567"
    assert not [each for each in finder.find("invoice 20240088, parcel 0055 7712 90") if each.kind == "phone"]


def test_a_region_that_is_none_is_refused() -> None:
    pytest.importorskip("phonenumbers")
    with pytest.raises(SetupError, match="no region XX"):
        make_finder(load_settings(phone_region="XX"))


def test_what_decides_the_entities_is_in_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "products.json"
    path.write_text('["Flow Desk"]', encoding="utf-8")
    fingerprints = {fingerprint_of(load_settings(), "bundle", {})}
    fingerprints.add(fingerprint_of(load_settings(products=path), "bundle", {}))
    path.write_text('["Other"]', encoding="utf-8")
    fingerprints.add(fingerprint_of(load_settings(products=path), "bundle", {}))
    fingerprints.add(fingerprint_of(load_settings(phone_region="DE"), "bundle", {}))
    assert len(fingerprints) == 4
    assert fingerprint_of(load_settings(mask="email"), "bundle", {}) == "bundle"


def check_digits(country: str, account: str) -> str:
    return next(f"{country}{n:02}{account}" for n in range(2, 99) if is_iban(f"{country}{n:02}{account}"))


def test_an_iban_is_found_in_groups_and_not_with_one_wrong_digit() -> None:
    rng = random.Random(1)
    for _ in range(200):
        iban = check_digits("DE", "".join(rng.choices("0123456789", k=18)))
        grouped = " ".join(iban[at : at + 4] for at in range(0, 22, 4))
        (found,) = find_ibans(f"to {grouped} BIC COBADEFF")
        assert found.normalised == iban
        at = rng.randrange(4, 22)
        wrong = f"{iban[:at]}{(int(iban[at]) + rng.randrange(1, 10)) % 10}{iban[at + 1 :]}"
        assert not list(find_ibans(f"to {wrong}"))


def test_a_card_is_found_by_its_check_digit_and_is_masked() -> None:
    rng = random.Random(2)
    for _ in range(200):
        body = "4" + "".join(rng.choices("0123456789", k=14))
        digits = next(f"{body}{check}" for check in range(10) if is_luhn(f"{body}{check}"))
        grouped = "-".join(digits[at : at + 4] for at in range(0, 16, 4))
        (found,) = find_cards(f"my card is {grouped}.")
        assert found.normalised == "*" * 12 + digits[-4:]
        wrong = f"{digits[:-1]}{(int(digits[-1]) + rng.randrange(1, 10)) % 10}"
        assert not list(find_cards(wrong))


@pytest.mark.parametrize(
    "text", ["order 1234567812345678", "0111111111111111", "4111 1111 1111", "1.4111111111111111"]
)
def test_other_long_numbers_are_no_cards(text: str) -> None:
    assert not list(find_cards(text))


def test_masked_digits_keep_their_length_and_the_last_four() -> None:
    assert masked_digits("3782 822463 10005") == "**** ****** *0005"
