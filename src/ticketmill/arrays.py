"""The types of arrays that many parts share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Of any shape; docstrings say which."""
