"""What a part is: made by `fit` or by `load`, and kept as files that are no pickle.

A tokenizer splits a text, features make columns of documents, a classifier makes probabilities of columns. A
part of a third party is announced by an entry point of the group `ticketmill.parts`, see `catalogue.py`.
Loaded parts are used by several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from ticketmill.arrays import Doubles, Floats

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from ticketmill.learning.families import Encode
    from ticketmill.learning.fine_tuned_part import FineTune
    from ticketmill.models.heads import Kind

Files = Mapping[str, bytes]
"""The state of a part by file name: JSON, npz, or the safe format of the library that made it."""
Columns: TypeAlias = "csr_matrix | Floats"
"""(documents, columns)"""
Role = Literal["tokenizer", "features", "classifier"]
ROLES: tuple[Role, ...] = ("tokenizer", "features", "classifier")
Option = int | float | str | bool


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
    words: Sequence[str] = ()
    """Those of the tokenizer; none where no part asks for them."""
    embedding: Floats | None = None
    """(columns,): what the encoder gives of it; None where no part asks for it."""


class Features(Protocol):
    """Makes columns of documents."""

    def transform(self, documents: Sequence[PartDocument]) -> Columns: ...

    def files(self) -> Files: ...


class Classifier(Protocol):
    """Makes probabilities of columns, or of documents where it reads texts itself."""

    def probabilities(self, columns: Columns | None, documents: Sequence[PartDocument]) -> Doubles:
        """(documents, labels): labels that exclude each other add up to one"""
        ...

    def files(self) -> Files: ...


class Labelled(NamedTuple):
    """What features and a classifier are fitted to. Each label has at least one document, and lacks one."""

    documents: Sequence[PartDocument]
    columns: Columns | None
    """None for features, and for a classifier that reads the texts itself."""
    truth: Floats
    """(documents, labels): 0 or 1"""
    kind: Kind
    """Whether the labels exclude each other, `softmax`, or not, `sigmoid`."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What parts may use of the machine that trains."""

    encode: Encode
    tokenizer_of: Callable[[str | None], bytes]
    """The `tokenizer.json` of a source: a path or a name on the Hub; without one that of the encoder.
    LearningRefused where it is out of reach."""
    fine_tune_of: Callable[[str | None], FineTune]
    """What fine-tunes the encoder of a source, or the bundle's. LearningRefused where this machine cannot."""


class Setting(NamedTuple):
    """What a part is made for."""

    locale: str
    """As in `en` or `de-CH`."""
    seed: int
    options: Mapping[str, Option]
    """Those of the part, as the manifest keeps them."""
    source: str | None = None
    """What stands after the colon in its name, as in `huggingface:org/name`."""
    resources: Resources | None = None
    """None where a part is loaded."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that can be chosen by name. The functions import what they need when they are called.

    `fit` gets (texts, setting) for a tokenizer, (Labelled, Setting) for features and classifiers. It and
    `load`, which gets (files, setting), return a Tokenizer, Features or Classifier.
    """

    name: str
    role: Role
    what: str
    """In a few words, for people."""
    fit: Callable[[Any, Setting], Any]
    load: Callable[[Files, Setting], Any]
    packages: tuple[str, ...] = ()
    """The distributions that it needs: their versions go into the manifest."""
    modules: tuple[str, ...] = ()
    """What it imports of them."""
    extra: str = "parts"
    """The extra of ticketmill that brings them."""
    options: Mapping[str, Option] = field(default_factory=dict)
    reads: frozenset[Literal["words", "columns", "embedding", "texts"]] = frozenset()
    """What it is given: features read words, embeddings or texts; a classifier columns or texts. What no
    later part reads is not computed."""
    learns: bool = True
    """Whether it depends on the texts that it is fitted to."""
    slow: bool = False
    """Whether fits take minutes: its cross-validation has fewer of them."""
    modules_to_fit: tuple[str, ...] = ()
    """What only its fit imports."""
    extra_to_fit: str = ""
    """The extras that bring those."""
    several_labels: bool = True
    """Whether it learns labels that do not exclude each other."""
