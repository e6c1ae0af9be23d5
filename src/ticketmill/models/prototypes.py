"""Prototypes: one vector a label, the embedding of its description.

A label with examples has a second vector, the weights of a linear head: the mean of the examples without the
part that all tickets share. This is the linear discriminant if all directions vary alike. Whitening by the
covariance of tickets was measured to be worse: the directions that vary most are the tickets' subjects.

The shared part is removed as a direction (projection), not as a point (subtraction). After a subtraction, any
two texts about something else would seem close: both would be far from the mean, on the same side.

`taxonomy.json` has the labels. `prototypes.npz` is computed from it and the encoder when the bundle is built,
so that a worker starts without encoding any labels.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from ticketmill.arrays import Floats, npz_bytes
from ticketmill.domain.errors import SetupError
from ticketmill.domain.taxonomy import Taxonomies, Taxonomy
from ticketmill.encoder.bundle import Bundle
from ticketmill.encoder.encoder import Encoder
from ticketmill.text.markup import plain_text

TAXONOMY_FILE = "taxonomy.json"
PROTOTYPES_FILE = "prototypes.npz"
CENTRE_FILE = "centre.npz"
SHIPPED_CENTRE = Path(__file__).with_name("shipped") / CENTRE_FILE


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """The labels of a task and their vectors (labels, dimensions), of length 1.

    `examples` (labels, dimensions) are the weights of the heads from examples, of length 1; zeros for a label
    without examples. `background` (dimensions,) is the mean over the prototypes of the shipped topics,
    `centre` (dimensions,) that over the embeddings of the corpus's tickets.
    """

    taxonomy: Taxonomy
    vectors: Floats
    examples: Floats
    background: Floats
    centre: Floats

    @property
    def centred(self) -> Floats:
        """(labels, dimensions): without the background, and without what all tickets have in common."""
        return without(self.vectors - self.background, self.centre)


def make_prototypes(taxonomy: Taxonomy, encoder: Encoder) -> Floats:
    """(labels, dimensions): the descriptions, of length 1."""
    return unit(_embed([label.text for label in taxonomy.labels], encoder))


def make_example_heads(taxonomy: Taxonomy, encoder: Encoder, centre: Floats) -> Floats:
    """(labels, dimensions): the mean of a label's examples without its part along `centre`, normalized."""
    texts = [plain_text(text) for label in taxonomy.labels for text in label.examples]
    embedded = iter(_embed(texts, encoder))
    weights = np.zeros((len(taxonomy.labels), len(centre)), np.float32)
    for row, label in zip(weights, taxonomy.labels, strict=True):
        if label.examples:
            row[:] = np.mean([next(embedded) for _ in label.examples], axis=0)
    return unit(without(weights, centre))


def taxonomy_file(taxonomies: Taxonomies) -> dict[str, bytes]:
    """The taxonomies as a file for a bundle."""
    return {TAXONOMY_FILE: (taxonomies.model_dump_json(indent=2) + "\n").encode()}


def describe(taxonomy: Taxonomy, background: Sequence[str], centre: Floats, encoder: Encoder) -> Prototypes:
    """The prototypes of a taxonomy. `background` has the texts of the shipped topics."""
    return Prototypes(
        taxonomy,
        vectors=make_prototypes(taxonomy, encoder),
        examples=make_example_heads(taxonomy, encoder, centre),
        background=_embed(background, encoder).mean(axis=0),
        centre=centre,
    )


def centre_file(centre: Floats) -> bytes:
    """What `taxonomy fit` stores as `centre.npz`."""
    return npz_bytes({"centre": np.asarray(centre, np.float32)})


def shipped_centre() -> dict[str, bytes]:
    """The shipped mean of all tickets, as a file for a bundle."""
    return {CENTRE_FILE: SHIPPED_CENTRE.read_bytes()}


def prototypes_file(bundle: Bundle) -> bytes:
    """The content of `prototypes.npz`, from the encoder and the `taxonomy.json` of `bundle`."""
    encoder = Encoder(bundle, threads=1)
    taxonomies = read_taxonomies_of(bundle)
    centre = _arrays(bundle, CENTRE_FILE)["centre"]
    return npz_bytes(
        {
            "background": _embed(taxonomies.background, encoder).mean(axis=0),
            "intent": make_prototypes(taxonomies.intent, encoder),
            "intent_examples": make_example_heads(taxonomies.intent, encoder, centre),
            "topics": make_prototypes(taxonomies.topics, encoder),
            "topics_examples": make_example_heads(taxonomies.topics, encoder, centre),
        }
    )


def read_taxonomies_of(bundle: Bundle) -> Taxonomies:
    """The taxonomies of a bundle. Raises SetupError when this version cannot read them."""
    try:
        return Taxonomies.model_validate_json(bundle.path(TAXONOMY_FILE).read_bytes())
    except ValidationError as error:
        raise SetupError(
            "the bundle's taxonomy cannot be read by this version: run `ticketmill models build`"
        ) from error


def load_prototypes(bundle: Bundle) -> dict[str, Prototypes]:
    """The prototypes of a bundle by task. Raises SetupError when they do not match its taxonomy."""
    taxonomies = read_taxonomies_of(bundle)
    arrays = _arrays(bundle, PROTOTYPES_FILE) | _arrays(bundle, CENTRE_FILE)
    return {
        task: _fitting(taxonomy, arrays, task)
        for task, taxonomy in (("topics", taxonomies.topics), ("intent", taxonomies.intent))
    }


def without(vectors: Floats, direction: Floats) -> Floats:
    """(n, dimensions): vectors without their part along `direction` (dimensions,); zeros remove nothing."""
    along = unit(direction)
    return np.asarray(vectors - np.outer(vectors @ along, along), np.float32)


def unit(vectors: Floats) -> Floats:
    """Vectors scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _fitting(taxonomy: Taxonomy, arrays: Mapping[str, Floats], task: str) -> Prototypes:
    names = (task, f"{task}_examples", "background", "centre")
    found = [arrays[name] for name in names if name in arrays]
    dimensions = len(arrays.get("centre", ()))
    labels = (len(taxonomy.labels), dimensions)
    if [each.shape for each in found] != [labels, labels, (dimensions,), (dimensions,)]:
        raise SetupError("the bundle's prototypes do not fit its taxonomy: run `ticketmill models build`")
    return Prototypes(taxonomy, *found)


def _arrays(bundle: Bundle, name: str) -> dict[str, Floats]:
    with np.load(io.BytesIO(bundle.path(name).read_bytes()), allow_pickle=False) as stored:
        return {each: stored[each] for each in stored.files}


def _embed(texts: Sequence[str], encoder: Encoder) -> Floats:
    return np.array([encoded.embedding for encoded in encoder.encode(texts)], np.float32)
