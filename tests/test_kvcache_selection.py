"""Which tokens stay, and moving them: order, ties, budgets, pages."""

import numpy as np
import pytest
from hypothesis import given as any_of
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from recollect.errors import DimensionMismatch, InvalidArgument, WrongType
from recollect.kvcache import Kept, PagedStore, Rope, bf16_bits, compact, compact_in_place, from_bf16, select

levels = st.sampled_from([0.0, 1.0, 2.0, np.inf, -np.inf, np.nan])
some_scores = arrays.arrays(
    np.float32, st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 12)), elements=levels
)


@any_of(scores=some_scores, budget=st.integers(0, 14), n_sink=st.integers(0, 4), n_recent=st.integers(0, 4))
def test_the_best_stay_in_their_order_and_ties_go_to_the_lower_position(scores, budget, n_sink, n_recent):
    kept = select(scores, budget, n_sink=n_sink, n_recent=n_recent)
    assert kept.cu_len[-1] == len(kept.indices)
    assert kept.indices.dtype == kept.cu_len.dtype == np.int32
    for (batch, head), found in kept.by_head():
        row = scores[batch, head]
        alive = [at for at in range(len(row)) if row[at] > -np.inf]
        recent = alive[len(alive) - n_recent :] if n_recent else []
        ranked = alive[:n_sink]
        ranked += [at for at in reversed(recent) if at not in ranked]
        ranked += [at for at in sorted(alive, key=lambda at: (-row[at], at)) if at not in ranked]
        assert found.tolist() == sorted(ranked[: max(budget, 1)])


def test_a_budget_of_nothing_keeps_one_token_of_whatever_has_any():
    scores = np.array([[[1, 3, 2], [-np.inf] * 3]], dtype=np.float32)
    assert select(scores, 0, n_sink=0).counts.tolist() == [[1, 0]]
    assert select(scores, 0, n_sink=0).indices.tolist() == [1]


def test_budgets_of_heads_and_of_sequences():
    scores = np.random.default_rng(0).random((2, 3, 10)).astype(np.float32)
    assert select(scores, [1, 5, 20]).counts.tolist() == [[1, 5, 10]] * 2
    assert select(scores, np.array([[1, 2, 3], [4, 5, 6]])).counts.tolist() == [[1, 2, 3], [4, 5, 6]]
    for wrong in ([1, 2], [[1, 2, 3]], -1):
        with pytest.raises(InvalidArgument, match=r"^budget"):
            select(scores, wrong)
    with pytest.raises(WrongType):
        select(scores, 2.5)


def test_sinks_are_the_first_tokens_that_are_no_padding():
    scores = np.array([[[-np.inf, -np.inf, 0, 0, 5, 9]]], dtype=np.float32)
    assert select(scores, 2, n_sink=1).indices.tolist() == [2, 5]


def test_a_threshold_lets_only_better_ones_in():
    scores = np.array([[[0.1, 0.9, 0.5, 0.2, 0.7]]], dtype=np.float32)
    assert select(scores, threshold=0.5, n_sink=0).indices.tolist() == [1, 2, 4]
    assert select(scores, threshold=0.5, n_sink=1, n_recent=1).indices.tolist() == [0, 1, 2, 4]
    assert select(scores, 2, threshold=0.5, n_sink=0).indices.tolist() == [1, 4]
    assert select(scores, threshold=2.0, n_sink=0).indices.tolist() == [1]


def test_positions_are_carried_along():
    scores = np.array([[[3, 1, 2]]], dtype=np.float32)
    kept = select(scores, 2, n_sink=0, positions=np.array([[10, 20, 30]]))
    assert kept.positions.tolist() == [10, 30]
    with pytest.raises(InvalidArgument, match=r"^positions"):
        select(scores, 2, positions=np.array([[1, 2]]))


@any_of(mask=arrays.arrays(bool, st.tuples(st.integers(0, 2), st.integers(1, 3), st.integers(0, 8))))
def test_compaction_moves_bits_and_frees_the_rest(mask):
    random = np.random.default_rng(0)
    keys = bf16_bits(random.standard_normal((*mask.shape, 4)))
    values = bf16_bits(random.standard_normal((*mask.shape, 6)))
    kept = Kept.of_mask(mask)
    np.testing.assert_array_equal(kept.mask(), mask)
    ragged = compact(keys, values, kept)
    assert ragged.nbytes == mask.sum() * (8 + 12 + 4) + kept.cu_len.nbytes
    moved_keys, moved_values = keys.copy(), values.copy()
    counts = compact_in_place(moved_keys, moved_values, kept)
    for batch, head in np.ndindex(mask.shape[:2]):
        rows = mask[batch, head]
        one_keys, one_values, positions = ragged.head(batch, head)
        np.testing.assert_array_equal(one_keys, keys[batch, head][rows])
        np.testing.assert_array_equal(one_values, values[batch, head][rows])
        assert positions.tolist() == np.flatnonzero(rows).tolist()
        np.testing.assert_array_equal(moved_keys[batch, head, : counts[batch, head]], one_keys)
        np.testing.assert_array_equal(moved_values[batch, head, : counts[batch, head]], one_values)


