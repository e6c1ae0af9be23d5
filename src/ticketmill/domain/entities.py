"""Entities: the numbers, dates, addresses and names that a triager looks for in a ticket."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class EntityKind(StrEnum):
    """What an entity is."""

    ORDER_NUMBER = "order_number"
    """Of an order, a purchase or a booking."""
    INVOICE_NUMBER = "invoice_number"
    TICKET_NUMBER = "ticket_number"
    """Of a ticket, a case or an incident."""
    CUSTOMER_NUMBER = "customer_number"
    """Of a customer, or of a customer's account."""
    AMOUNT = "amount"
    """A sum of money, with its currency."""
    DATE = "date"
    TIME = "time"
    """A time of day."""
    EMAIL = "email"
    PHONE = "phone"
    IBAN = "iban"
    CARD = "card"
    """The number of a payment card. It is always masked."""
    URL = "url"
    """A web address, with or without its scheme."""
    IP = "ip"
    ERROR_CODE = "error_code"
    VERSION = "version"
    PRODUCT = "product"
    """A name of the list that `TICKETMILL_PRODUCTS` names."""


MASKABLE = (EntityKind.EMAIL, EntityKind.PHONE, EntityKind.CARD, EntityKind.IBAN)
"""The kinds that `TICKETMILL_MASK` may name."""


class Mention(NamedTuple):
    """The characters `start` to `end` of a text name an entity.

    `normalised` is one form for all its spellings.
    """

    kind: EntityKind
    start: int
    end: int
    normalised: str
