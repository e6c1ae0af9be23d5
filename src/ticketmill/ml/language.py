"""The language of a text, by py3langid."""

from __future__ import annotations

import numpy as np
from py3langid.langid import MODEL_FILE, LanguageIdentifier

MAX_CHARS = 2000
MIN_CONFIDENCE = 0.1
UNDETERMINED = "und"


class LanguageDetector:
    """Tells the language of texts. Creating one reads its model (0.5 s)."""

    def __init__(self) -> None:
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def detect(self, text: str) -> tuple[str, float]:
        """ISO 639-1 code and confidence of the first 2,000 characters; `und` where too little speaks for
        any language."""
        label, confidence = self._identifier.classify(text[:MAX_CHARS])
        if confidence < MIN_CONFIDENCE:
            return UNDETERMINED, 0.0
        return str(label), float(np.clip(confidence, 0.0, 1.0))
