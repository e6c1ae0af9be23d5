"""The fields of a decoded raw ticket, taken one by one; what nobody takes is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from ticketmill.domain.warning import TicketWarning, UnknownForm, WarningCode, shown


class RawFields:
    """What a raw ticket says. `kept` is what no field of ours has; `warnings` grows while it is read."""

    def __init__(self, document: Mapping[str, Any], warnings: Iterable[TicketWarning] = ()) -> None:
        self.kept = dict(document)
        self.warnings = list(warnings)

    def take(self, name: str) -> Any:
        """The value of a field, which is kept no longer; also under another spelling, with a warning.

        `Subject`, `ticketId` and `Created-At` are other spellings. None where the field is absent or null.
        """
        spelled = self.spelling(name)
        if spelled is None:
            return None
        if spelled != name:
            self.warn(WarningCode.FIELD_NAME, name, shown(spelled))
        return self.kept.pop(spelled)

    def spelling(self, name: str) -> str | None:
        """How the raw ticket spells a field; None where it has none of that name."""
        if name in self.kept:
            return name
        spelled = self._by_letters.get(_letters(name))
        return spelled if spelled in self.kept else None

    @cached_property
    def _by_letters(self) -> dict[str, str]:
        """The first field of each name, whatever its case and punctuation."""
        return {_letters(each): each for each in reversed(self.kept)}

    def warn(self, code: WarningCode, field: str, found: str) -> None:
        """Notes what was unusual."""
        self.warnings.append(TicketWarning(code=code, field=field, found=found))

    def refuse(self, name: str, value: Any, reason: UnknownForm) -> None:
        """Keeps a value of unknown form under its field's own name, and warns of it."""
        self.keep(name, value)
        self.warn(reason.code, name, reason.found)

    def keep(self, name: str, value: Any) -> None:
        """Keeps a value as it is."""
        self.kept.setdefault(name, value)


def _letters(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())
