"""What branches say of tickets that they were not trained on."""

from __future__ import annotations

import numpy as np

from ticketmill.learning.left_out_branch import left_out_file, left_out_scores


def test_texts_of_the_training_get_their_left_out_scores_and_others_the_branchs_own() -> None:
    content = left_out_file(["known", "also known"], np.array([[1, 2], [3, 4]], np.float16))
    own = np.full((3, 2), 9.0)
    found = left_out_scores(["new", "also known", "known"], own, content)
    assert found.tolist() == [[9, 9], [3, 4], [1, 2]]
    assert (own == 9).all()
