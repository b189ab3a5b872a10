"""Codes of whole numbers are those of KIVI, scales and zeros too."""

import numpy as np
import pytest

from tests.pytorch import kivi


@pytest.mark.parametrize(("bits", "group", "role"), kivi.CASES)
def test_codes_scales_and_zeros_are_theirs(bits, group, role):
    found = kivi.rows()
    codes, scale, zero, _ = kivi.ours(found, bits, group, role)
    exact = kivi.along(found.float(), role)
    _, their_scale, their_zero = kivi.published(exact, bits, group)
    np.testing.assert_array_equal(zero, their_zero.half())
    np.testing.assert_array_equal(scale, their_scale.half())
    # Scales are float16 there too; here they are rounded before codes are made for them.
    steps = (exact.unflatten(-1, (-1, group)) - their_zero[..., None]) / their_scale.half().float()[..., None]
    np.testing.assert_array_equal(codes, steps.clamp(0, 2**bits - 1).round().flatten(-2))


@pytest.mark.parametrize(("bits", "group", "role"), kivi.CASES)
def test_where_they_round_in_between_a_code_is_the_next_one_at_most(bits, group, role):
    *shares, most = kivi.others(bits, group, role)
    assert most <= 1
    assert max(shares) < 0.006


@pytest.mark.parametrize(("bits", "group", "role"), kivi.CASES)
def test_codes_lie_in_words_as_theirs_do(bits, group, role):
    codes, _, _, words = kivi.ours(kivi.rows(), bits, group, role)
    # 32 / bits codes a word along the group's axis, the first in the lowest bits.
    parts = codes.reshape(*codes.shape[:-1], -1, 32 // bits)
    np.testing.assert_array_equal(words, (parts << (np.arange(32 // bits) * bits)).sum(-1).astype(np.uint32))
