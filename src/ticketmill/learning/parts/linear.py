"""Linear classifiers: support vectors and logistic regression. Scikit-learn fits them, NumPy predicts."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketmill.arrays import Doubles, Floats, npz_bytes
from ticketmill.learning.parts.features import SKLEARN
from ticketmill.learning.parts.ports import Columns, Files, Labelled, Part, PartDocument, Setting
from ticketmill.models.heads import Kind, activate
from ticketmill.models.tokens import Ints

WEIGHTS_FILE = "weights.npz"


class Linear:
    """`activate(slope · (columns · weights + bias) + shift)`, label by label."""

    def __init__(self, kind: Kind, weights: Floats, calibration: Doubles) -> None:
        self._kind = kind
        self._weights = weights
        """(columns, labels)"""
        self._calibration = calibration
        """(3, labels): bias, slope and shift"""

    def probabilities(self, columns: Columns | None, _: Sequence[PartDocument]) -> Doubles:
        """(documents, labels)"""
        if columns is None:
            raise ValueError("a linear classifier reads columns")
        bias, slope, shift = self._calibration
        margins = np.asarray(columns @ self._weights, np.float64) + bias
        return activate(slope * margins + shift, self._kind).astype(np.float64)

    def files(self) -> Files:
        """The arrays."""
        arrays: dict[str, NDArray[Any]] = {
            "weights": self._weights,
            "calibration": self._calibration,
            "exclusive": np.array(self._kind == "softmax"),
        }
        return {WEIGHTS_FILE: npz_bytes(arrays)}


def load_linear(files: Files, _: Setting) -> Linear:
    """The classifier in `files`."""
    with np.load(io.BytesIO(files[WEIGHTS_FILE]), allow_pickle=False) as stored:
        kind: Kind = "softmax" if stored["exclusive"] else "sigmoid"
        return Linear(kind, stored["weights"], stored["calibration"])


Weighed = tuple[Floats, Doubles]
"""(columns, labels) weights, and their (3, labels) calibration."""


def _one_or_each(labelled: Labelled, fit: Callable[[Ints], Weighed]) -> Linear:
    """Of labels that exclude each other one fit, else one a label against all other documents."""
    if labelled.kind == "softmax":
        return Linear(labelled.kind, *fit(labelled.truth.argmax(axis=1)))
    fits = [fit(own.astype(np.int64)) for own in labelled.truth.T]
    weights, calibrations = (np.concatenate(each, axis=1) for each in zip(*fits, strict=True))
    return Linear(labelled.kind, weights, calibrations)


def _weighed(model: Any, kind: Kind) -> Weighed:
    """Of two labels scikit-learn has one row; for labels that exclude each other it scores -x and x."""
    rows, bias = model.coef_, model.intercept_
    if kind == "softmax" and len(rows) == 1:
        rows, bias = np.concatenate([-rows, rows]), np.concatenate([-bias, bias])
    calibration = np.stack([bias, np.ones(len(bias)), np.zeros(len(bias))])
    return rows.T.astype(np.float32), calibration.astype(np.float64)


def _fit_svm(labelled: Labelled, setting: Setting) -> Linear:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import LinearSVC

    kind = labelled.kind
    options = setting.options
    make = LinearSVC(
        C=float(options["inverse_penalty"]), max_iter=int(options["iterations"]), random_state=setting.seed
    )

    def fit(labels: Ints) -> Weighed:
        folds = min(int(options["calibration_folds"]), int(np.bincount(labels).min()))
        if folds < 2:  # a label of one document: what is held out later calibrates alone
            return _weighed(make.fit(labelled.columns, labels), kind)
        method = "temperature" if kind == "softmax" else "sigmoid"
        made = CalibratedClassifierCV(make, method=method, cv=folds, ensemble=False)
        (fitted,) = made.fit(labelled.columns, labels).calibrated_classifiers_
        (by,) = fitted.calibrators
        weights, calibration = _weighed(fitted.estimator, kind)
        if kind == "softmax":
            calibration[1] = by.beta_
        else:
            calibration[1:] = [[-by.a_], [-by.b_]]
        return weights, calibration

    return _one_or_each(labelled, fit)


def _fit_logistic(labelled: Labelled, setting: Setting) -> Linear:
    from sklearn.linear_model import LogisticRegression

    def fit(labels: Ints) -> Weighed:
        model = LogisticRegression(
            C=float(setting.options["inverse_penalty"]), max_iter=int(setting.options["iterations"])
        )
        weights, calibration = _weighed(model.fit(labelled.columns, labels), labelled.kind)
        if labelled.kind == "softmax" and weights.shape[1] == 2 and len(model.coef_) == 1:
            calibration[1] = 0.5  # the two scores differ by what scikit-learn gives the second
        return weights, calibration

    return _one_or_each(labelled, fit)


LINEAR = (
    Part(
        "svm",
        "classifier",
        "linear support vectors, calibrated",
        fit=_fit_svm,
        load=load_linear,
        options={"inverse_penalty": 1.0, "iterations": 10_000, "calibration_folds": 3},
        reads=frozenset({"columns"}),
        **SKLEARN,
    ),
    Part(
        "logistic",
        "classifier",
        "logistic regression",
        fit=_fit_logistic,
        load=load_linear,
        options={"inverse_penalty": 10.0, "iterations": 1000},
        reads=frozenset({"columns"}),
        **SKLEARN,
    ),
)
