"""The language of a text, by py3langid."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

MAX_CHARS = 250
MIN_CONFIDENCE = 0.1
UNDETERMINED = "und"


class LanguageDetector:
    """Tells the language of texts.

    Its model takes 0.5 s to unpack. A thread starts on it when the detector is created; the first text waits
    for the rest.
    """

    def __init__(self) -> None:
        loader = ThreadPoolExecutor(1, thread_name_prefix="language")
        self._identifier = loader.submit(_load)
        loader.shutdown(wait=False)

    def detect(self, text: str) -> tuple[str, float]:
        """ISO 639-1 code and confidence of the first 250 characters; `und` if none is likely enough."""
        label, confidence = self._identifier.result().classify(text[:MAX_CHARS])
        if confidence < MIN_CONFIDENCE:
            return UNDETERMINED, 0.0
        return str(label), float(np.clip(confidence, 0.0, 1.0))


def _load() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
