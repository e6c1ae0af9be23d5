"""Builds what finds entities, and what hides them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.text.entities.finder import EntityFinder
    from ticketmill.text.mask import Mask


def make_finder(settings: Settings) -> EntityFinder:
    """Finds the products of the settings too. SetupError where their list or an extra is missing."""
    from ticketmill.text.entities.finder import EntityFinder
    from ticketmill.text.entities.phones import Normalise, plain_form

    phone_form: Normalise = plain_form
    if settings.phone_region:
        from ticketmill.text.entities.numbering_plans import phone_form_of

        phone_form = phone_form_of(settings.phone_region)
    return EntityFinder(_products(settings), phone_form)


def make_mask(settings: Settings) -> Mask:
    """Hides the kinds of the settings in what is shown."""
    from ticketmill.text.mask import Mask

    return Mask(settings.masked_kinds, make_finder(settings) if settings.mask else None)


def entity_settings(settings: Settings) -> dict[str, object]:
    """The settings that decide which entities are found; nothing where they are the defaults."""
    decisive: dict[str, object] = {}
    if settings.products:
        decisive["products"] = _products(settings)
    if settings.phone_region:
        decisive["phone_region"] = settings.phone_region
    return decisive


def _products(settings: Settings) -> dict[str, str]:
    if settings.products is None:
        return {}
    from ticketmill.text.entities.product_list import read_products

    return read_products(settings.products)
