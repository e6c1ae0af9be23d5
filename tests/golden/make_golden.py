"""The texts whose embeddings are pinned, and how `embeddings.npz` was made of them.

Run once, by hand, in an environment of its own; the folder holds the model at the pinned revision:

    pip install torch sentence-transformers
    python tests/golden/make_golden.py FOLDER_OF_ALL_MINILM_L6_V2
"""

# ruff: noqa: RUF001  the punctuation of other languages is what is tested

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

# what a support desk receives, and what breaks tokenizers
TEXTS = {
    "word": "Refund",
    "sentence": "I cannot log in since this morning, the reset mail never arrives.",
    "longer_than_the_limit": " ".join(
        f"Step {step}: the export of invoice {1000 + 7 * step} stops at {step % 100} percent, then restarts."
        for step in range(40)
    ),
    "empty": "",
    "whitespace": " \t\r\n  \u00a0\u2003\n",
    "control_characters": "\x00\x07\x1b\u200b\ufeff",
    "german": "Guten Tag, die Rechnung für März wurde zweimal abgebucht – bitte prüfen Sie das. Schöne Grüße",
    "spanish": "¿Por qué no puedo cancelar mi suscripción? ¡Llevo tres días intentándolo sin éxito!",
    "chinese": "你好，我的订单三天前付款了，但是到现在还没有发货，请帮我查一下。",
    "arabic": "مرحبا، لا أستطيع تسجيل الدخول إلى حسابي منذ أمس، أرجو المساعدة.",
    "emoji": "App crashes 😡😡 after update 👩‍👩‍👧‍👦 pls fix 🙏🏽 e\u0301té",
    "stack_trace": (
        "Traceback (most recent call last):\n"
        '  File "/srv/app/billing.py", line 214, in charge\n'
        "    raise PaymentError(code='card_declined', retry=False)\n"
        "billing.PaymentError: card_declined (req_8fK2-aa91) HTTP/1.1 402\n"
    ),
    "one_endless_word": "x" * 5_000,
    "markup": "<p>Hello&nbsp;team,</p> see https://example.com/a?b=c&d=%20 [SEP] [MASK] thanks",
}


def main(folder: str) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu")
    model.max_seq_length = 256
    # one text at a time: no padding has a part in the reference
    vectors = {
        name: model.encode([text], normalize_embeddings=True, convert_to_numpy=True)[0]
        for name, text in TEXTS.items()
    }
    np.savez_compressed(Path(__file__).parent / "embeddings.npz", **vectors)


if __name__ == "__main__":
    main(sys.argv[1])
