"""The weights of granularities by their entropy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.granularity import entropy_weights

LISTS = st.lists(st.lists(st.floats(-1, 1), min_size=1, max_size=9), min_size=1, max_size=5)


@pytest.mark.parametrize("temperature", [0.1, 0.2])
def test_one_peak_outweighs_a_flat_list(temperature: float) -> None:
    peaked, flat = [0.9] + [0.1] * 49, [0.5] * 50
    found = entropy_weights([peaked, flat], temperature=temperature)
    np.testing.assert_allclose(found, [1, 0], atol=1e-9)


def test_equal_entropies_weigh_the_same_and_so_do_flat_lists() -> None:
    np.testing.assert_allclose(entropy_weights([[0.9, 0.1], [0.1, 0.9]]), [0.5, 0.5])
    np.testing.assert_allclose(entropy_weights([[0.4] * 3, [0.2] * 7, [1.0]]), [1 / 3] * 3)


@given(LISTS, st.floats(0.05, 2))
def test_weights_are_shares(lists: list[list[float]], temperature: float) -> None:
    found = entropy_weights(lists, temperature=temperature)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)


def test_bad_lists_are_refused() -> None:
    for wrong in ([], [[]], [[[0.1]]], [[np.nan]], [["a"]]):
        with pytest.raises(InvalidArgument, match=r"^similarities"):
            entropy_weights(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"^temperature"):
        entropy_weights([[0.1]], temperature=0)
