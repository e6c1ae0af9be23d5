"""Phone numbers by the numbering plans of all countries: needs the extra `phone`."""

from __future__ import annotations

from ticketmill.domain.errors import SetupError
from ticketmill.text.entities.phones import Normalise, plain_form


def phone_form_of(region: str) -> Normalise:
    """The E.164 form of what may be a phone number; one without a country code is of `region`.

    SetupError where the extra is missing or there is no such region.
    """
    try:
        import phonenumbers
    except ModuleNotFoundError:
        raise SetupError(
            "TICKETMILL_PHONE_REGION needs phonenumbers: pip install 'ticketmill[phone]', or unset it"
        ) from None
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise SetupError(
            f"TICKETMILL_PHONE_REGION: there is no region {region}; expected one as in DE, GB, US"
        )

    def form(value: str) -> str | None:
        if plain_form(value) is None:
            return None
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            return None
        if not phonenumbers.is_possible_number(number):
            return None
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    return form
