"""Prototypes: one vector a label, made of its description by the encoder that reads the tickets too.

`taxonomy.json` is what they are made from; `prototypes.npz` follows from it and the encoder, and is made
when the bundle is built, so that a worker starts without encoding anything but tickets.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ticketmill.domain.errors import SetupError
from ticketmill.domain.taxonomy import Taxonomies, Taxonomy
from ticketmill.ml.bundle import Bundle
from ticketmill.ml.encoder import Encoder

TAXONOMY_FILE = "taxonomy.json"
PROTOTYPES_FILE = "prototypes.npz"

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Prototypes:
    """The labels of a task and their vectors (labels, dimensions), of length 1.

    `background` (dimensions,) is the mean over the prototypes of the shipped topics.
    """

    taxonomy: Taxonomy
    vectors: Floats
    background: Floats

    @property
    def centred(self) -> Floats:
        """(labels, dimensions): a product with an embedding is its cosine to each label, less the mean of
        its cosines to the background."""
        return self.vectors - self.background


def make_prototypes(taxonomy: Taxonomy, encoder: Encoder) -> Floats:
    """(labels, dimensions): the description, and the mean of the examples where there are any."""
    descriptions = _embed([label.text for label in taxonomy.labels], encoder)
    examples = [text for label in taxonomy.labels for text in label.examples]
    embedded = iter(_embed(examples, encoder))
    for vector, label in zip(descriptions, taxonomy.labels, strict=True):
        if label.examples:
            vector += unit(np.mean([next(embedded) for _ in label.examples], axis=0))
    return unit(descriptions)


def taxonomy_file(taxonomies: Taxonomies) -> dict[str, bytes]:
    """The taxonomies as a file for a bundle."""
    return {TAXONOMY_FILE: (taxonomies.model_dump_json(indent=2) + "\n").encode()}


def prototypes_file(bundle: Bundle) -> bytes:
    """What a build stores as `prototypes.npz`, from the encoder and the `taxonomy.json` of `bundle`."""
    encoder = Encoder(bundle, threads=1)
    taxonomies = read_taxonomies_of(bundle)
    return _npz(
        {
            "background": _embed(taxonomies.background, encoder).mean(axis=0),
            "intent": make_prototypes(taxonomies.intent, encoder),
            "topics": make_prototypes(taxonomies.topics, encoder),
        }
    )


def read_taxonomies_of(bundle: Bundle) -> Taxonomies:
    """The taxonomies of a bundle. SetupError where it has none that this version reads."""
    try:
        return Taxonomies.model_validate_json(bundle.path(TAXONOMY_FILE).read_bytes())
    except ValidationError as error:
        raise SetupError(
            "the bundle's taxonomy cannot be read by this version: run `ticketmill models build`"
        ) from error


def load_prototypes(bundle: Bundle) -> dict[str, Prototypes]:
    """The prototypes of a bundle by task. SetupError where they do not fit its taxonomy."""
    taxonomies = read_taxonomies_of(bundle)
    with np.load(io.BytesIO(bundle.path(PROTOTYPES_FILE).read_bytes()), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return {
        task: _fitting(taxonomy, arrays, task)
        for task, taxonomy in (("topics", taxonomies.topics), ("intent", taxonomies.intent))
    }


def unit(vectors: Floats) -> Floats:
    """Vectors scaled to length 1; zeros stay zeros."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _fitting(taxonomy: Taxonomy, arrays: Mapping[str, Floats], task: str) -> Prototypes:
    vectors, background = arrays.get(task), arrays.get("background")
    if vectors is None or background is None or vectors.shape != (len(taxonomy.labels), len(background)):
        raise SetupError("the bundle's prototypes do not fit its taxonomy: run `ticketmill models build`")
    return Prototypes(taxonomy, vectors, background)


def _embed(texts: tuple[str, ...] | list[str], encoder: Encoder) -> Floats:
    return np.array([encoded.embedding for encoded in encoder.encode(texts)], np.float32)


def _npz(arrays: Mapping[str, Floats]) -> bytes:
    """Arrays as an .npz whose bytes depend on the arrays alone (numpy's own writer stores the time)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(arrays.items()):
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())
    return buffer.getvalue()
