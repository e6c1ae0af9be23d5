"""The user's list of products: YAML, or JSON that needs no extra."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ticketmill.domain.errors import SetupError

SETTING = "TICKETMILL_PRODUCTS"
EXPECTED = 'expected a list of names, or of {"name": …, "aliases": […]}'


def read_products(path: Path) -> dict[str, str]:
    """The product that each spelling stands for. SetupError where the file is no such list."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{SETTING}: cannot read {path}: {error}") from None
    entries = _entries(text, path)
    names: dict[str, str] = {}
    for entry in entries if isinstance(entries, list) else [None]:
        names |= _spellings(entry, path)
    return names


def _entries(text: str, path: Path) -> Any:
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise SetupError(f"{SETTING}: {path} is no JSON: {error}") from None
    try:
        import yaml
    except ModuleNotFoundError:
        raise SetupError(
            f"{SETTING}: YAML needs PyYAML: pip install 'ticketmill[products]', or write {path.stem}.json"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SetupError(f"{SETTING}: {path} is no YAML: {error}") from None


def _spellings(entry: object, path: Path) -> dict[str, str]:
    match entry:
        case str() if entry.strip():
            return {entry: entry}
        case {"name": str(name), **more} if name.strip():
            aliases = more.get("aliases") or []
            if isinstance(aliases, list) and all(isinstance(each, str) and each.strip() for each in aliases):
                return dict.fromkeys((name, *aliases), name)
    raise SetupError(f"{SETTING}: {path}: {EXPECTED}")
