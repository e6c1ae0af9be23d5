"""The deterministic writer of .npz files."""

from __future__ import annotations

import io

import numpy as np

from ticketmill.arrays import npz_bytes


def test_the_same_arrays_give_the_same_bytes_in_any_order() -> None:
    weights, bias = np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros(3, np.float16)
    assert npz_bytes({"weights": weights, "bias": bias}) == npz_bytes({"bias": bias, "weights": weights})


def test_numpy_reads_what_is_written() -> None:
    columns = np.arange(6, dtype=np.float32).reshape(2, 3).T
    with np.load(io.BytesIO(npz_bytes({"columns": columns})), allow_pickle=False) as stored:
        assert stored.files == ["columns"]
        assert stored["columns"].dtype == np.float32
        np.testing.assert_array_equal(stored["columns"], columns)


def test_no_date_of_writing_is_stored() -> None:
    assert b"PK\x03\x04" in npz_bytes({"a": np.zeros(1)})[:4]
    assert npz_bytes({"a": np.zeros(1)})[10:14] == b"\x00\x00\x21\x00", (
        "1980-01-01, the first date that zip knows"
    )