def test_keys_turned_to_new_positions_are_as_if_read_there():
    random = np.random.default_rng(0)
    rope = Rope(1e4 ** -(np.arange(8) / 8))
    plain = random.standard_normal((1, 2, 20, 16))
    read = rope.moved(plain, np.arange(20))
    kept = select(random.random((1, 2, 20)), [5, 9])
    ragged = compact(read, read, kept, rope=rope)
    for head in range(2):
        keys, values, positions = ragged.head(0, head)
        here = kept.mask()[0, head]
        assert positions.tolist() == list(range(here.sum()))
        np.testing.assert_allclose(keys, rope.moved(plain[0, head, here], positions), atol=1e-12)
        np.testing.assert_array_equal(values, read[0, head, here])
    half = compact(bf16_bits(read), bf16_bits(read), kept, rope=rope)
    assert half.keys.dtype == np.uint16
    np.testing.assert_allclose(from_bf16(half.keys), ragged.keys, atol=0.03)


def test_what_does_not_fit_is_refused():
    keys = np.zeros((1, 1, 5, 4), dtype=np.float16)
    kept = select(np.zeros((1, 1, 4), dtype=np.float32), 2)
    with pytest.raises(InvalidArgument, match="what is kept is of"):
        compact(keys, keys, kept)
    frozen = keys[:, :, :4].copy()
    frozen.flags.writeable = False
    with pytest.raises(InvalidArgument, match="read-only"):
        compact_in_place(frozen, frozen, kept)
    store = PagedStore(1, 1, 4)
    with pytest.raises(InvalidArgument, match="the store holds float16, found float32"):
        store.append(keys.astype(np.float32), keys.astype(np.float32))
    with pytest.raises(DimensionMismatch, match="expected 4 dimensions, found 3"):
        store.append(keys[..., :3], keys[..., :3])
    store.append(keys[:, :, :2], keys[:, :, :2])
    with pytest.raises(InvalidArgument, match="kept: token 3"):
        store.keep(Kept.of_mask(np.array([[[False, True, False, True]]])))
    assert store.counts.tolist() == [[2]]


class PagesAgainstLists(RuleBasedStateMachine):
    """Pages hold what plain lists hold, and no more pages than they need."""

    def made(self, page: int) -> PagedStore:
        return PagedStore(2, 2, 1, dtype=np.float32, page=page)

    @initialize(page=st.integers(1, 5))
    def start(self, page: int) -> None:
        self.page, self.number = page, 0
        self.store = self.made(page)
        self.lists: list[list[tuple[float, int]]] = [[] for _ in range(4)]
        self.seen = [0, 0]

    @rule(lengths=st.lists(st.integers(0, 7), min_size=2, max_size=2))
    def append(self, lengths: list[int]) -> None:
        rows = np.zeros((2, 2, max(lengths), 1), dtype=np.float32)
        for batch, length in enumerate(lengths):
            for head in range(2):
                for at in range(length):
                    self.number += 1
                    rows[batch, head, at] = self.number
                    self.lists[2 * batch + head].append((float(self.number), self.seen[batch] + at))
            self.seen[batch] += length
        self.store.append(rows, -rows, lengths=lengths)

    @rule(data=st.data())
    def keep(self, data: st.DataObject) -> None:
        longest = max(map(len, self.lists))
        mask = np.zeros((2, 2, longest), dtype=bool)
        for at, held in enumerate(self.lists):
            chosen = data.draw(st.lists(st.booleans(), min_size=len(held), max_size=len(held)))
            mask[divmod(at, 2)][: len(held)] = chosen
            self.lists[at] = [one for one, stays in zip(held, chosen, strict=True) if stays]
        self.store.keep(Kept.of_mask(mask))

    @invariant()
    def the_same(self) -> None:
        if not hasattr(self, "store"):
            return
        for at, held in enumerate(self.lists):
            keys, values, positions = self.store.head(*divmod(at, 2))
            assert keys[:, 0].tolist() == [number for number, _ in held]
            assert values[:, 0].tolist() == [-number for number, _ in held]
            assert positions.tolist() == [position for _, position in held]
        used, free = self.store.pages
        assert used == sum(-(-len(held) // self.page) for held in self.lists)
        assert self.store.nbytes == (used + free) * self.page * 12
        assert self.store.seen.tolist() == self.seen


TestPages = PagesAgainstLists.TestCase
