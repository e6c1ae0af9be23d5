"""The array types that the package shares, and one deterministic writer of .npz files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""What models compute with."""
Doubles = NDArray[np.float64]
"""What training and evaluation compute with."""
Bools = NDArray[np.bool_]


def npz_bytes(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as an .npz file whose bytes depend on the arrays alone; NumPy's own writer stores the time."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in sorted(arrays.items()):
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue())
    return buffer.getvalue()
