"""Each score of a KV cache against its formula, written out again as plainly as it goes."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st

from recollect.errors import InvalidArgument
from recollect.kvcache import Layer, Rope, scores
from tests.kvcache_methods import computed_by, tensors

close = {"rtol": 2e-6, "atol": 2e-7}


@pytest.fixture(params=("rust", "numpy"), scope="module", autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    with computed_by(request.param):
        yield request.param


def attention(queries, keys, first):
    """Return probabilities of queries of tokens from `first` on, each seeing up to itself."""
    logits = queries @ keys.T / np.sqrt(keys.shape[1])
    for row in range(len(logits)):
        logits[row, first + row + 1 :] = -np.inf
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def heads(given, group=3):
    """Yield sequence, head, its keys, its values and the queries of its group."""
    for batch, head in np.ndindex(given.keys.shape[:2]):
        mine = given.queries[batch, head * group : (head + 1) * group]
        yield (batch, head), given.keys[batch, head], given.values[batch, head], mine


def test_streaming_keeps_the_first_and_the_newest():
    found = scores.streaming(tensors(tokens=6).layer(), n_sink=2)[0, 0]
    assert found.tolist() == [np.inf, np.inf, 2, 3, 4, 5]


def test_key_norm_and_key_diff():
    given = tensors()
    norm, diff = scores.key_norm(given.layer()), scores.key_diff(given.layer())
    for at, keys, _, _ in heads(given):
        length = np.linalg.norm(keys, axis=1)
        np.testing.assert_allclose(norm[at], -length, **close)
        mean = (keys / length[:, None]).mean(0)
        np.testing.assert_allclose(diff[at], -(keys @ mean) / length / np.linalg.norm(mean), **close)


@pytest.mark.parametrize("pool", ["avg", "max"])
def test_window_attention_votes_over_the_past(pool):
    given, window = tensors(), 6
    found = scores.window_attention(given.layer(), window=window, kernel=3, pool=pool, reduce="max")
    for at, keys, _, group in heads(given):
        paid = np.array([attention(one[-window:], keys, 34)[:, :34].mean(0) for one in group])
        edge = np.zeros if pool == "avg" else lambda shape: np.full(shape, -np.inf)
        wide = np.concatenate([edge((3, 1)), paid, edge((3, 1))], 1)
        near = np.stack([wide[:, :-2], wide[:, 1:-1], wide[:, 2:]])
        smooth = near.mean(0) if pool == "avg" else near.max(0)
        np.testing.assert_allclose(found[at][:34], smooth.max(0), **close)
        assert (found[at][34:] == np.inf).all()


def test_a_sequence_shorter_than_the_window_stays_whole():
    assert (scores.window_attention(tensors(tokens=5).layer(), window=64) == np.inf).all()


def test_only_the_last_queries_need_be_given():
    given = tensors()
    whole = scores.window_attention(given.layer(), window=6)
    last = replace(given, queries=given.queries[:, :, -6:])
    part = scores.window_attention(last.layer(), window=6)
    np.testing.assert_array_equal(part, whole)
    lengths = [3, 40]
    short = replace(last, mask=np.arange(40) < np.array(lengths)[:, None])
    assert (scores.window_attention(short.layer())[0, :, :3] == np.inf).all()


def test_last_query_is_the_same_for_all_heads():
    given = tensors()
    found = scores.last_query(given.layer())
    for batch in range(2):
        mine = [(keys, group) for at, keys, _, group in heads(given) if at[0] == batch]
        paid = [attention(one[-1:], keys, 39)[0] for keys, group in mine for one in group]
        for head in range(2):
            np.testing.assert_allclose(found[batch, head, :-1], np.mean(paid, 0)[:-1], **close)
    assert (found[..., -1] == np.inf).all()


@pytest.mark.parametrize("norm", ["none", "exposure"])
def test_heavy_hitter_is_causal_over_the_whole_prompt(norm):
    given = tensors(tokens=150)
    found = scores.heavy_hitter(given.layer(), norm=norm)
    for at, keys, _, group in heads(given):
        paid = np.mean([attention(one, keys, 0).sum(0) for one in group], 0)
        exposure = np.arange(150, 0, -1) if norm == "exposure" else 1
        np.testing.assert_allclose(found[at], paid / exposure, **close)


def test_heavy_hitter_fades():
    given = tensors(tokens=5)
    found = scores.heavy_hitter(given.layer(), decay=0.5)
    for at, keys, _, group in heads(given):
        fade = 0.5 ** np.arange(4, -1, -1.0)
        paid = np.mean([(attention(one, keys, 0) * fade[:, None]).sum(0) for one in group], 0)
        np.testing.assert_allclose(found[at], paid, **close)


@pytest.mark.parametrize("covariance", [True, False])
def test_expected_attention_is_that_of_gaussian_queries(covariance):
    given, dim, sinks = tensors(tokens=60), 16, 4
    frequencies = 1e4 ** -(np.arange(8) / 8)
    statistics = scores.QueryStats()
    statistics.observe(given.queries)
    found = scores.expected_attention(
        given.layer(),
        statistics=statistics,
        inv_freq=frequencies,
        n_future=20,
        epsilon=0.1,
        covariance=covariance,
    )
    turns = np.mean([turn(position * frequencies) for position in range(60, 80)], 0)
    for at, keys, values, group in heads(given):
        shares = []
        for one in group:
            mean, spread = one[sinks:].mean(0), np.cov(one[sinks:].T, bias=True)
            mean, spread = turns @ mean, turns @ spread @ turns.T
            logits = keys[sinks:] @ mean / 4
            if covariance:
                logits = logits + np.array([key @ spread @ key for key in keys[sinks:]]) / (2 * dim)
            powers = np.exp(logits - logits.max())
            shares.append(powers / powers.sum())
        expected = (np.mean(shares, 0) + 0.1) * np.linalg.norm(values[sinks:], axis=1)
        np.testing.assert_allclose(found[at][sinks:], expected, **close)
        assert (found[at][:sinks] == np.inf).all()


def turn(angles):
    """Return the matrix that turns pairs, halves apart, by so many angles."""
    half = len(angles)
    matrix = np.zeros((2 * half, 2 * half))
    for pair, angle in enumerate(angles):
        matrix[pair, pair] = matrix[half + pair, half + pair] = np.cos(angle)
        matrix[pair, half + pair], matrix[half + pair, pair] = -np.sin(angle), np.sin(angle)
    return matrix


def test_lag_relative_ranks_within_a_partition():
    given, lag = tensors(), 8
    found = scores.lag_relative(given.layer(), n_sink=2, lag=lag)
    for at, keys, values, _ in heads(given):
        for start in range(2, 2 + 3 * lag, lag):
            total = np.zeros(lag)
            for rows in (keys, values):
                now, after = rows[start : start + lag], rows[start + lag : start + 2 * lag]
                spread = ((now - after.min(0)) / (after.max(0) - after.min(0))).std(1, ddof=1)
                total += np.exp(spread) / np.exp(spread).sum()
            np.testing.assert_allclose(
                found[at][start : start + lag], total.argsort().argsort() / lag, **close
            )
        assert (found[at][[0, 1]] == np.inf).all()
        assert (found[at][2 + 3 * lag :] == np.inf).all()


def test_leverage_is_the_diagonal_of_the_hat_matrix():
    given = tensors()
    found = scores.leverage(given.layer(), sketch=None, ridge=1e-9)
    for at, keys, _, _ in heads(given):
        centred = keys - keys.mean(0)
        hat = np.diag(centred @ np.linalg.pinv(centred))
        np.testing.assert_allclose(found[at], (hat - hat.mean()) / hat.std(), rtol=1e-4, atol=1e-5)
    sketched = scores.leverage(given.layer(), seed=1)
    np.testing.assert_array_equal(sketched, scores.leverage(given.layer(), seed=1))
    assert (sketched != scores.leverage(given.layer(), seed=2)).any()


def test_chunk_attention_looks_both_ways_within_a_chunk():
    given = tensors(tokens=20)
    found = scores.chunk_attention(given.layer(), chunk=8, kernel=1)
    for at, keys, values, group in heads(given):
        total = np.zeros(20)
        for start in (0, 8, 16):
            part = slice(start, start + 8)
            for one in group:
                powers = np.exp(one[part] @ keys[part].T / 4)
                total[part] += (powers / powers.sum(1, keepdims=True)).sum(0) / 3
        total *= np.linalg.norm(values, axis=1)
        np.testing.assert_allclose(found[at], (total - total.mean()) / total.std(), **close)
    assert (scores.chunk_attention(given.layer(), chunk=8, kernel=1, scale=False) != found).any()


def test_cur_is_a_share_of_shares():
    given = tensors(tokens=22)
    found = scores.cur(given.layer(), window=8, n_sink=0)
    for at, keys, values, _ in heads(given):
        share = np.ones(22)
        for rows in (keys, values):
            squares = (rows**2).sum(1)
            for start in (0, 8, 16):
                squares[start : start + 8] /= squares[start : start + 8].sum()
            share *= squares
        np.testing.assert_allclose(found[at], share / share.sum(), **close)


def test_filters_point_away_from_queries():
    given = tensors(dim=8)
    queries = given.queries + 3 * np.eye(8)[2]
    layer = Layer(given.keys, queries=queries)
    filters = scores.calibrated_filters(layer)
    assert filters.shape == (2, 8)
    np.testing.assert_allclose(np.linalg.norm(filters, axis=1), 1, rtol=1e-6)
    assert (filters[:, 2] < -0.9).all()
    found = scores.q_filter(layer, filters=filters)
    np.testing.assert_allclose(found[0, 1], -given.keys[0, 1] @ filters[1], **close)


def test_surprise_fades_by_rounds():
    layer = tensors(batch=1, heads=1, tokens=4).layer()
    found = scores.surprise(
        layer, log_probability=np.full((1, 4), -10.0), rounds=np.array([[3, 2, 1, 0]]), decay=0.7, n_sink=0
    )
    np.testing.assert_allclose(found[0, 0], [3.43, 4.9, 7, 10], rtol=1e-6)
    with pytest.raises(InvalidArgument, match="nothing above 0"):
        scores.surprise(layer, log_probability=np.full((1, 4), 0.5))


def test_the_first_token_has_no_probability_and_may_be_unknown():
    logs = np.array([[np.nan, -1.0, -2.0]])
    found = scores.surprise(tensors(batch=1, tokens=3).layer(), log_probability=logs, n_sink=1)
    assert found[0, 0].tolist() == [np.inf, 1, 2]


def test_output_perturbation_is_what_eviction_does():
    given = tensors(batch=1, heads=1, tokens=12)
    found = scores.output_perturbation(given.layer(), window=4)
    for at, keys, values, group in heads(given):
        for token in range(12):
            moved = []
            for one in group:
                for row, paid in enumerate(attention(one[-4:], keys, 8)):
                    left = np.delete(paid, token)
                    without = left / left.sum() @ np.delete(values, token, axis=0)
                    moved.append(np.linalg.norm(without - paid @ values) if token <= 8 + row else 0.0)
            assert found[at][token] == pytest.approx(np.mean(moved) * 1.0, rel=1e-5)


def test_output_perturbation_of_a_token_that_takes_all_attention():
    keys = np.zeros((1, 1, 3, 4))
    keys[0, 0, 0, 0] = 60.0
    values = np.array([[[[1.0, 0], [0, 1], [0, 1]]]])
    queries = np.zeros((1, 1, 1, 4))
    queries[..., 0] = 2.0
    found = scores.output_perturbation(Layer(keys, values, queries))[0, 0]
    # What it leaves to the others is far below the precision of one minus it.
    assert found[0] == pytest.approx(np.sqrt(2), rel=1e-6)
    assert found[1] < 1e-20


def test_value_weighted_multiplies_by_the_projected_value():
    given = tensors()
    base = scores.heavy_hitter(given.layer())
    output = np.random.default_rng(3).standard_normal((6, 18, 5))
    for order in (1, 2):
        found = scores.value_weighted(given.layer(), scores=base, output=output, order=order)
        for at, _, values, _ in heads(given):
            size = np.mean(
                [np.linalg.norm(values @ output[at[1] * 3 + one], ord=order, axis=1) for one in range(3)], 0
            )
            np.testing.assert_allclose(found[at], (base[at] + 1e-4) * size, **close)
    with pytest.raises(InvalidArgument, match="none below 0"):
        scores.value_weighted(given.layer(), scores=scores.key_norm(given.layer()))


def test_reconstruction_takes_the_most_that_any_query_pays():
    given = tensors()
    found = scores.reconstruction(given.layer(), replay=given.replay)
    for at, keys, _, _ in heads(given):
        rows = given.replay[at[0], at[1] * 3 : at[1] * 3 + 3].reshape(-1, 16)
        paid = np.array([attention(row[None], keys, 40)[0] for row in rows])
        np.testing.assert_allclose(found[at], paid.max(0), **close)


@any_of(tokens=st.integers(1, 40), page=st.integers(1, 20), dim=st.integers(1, 9), seed=st.integers(0, 99))
def test_page_bounds_bound_every_product(tokens, page, dim, seed):
    given = tensors(tokens=tokens, dim=dim, seed=seed).in_type(np.float32)
    bounds = scores.page_bounds(given.layer(), page=page)
    found = scores.page_scores(given.queries, bounds)
    for at, keys, _, group in heads(given):
        for one, query in enumerate(group):
            products = query.astype(float) @ keys.astype(float).T
            bound = np.repeat(found[at[0], at[1] * 3 + one], page, axis=1)[:, :tokens]
            assert (bound >= products - 1e-12).all()


def test_random_order_differs_by_seed_and_head():
    layer = tensors().layer()
    found = scores.random_order(layer, seed=1)
    assert (found[0, 0] != found[0, 1]).all()
    assert (found != scores.random_order(layer, seed=2)).all()
    assert abs(float(scores.random_order(tensors(tokens=4000, dim=1).layer()).mean()) - 0.5) < 0.02


def test_combined_scores_share_a_scale_and_keep_what_is_infinite():
    given = tensors()
    layer = given.layer()
    recent, norm = scores.streaming(layer, n_sink=1), scores.key_norm(layer)
    found = scores.combined(layer, scores=[recent, norm], weights=[1.0, 0.0])
    assert (found[..., 0] == np.inf).all()
    assert (np.diff(found[..., 1:], axis=2) > 0).all()
    with pytest.raises(InvalidArgument, match="weights: 1 for 2"):
        scores.combined(layer, scores=[recent, norm], weights=[1.0])


def test_turning_forth_and_back_is_nothing():
    keys = tensors().keys
    for interleaved in (False, True):
        rope = Rope(1e4 ** -(np.arange(7) / 8), interleaved)
        moved = rope.moved(keys, np.arange(40))
        np.testing.assert_allclose(rope.moved(moved, -np.arange(40)), keys, atol=1e-12)
        np.testing.assert_array_equal(moved[..., 14:], keys[..., 14:])
    few, rope = keys[..., :4], Rope(np.array([0.3, 0.1]))
    np.testing.assert_allclose(rope.moved(few, np.full(40, 5)), few @ turn(np.array([1.5, 0.5])).T)
