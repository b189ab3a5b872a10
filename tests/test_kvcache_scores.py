"""What holds of every score of a KV cache: padding, batches, heads, broken numbers, few and equal tokens."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.kvcache import Layer, bf16_bits, from_bf16, scores, select
from tests.kvcache_methods import EVERY_METHOD, METHODS, Tensors, computed_by, tensors


@pytest.fixture(params=("rust", "numpy"), scope="module", autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    with computed_by(request.param):
        yield request.param


every = pytest.mark.parametrize("name", EVERY_METHOD)
every_but_pages = pytest.mark.parametrize("name", METHODS)


def with_padding(given: Tensors, left: int, right: int) -> Tensors:
    """Return the same sequences with padding of huge and broken numbers around them."""
    random = np.random.default_rng(1)

    def around(part: np.ndarray, axis: int) -> np.ndarray:
        shape = list(part.shape)
        parts = []
        for count in (left, right):
            shape[axis] = count
            junk = random.standard_normal(shape) * 1e3
            parts.append(np.where(random.random(shape) < 0.2, np.nan, junk))
        return np.concatenate([parts[0], part, parts[1]], axis)

    tokens = given.keys.shape[2]
    mask = np.zeros((len(given.keys), left + tokens + right), dtype=bool)
    mask[:, left : left + tokens] = True
    return replace(
        given,
        keys=around(given.keys, 2),
        values=around(given.values, 2),
        queries=around(given.queries, 2),
        log_probability=around(given.log_probability, 1),
        mask=mask,
    )


def test_the_list_names_every_method():
    named = {name.partition(",")[0] for name in EVERY_METHOD}
    states = {"HeavyHitters", "KeyAnchor", "PageBounds", "QueryStats"}
    others = states | {"calibrated_filters", "page_bounds", "page_scores"}
    assert named == set(scores.__all__) - others


@every
def test_scores_are_float32_and_one_a_token(name):
    found = EVERY_METHOD[name](tensors())
    assert found.shape == (2, 2, 40)
    assert found.dtype == np.float32
    assert not np.isnan(found).any()
    assert (found > -np.inf).all()


@every_but_pages
def test_padding_changes_no_bit_on_either_side(name):
    plain = METHODS[name](tensors())
    for left, right in ((0, 9), (7, 0), (5, 3)):
        found = METHODS[name](with_padding(tensors(), left, right))
        np.testing.assert_array_equal(found[..., left : left + 40], plain)
        assert (found[..., :left] == -np.inf).all()
        assert (found[..., left + 40 :] == -np.inf).all()


@every
def test_padding_on_the_right_changes_no_bit(name):
    plain, found = EVERY_METHOD[name](tensors()), EVERY_METHOD[name](with_padding(tensors(), 0, 9))
    np.testing.assert_array_equal(found[..., :40], plain)


@every
def test_a_batch_is_its_sequences(name):
    given = tensors(batch=3)
    whole = EVERY_METHOD[name](given)
    for at in range(3):
        np.testing.assert_array_equal(EVERY_METHOD[name](given.sequence(at)), whole[at : at + 1])


@pytest.mark.parametrize("name", sorted(EVERY_METHOD.keys() - {"random_order", "q_filter"}))
def test_heads_in_another_order_have_their_scores_in_that_order(name):
    given, group = tensors(), 3
    turned = replace(
        given,
        keys=given.keys[:, ::-1],
        values=given.values[:, ::-1],
        queries=np.concatenate([given.queries[:, group:], given.queries[:, :group]], 1),
        replay=np.concatenate([given.replay[:, group:], given.replay[:, :group]], 1),
    )
    np.testing.assert_allclose(
        EVERY_METHOD[name](turned)[:, ::-1], EVERY_METHOD[name](given), rtol=1e-6, atol=1e-7
    )


@every
def test_a_group_of_equal_queries_is_one_query(name):
    given = tensors(group=1)
    repeated = replace(
        given, queries=np.repeat(given.queries, 4, axis=1), replay=np.repeat(given.replay, 4, axis=1)
    )
    np.testing.assert_allclose(EVERY_METHOD[name](repeated), EVERY_METHOD[name](given), rtol=1e-6, atol=1e-7)


@every
def test_a_broken_token_scores_as_padding_and_spoils_no_other(name):
    given = tensors()
    keys = given.keys.copy()
    keys[0, 1, 17, 3] = np.nan
    keys[1, 0, 5, 0] = np.inf
    found = EVERY_METHOD[name](replace(given, keys=keys))
    assert (found[0, :, 17] == -np.inf).all()
    assert (found[1, :, 5] == -np.inf).all()
    assert np.isfinite(np.delete(found[0], 17, axis=1)).any()
    assert (np.delete(found[0], 17, axis=1) > -np.inf).all()


@every
@pytest.mark.parametrize("tokens", [0, 1, 2, 3, 5])
def test_few_tokens(name, tokens):
    found = EVERY_METHOD[name](tensors(tokens=tokens))
    assert found.shape == (2, 2, tokens)
    assert not np.isnan(found).any()
    assert (found > -np.inf).all()
    assert select(found, 1, n_sink=0).counts.tolist() == [[min(tokens, 1)] * 2] * 2


@every
def test_an_empty_batch(name):
    assert EVERY_METHOD[name](tensors(batch=0)).shape == (0, 2, 40)


@every
def test_an_empty_sequence_in_a_batch(name):
    given = tensors()
    mask = np.ones((2, 40), dtype=bool)
    mask[0] = False
    found = EVERY_METHOD[name](replace(given, mask=mask))
    assert (found[0] == -np.inf).all()
    np.testing.assert_array_equal(found[1:], EVERY_METHOD[name](given.sequence(1)))


@every
@pytest.mark.parametrize("value", [0.0, 1.0, -300.0])
def test_equal_tokens_and_constant_channels(name, value):
    given = tensors()
    same = replace(given, keys=np.full_like(given.keys, value), values=np.full_like(given.values, value))
    found = EVERY_METHOD[name](same)
    assert not np.isnan(found).any()
    assert (found > -np.inf).all()
    some = replace(given, keys=given.keys.copy(), values=given.values.copy())
    some.keys[..., 4], some.values[..., 4] = value, value
    assert not np.isnan(EVERY_METHOD[name](some)).any()


@every
@pytest.mark.parametrize("dim", [2, 6, 10, 80])
def test_other_sizes_of_a_head(name, dim):
    assert np.isfinite(EVERY_METHOD[name](tensors(dim=dim))).any()


@every
def test_bfloat16_as_integers_scores_as_its_numbers(name):
    given = tensors()
    kept = ("log_probability", "mask")
    bits = {key: bf16_bits(part) for key, part in vars(given).items() if key not in kept}
    floats = {key: from_bf16(part) for key, part in bits.items()}
    np.testing.assert_array_equal(
        EVERY_METHOD[name](replace(given, **bits)), EVERY_METHOD[name](replace(given, **floats))
    )
    signed = {key: part.view(np.int16) for key, part in bits.items()}
    np.testing.assert_array_equal(
        EVERY_METHOD[name](replace(given, **signed)), EVERY_METHOD[name](replace(given, **bits))
    )


@every
def test_strides_do_not_matter(name):
    given = tensors()
    swapped = given.each(
        lambda part: np.ascontiguousarray(part.swapaxes(1, 2)).swapaxes(1, 2) if part.ndim == 4 else part
    )
    assert not swapped.keys.flags.c_contiguous
    np.testing.assert_array_equal(EVERY_METHOD[name](swapped), EVERY_METHOD[name](given))


@every
def test_the_same_twice(name):
    np.testing.assert_array_equal(EVERY_METHOD[name](tensors()), EVERY_METHOD[name](tensors()))


@any_of(data=st.data())
def test_lengths_are_a_mask(data):
    name = data.draw(st.sampled_from(sorted(METHODS)))
    tokens = data.draw(st.integers(1, 20))
    lengths = np.array(data.draw(st.lists(st.integers(0, tokens), min_size=2, max_size=2)))
    given = replace(tensors(tokens=tokens), mask=np.arange(tokens) < lengths[:, None])
    found = METHODS[name](given)
    for at, length in enumerate(lengths):
        one = tensors(tokens=tokens).sequence(at)
        cut = replace(
            one,
            keys=one.keys[:, :, :length],
            values=one.values[:, :, :length],
            queries=one.queries[:, :, :length],
            log_probability=one.log_probability[:, :length],
        )
        np.testing.assert_array_equal(found[at : at + 1, :, :length], METHODS[name](cut))
        assert (found[at, :, length:] == -np.inf).all()


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("window_attention", "queries"),
        ("last_query", "queries"),
        ("heavy_hitter", "queries"),
        ("page_bound", "queries"),
        ("chunk_attention", "queries"),
        ("output_perturbation", "values"),
        ("lag_relative", "values"),
        ("cur", "values"),
    ],
)
def test_what_a_method_misses_is_named(name, missing):
    given = tensors()
    parts = {"keys": given.keys, "values": given.values, "queries": given.queries}
    del parts[missing]
    with pytest.raises(InvalidArgument, match=rf"^{missing}: {name} needs"):
        getattr(scores, name)(Layer(**parts))


def test_strict_layers_name_the_broken_token():
    given = tensors()
    given.keys[1, 0, 7, 2] = np.nan
    with pytest.raises(InvalidArgument, match=r"keys\[1\]: token 7"):
        scores.key_norm(Layer(given.keys, strict=True))
