"""What a part is: made by `fit` or by `load`, and kept as files that are no pickle.

A tokenizer splits a text, features make columns of documents, a classifier makes probabilities of columns. A
part of a third party is announced by an entry point of the group `ticketmill.parts`, see `catalogue.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

from scipy.sparse import csr_matrix

from ticketmill.arrays import Doubles, Floats
from ticketmill.models.tokens import Ints

Files = Mapping[str, bytes]
"""The state of a part by file name: JSON, npz, or the safe format of the library that made it."""
Columns: TypeAlias = "csr_matrix | Floats"
"""(documents, columns)"""
Role = Literal["tokenizer", "features", "classifier"]


class Token(NamedTuple):
    """A word of a text; `text[start:end]` is what it was made of."""

    text: str
    start: int
    end: int


class Tokenizer(Protocol):
    """Splits texts into words."""

    def tokenize(self, text: str) -> list[Token]: ...

    def files(self) -> Files: ...


class PartDocument(NamedTuple):
    """A document as parts see it."""

    text: str
    """The writer's own words."""
    embedding: Floats | None
    """(columns,): what the encoder gives of it; None where no part asks for it."""


class Features(Protocol):
    """Makes columns of documents."""

    def transform(self, documents: Sequence[PartDocument]) -> Columns: ...

    def files(self) -> Files: ...


class Classifier(Protocol):
    """Makes probabilities of columns, or of documents where it `reads_texts`."""

    def probabilities(self, columns: Columns, documents: Sequence[PartDocument]) -> Doubles:
        """(documents, labels), each row adding up to one"""
        ...

    def files(self) -> Files: ...


class Labelled(NamedTuple):
    """What a classifier is fitted to."""

    documents: Sequence[PartDocument]
    columns: Columns | None
    """None for a classifier that reads the texts itself."""
    labels: Ints
    """(documents,): the number of each document's label"""
    names: Sequence[str]
    """The labels"""
    seed: int


PartT = TypeVar("PartT", covariant=True)


@dataclass(frozen=True, slots=True)
class Part(Generic[PartT]):
    """A part that can be chosen by name. The functions import what they need when they are called."""

    name: str
    role: Role
    what: str
    """In a few words, for people."""
    fit: Callable[..., PartT]
    load: Callable[[Files], PartT]
    packages: tuple[str, ...] = ()
    """The modules that it imports."""
    extra: str | None = None
    """The extra of ticketmill that brings them."""
    reads_embedding: bool = False
    reads_texts: bool = False
    """It reads texts itself: whatever comes before it in the model is not asked."""
