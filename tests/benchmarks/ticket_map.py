"""How much of the closeness of tickets a map keeps, on the shipped corpus.

    python tests/benchmarks/ticket_map.py [--tickets 1500] [--json]

Trustworthiness (Venna and Kaski, 2001) is 1 where the neighbours on the map are neighbours by the cosine of
the embeddings too. `same_intent` is the share of the ten nearest tickets that have the ticket's intent. Both
are told of the map, of the first two principal components, and `same_intent` of the embeddings themselves.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from ticketmill.arrays import Doubles, Floats
from ticketmill.encoder.bundle import load_bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.learning.corpus import PLAIN_TICKETS, read_corpus
from ticketmill.learning.flat import flatten
from ticketmill.settings import load_settings

NEIGHBOURS = 10


def same_intent(places: Floats | Doubles, intents: list[str]) -> float:
    """The share of the nearest tickets with the same intent."""
    squares = (places**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * places @ places.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argsort(distances, axis=1)[:, :NEIGHBOURS]
    given = np.array(intents)
    return float((given[nearest] == given[:, None]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tickets", type=int, default=1500)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    settings = load_settings()
    encoder = Encoder(load_bundle(settings.bundle_dir), settings.threads)
    tickets = read_corpus(PLAIN_TICKETS)
    chosen = [tickets[at] for at in np.random.default_rng(0).permutation(len(tickets))[: asked.tickets]]
    vectors = np.array([each.embedding for each in encoder.encode([ticket.text for ticket in chosen])])
    intents = [str(ticket.intent) for ticket in chosen]
    started = time.process_time()
    places = flatten(vectors)
    seconds = time.process_time() - started
    components = PCA(2, random_state=0).fit_transform(vectors - vectors.mean(axis=0))
    told = {
        "tickets": len(chosen),
        "cpu_s": round(seconds, 1),
        "map": {
            "trustworthiness": round(float(trustworthiness(vectors, places, metric="cosine")), 3),
            "same_intent": round(same_intent(places, intents), 3),
        },
        "principal_components": {
            "trustworthiness": round(float(trustworthiness(vectors, components, metric="cosine")), 3),
            "same_intent": round(same_intent(components, intents), 3),
        },
        "embeddings": {"same_intent": round(same_intent(vectors, intents), 3)},
    }
    print(json.dumps(told) if asked.json else json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
