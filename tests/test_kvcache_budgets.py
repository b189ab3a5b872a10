"""Budgets: exact sums, the least of a head, and bits where they buy the most."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.errors import InvalidArgument, WrongType
from recollect.kvcache import Layer, MixedCache, budgets, scores, select
from recollect.kvcache.quantizers import KINDS, codec_of
from tests.kvcache_methods import tensors


@any_of(
    nbytes=st.integers(0, 100_000),
    dim=st.integers(1, 130),
    keys=st.sampled_from(KINDS),
    values=st.sampled_from(KINDS),
)
def test_tokens_within_bytes_are_the_most_that_fit(nbytes, dim, keys, values):
    tokens = budgets.tokens_within(nbytes, dim, keys=keys, values=values)
    taken = [
        codec_of(keys).nbytes(count, dim) + codec_of(values, "values").nbytes(count, dim) + 4 * count
        for count in (tokens, tokens + 1)
    ]
    assert taken[0] <= nbytes < taken[1]


def test_uniform_takes_a_share_tokens_or_bytes():
    assert budgets.uniform(2, 3, 100, ratio=0.25).tolist() == [[25] * 3] * 2
    assert (budgets.uniform(2, 3, 100, budget=1000) == 100).all()
    assert (budgets.uniform(2, 2, 100, nbytes=4 * 10 * (2 * 256 + 4), dim=128) == 10).all()
    for wrong in ({}, {"ratio": 0.5, "budget": 3}, {"nbytes": 100}):
        with pytest.raises(InvalidArgument):
            budgets.uniform(2, 3, 100, **wrong)


@any_of(
    layers=st.integers(1, 40),
    tokens=st.integers(1, 500),
    data=st.data(),
    beta=st.sampled_from([1.0, 2.0, 20.0]),
    min_share=st.sampled_from([0.0, 0.25, 1.0]),
)
def test_a_pyramid_has_its_sum_and_falls(layers, tokens, data, beta, min_share):
    average = data.draw(st.integers(1, tokens))
    window = data.draw(st.integers(0, average))
    found = budgets.pyramid(average, layers, tokens=tokens, beta=beta, window=window, min_share=min_share)
    assert found.sum() == average * layers
    assert (np.diff(found) <= 0).all()
    assert found.max() <= tokens
    assert found.min() >= max(int(min_share * average), window)


def test_a_pyramid_is_the_published_line_where_nothing_limits_it():
    found = budgets.pyramid(100, 5, tokens=1000, beta=20, min_share=0)
    assert found.tolist() == [195, 148, 100, 52, 5]


def test_the_last_layer_of_a_pyramid_keeps_more_than_its_window_when_half_is_kept():
    found = budgets.pyramid(250, 8, tokens=500, window=64)
    assert found.min() >= 64
    assert found.min() >= 250 // 4


@any_of(seed=st.integers(0, 99), average=st.integers(0, 14), floor=st.sampled_from([0.0, 0.2, 1.0]))
def test_heads_share_what_their_best_tokens_need(seed, average, floor):
    random = np.random.default_rng(seed)
    found = random.integers(0, 5, (2, 3, 12)).astype(np.float32)
    found[0, 1, 7:] = -np.inf
    shared = budgets.adaptive(found, average, floor=floor)
    for at in range(2):
        alive = (found[at] > -np.inf).sum(1)
        assert shared[at].sum() == min(3 * average, alive.sum())
        assert (shared[at] <= alive).all()
        assert (shared[at] >= np.minimum(np.ceil(floor * average), alive)).all()
    np.testing.assert_array_equal(budgets.adaptive(found[1:], average, floor=floor), shared[1:])


def test_heads_with_better_tokens_get_more():
    found = np.array([[[9, 8, 7, 6], [1, 2, 3, 5]]], dtype=np.float32)
    assert budgets.adaptive(found, 2, floor=0).tolist() == [[4, 0]]
    assert budgets.adaptive(found, 2, floor=0.5).tolist() == [[3, 1]]
    layers = budgets.adaptive_over_layers([found, found - 6], 2, floor=0.0)
    assert layers.shape == (2, 1, 2)
    assert layers.sum() == 8
    assert layers[0].sum() > layers[1].sum()


def test_equal_scores_are_shared_by_position():
    assert budgets.adaptive(np.zeros((1, 2, 6), dtype=np.float32), 3, floor=0).tolist() == [[3, 3]]


def test_streaming_heads_keep_sinks_and_the_newest():
    layer = tensors(batch=1, tokens=20).layer()
    found = budgets.head_mask(np.array([True, False]), tokens=20, n_sink=2, n_recent=3)
    kept = select(scores.key_norm(layer), found, n_sink=2, n_recent=3)
    assert kept.counts.tolist() == [[20, 5]]
    assert dict(kept.by_head())[0, 1].tolist() == [0, 1, 17, 18, 19]
    with pytest.raises(WrongType):
        budgets.head_mask([0.5, 1.0], tokens=20)


def layers_of(seeds, tokens=60, batch=2, sharpness=(1.0, 4.0, 0.2)):
    made = [tensors(batch=batch, tokens=tokens, seed=seed) for seed in seeds]
    return [
        Layer(one.keys * size, one.values, one.queries) for one, size in zip(made, sharpness, strict=False)
    ]


def test_arkv_keeps_the_capacity_in_three_states():
    settings = budgets.Arkv(window=8)
    tables = budgets.arkv(layers_of([1, 2, 3]), 30, settings)
    qualities = np.stack([budgets.origin_quality(one, settings) for one in layers_of([1, 2, 3])])
    for at, table in enumerate(tables):
        assert set(np.unique(table)) <= {0, 8, 16}
        assert ((table > 0).sum(-1) == 30).all()
        assert (table[..., -8:] == 16).all()
        share = qualities[at] / qualities.max(0)
        full = (table == 16).sum(-1)
        np.testing.assert_array_equal(full, (8 + np.rint(share * 22))[:, None] * np.ones((1, 2)))
    assert any((table == 16).all(-1).sum() == 0 for table in tables)
    with pytest.raises(InvalidArgument, match="capacity: expected 8 at least"):
        budgets.arkv(layers_of([1]), 7, settings)
    with pytest.raises(InvalidArgument, match="layers: expected the same sequences"):
        budgets.arkv([*layers_of([1]), *layers_of([1], batch=1)], 20, settings)


def test_arkv_statistics_are_the_published_ones_when_summed():
    settings = budgets.Arkv(window=8, normalise="sum")
    given = tensors(batch=1, tokens=60)
    logits = given.queries[:, :, -8:] @ np.repeat(given.keys, 3, 1).swapaxes(2, 3) / 4
    for row in range(8):
        logits[:, :, row, 52 + row + 1 :] = -np.inf
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    paid = (powers / powers.sum(-1, keepdims=True))[..., :52]
    apart = paid - paid.mean(2, keepdims=True)
    entropy = -(paid * np.log(paid + 1e-10)).sum()
    variance = paid.var(2, ddof=1).sum()
    kurtosis = ((apart**4).mean(2) / np.maximum((apart**2).mean(2), 1e-8) ** 2).sum()
    truth = entropy ** (1 / 7.774) * variance ** (1 / 5.407) * kurtosis ** (1 / 5.528)
    assert budgets.origin_quality(given.layer(), settings)[0] == pytest.approx(truth, rel=1e-9)


def test_arkv_is_what_its_parts_say():
    settings = budgets.Arkv(window=8)
    layers = layers_of([1, 2, 3])
    found = [budgets.arkv_ranks(one, settings) for one in layers]
    for layer, one in zip(layers, found, strict=True):
        np.testing.assert_array_equal(one.quality, budgets.origin_quality(layer, settings))
        # The window before all others, each of which has a rank of its own.
        assert (one.ranks[..., -8:] == -1).all()
        np.testing.assert_array_equal(
            np.sort(one.ranks[..., :-8]), np.broadcast_to(np.arange(52), (2, 2, 52))
        )
        unasked = budgets.arkv_ranks(layer, settings, quality=False)
        assert np.isnan(unasked.quality).all()
        np.testing.assert_array_equal(unasked.ranks, one.ranks)
    shares = budgets.arkv_shares(np.stack([one.quality for one in found]))
    assert shares.max(0).tolist() == [1, 1]
    tables = budgets.arkv(layers, 30, settings)
    for table, one, share in zip(tables, found, shares, strict=True):
        np.testing.assert_array_equal(table == 16, one.ranks < np.rint(share * 22)[:, None, None])
        np.testing.assert_array_equal(table > 0, one.ranks < 22)
    assert budgets.arkv_shares(np.zeros((2, 3))).tolist() == [[0, 0, 0]] * 2


def test_arkv_ranks_are_no_place_of_padding():
    (one,) = layers_of([1], batch=1)
    padded = Layer(
        np.concatenate([np.ones_like(one.keys[:, :, :5]), one.keys], 2),
        queries=one.queries[:, :, -8:],
        mask=np.arange(65)[None] >= 5,
    )
    settings = budgets.Arkv(window=8)
    ranks = budgets.arkv_ranks(padded, settings).ranks
    assert (ranks[..., :5] == np.iinfo(np.int32).max).all()
    np.testing.assert_array_equal(ranks[..., 5:], budgets.arkv_ranks(one, settings).ranks)


@pytest.mark.parametrize("wrong", [{"window": 0}, {"kernel": 2}, {"normalise": "max"}])
def test_arkv_refuses_constants_out_of_range(wrong):
    with pytest.raises(InvalidArgument, match=f"^{next(iter(wrong))}"):
        budgets.Arkv(**wrong)


def test_arkv_does_not_depend_on_the_batch_and_survives_short_sequences():
    settings = budgets.Arkv(window=8)
    whole = budgets.arkv(layers_of([1, 2]), 20, settings)
    alone = budgets.arkv(
        [Layer(one.keys[:1], one.values[:1], one.queries[:1]) for one in layers_of([1, 2])], 20, settings
    )
    for one, other in zip(whole, alone, strict=True):
        np.testing.assert_array_equal(one[:1], other)
    for tokens in (0, 1, 5, 9):
        (table,) = budgets.arkv(layers_of([1], tokens=tokens), 20, settings)
        assert (table > 0).all()


COSTS = {1: (20.0, 0.4), 4: (70.0, 0.05), 16: (260.0, 0.0)}


@any_of(
    weights=st.lists(st.sampled_from([0.0, 0.5, 1.0, 1.0, 3.0, 40.0]), min_size=1, max_size=4),
    nbytes=st.integers(0, 1100),
)
def test_no_other_states_at_the_bytes_spent_have_less_distortion(weights, nbytes):
    found = budgets.rate_distortion(np.array([[weights]]), nbytes, COSTS)[0, 0]
    table = {0: (0.0, 1.0), **COSTS}

    def cost(states):
        spent = sum(table[int(state)][0] for state in states)
        return spent, sum(
            weight * table[int(state)][1] for weight, state in zip(weights, states, strict=True)
        )

    spent, distortion = cost(found)
    assert spent <= nbytes
    others = [cost(states) for states in product(table, repeat=len(weights))]
    assert distortion <= min(least for taken, least in others if taken <= spent) + 1e-9


@any_of(seed=st.integers(0, 50), nbytes=st.integers(0, 9000), more=st.integers(0, 3000))
def test_more_bytes_make_no_token_worse(seed, nbytes, more):
    weights = np.random.default_rng(seed).exponential(size=(2, 2, 20))
    for scope in ("layer", "sequence", "head"):
        one, other = (
            budgets.rate_distortion(weights, size, COSTS, scope=scope) for size in (nbytes, nbytes + more)
        )
        assert (other >= one).all()


def test_scopes_share_within_themselves():
    weights = np.random.default_rng(0).exponential(size=(2, 2, 30))
    by_head = budgets.rate_distortion(weights, 500, COSTS, scope="head")
    for at in np.ndindex(2, 2):
        one = budgets.rate_distortion(weights[at][None, None], 500, COSTS)
        np.testing.assert_array_equal(by_head[at], one[0, 0])
    by_sequence = budgets.rate_distortion(weights, 1000, COSTS, scope="sequence")
    np.testing.assert_array_equal(by_sequence[1:], budgets.rate_distortion(weights[1:], 1000, COSTS))


def test_what_must_stay_stays_first_and_padding_goes():
    weights = np.array([[[-np.inf, np.inf, 1e6, np.nan, 1.0]]])
    assert budgets.rate_distortion(weights, 260, COSTS)[0, 0].tolist() == [0, 16, 0, 0, 0]
    assert budgets.rate_distortion(weights, 10**6, COSTS)[0, 0].tolist() == [0, 16, 16, 0, 16]


def test_eviction_alone_is_the_case_of_one_state():
    weights = np.random.default_rng(0).exponential(size=(1, 1, 30)).astype(np.float32)
    states = budgets.rate_distortion(weights, 10 * 260, {16: (260.0, 0.0)})
    kept = select(weights, 10, n_sink=0)
    np.testing.assert_array_equal(states > 0, kept.mask())


def test_states_above_the_hull_are_not_used():
    costs = {1: (20.0, 0.4), 2: (60.0, 0.39), 4: (70.0, 0.05)}
    weights = np.random.default_rng(0).exponential(size=(1, 1, 50))
    for nbytes in range(0, 4000, 130):
        assert 2 not in budgets.rate_distortion(weights, nbytes, costs)


def test_costs_are_bytes_really_taken():
    states = {1: ("rot1", "int2"), 16: ("plain", "plain")}
    costs = budgets.costs_of(states, 128)
    assert costs[16] == (516.0, 0.0)
    given = np.random.default_rng(0).standard_normal((1, 1, 1024, 128)).astype(np.float16)
    cache = MixedCache(given, given, np.ones((1, 1, 1024), dtype=np.uint8), states)
    assert cache.nbytes == 1024 * (costs[1][0] - 2)
    with pytest.raises(InvalidArgument, match="state 5 has none"):
        budgets.costs_of({5: ("rot1", "int2")}, 128)


def test_wrong_weights_and_costs_are_refused():
    for weights, costs, match in [
        ([[[-1.0]]], COSTS, "weights"),
        ([[[1.0]]], {}, "costs"),
        ([[[1.0]]], {300: (1.0, 0.0)}, "costs"),
        ([[[1.0]]], {1: (0.0, 0.0)}, "costs"),
        ([[[1.0]]], {1: (1.0, 2.0)}, "costs"),
    ]:
        with pytest.raises(InvalidArgument, match=match):
            budgets.rate_distortion(np.array(weights), 10, costs)
