"""The classifier `xgboost`: boosted trees, for few labels and many, on one thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ticketmill.arrays import Doubles
from ticketmill.learning.parts.ports import Columns, Files, Labelled, Part, PartDocument, Setting

TREES_FILE = "trees.ubj"


class BoostedTrees:
    """A booster. Predicting is safe for several threads."""

    def __init__(self, body: bytes) -> None:
        import xgboost

        self._body = body
        self._booster: Any = xgboost.Booster(params={"nthread": 1}, model_file=bytearray(body))

    def probabilities(self, columns: Columns | None, documents: Sequence[PartDocument]) -> Doubles:
        """(documents, labels)"""
        import xgboost

        found = self._booster.predict(xgboost.DMatrix(columns, nthread=1))
        return np.asarray(found, np.float64).reshape(len(documents), -1)

    def files(self) -> Files:
        """The trees as UBJSON."""
        return {TREES_FILE: self._body}


def _fit(labelled: Labelled, setting: Setting) -> BoostedTrees:
    import xgboost

    options = setting.options
    parameters: dict[str, Any] = {
        "max_depth": options["depth"],
        "eta": options["learning_rate"],
        "seed": setting.seed,
        "nthread": 1,
        "tree_method": "hist",
    }
    if labelled.kind == "softmax":
        parameters |= {"objective": "multi:softprob", "num_class": labelled.truth.shape[1]}
        truth = labelled.truth.argmax(axis=1)
    else:
        parameters["objective"] = "binary:logistic"
        truth = labelled.truth
    matrix = xgboost.DMatrix(labelled.columns, label=truth, nthread=1)
    return BoostedTrees(bytes(xgboost.train(parameters, matrix, options["trees"]).save_raw("ubj")))


BOOSTED_TREES = Part(
    "xgboost",
    "classifier",
    "boosted trees",
    fit=_fit,
    load=lambda files, _: BoostedTrees(files[TREES_FILE]),
    packages=("xgboost-cpu", "scipy"),
    modules=("xgboost", "scipy"),
    options={"depth": 6, "learning_rate": 0.1, "trees": 100},
    reads=frozenset({"columns"}),
)
