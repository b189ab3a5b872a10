"""A codebook that follows its data, and puts codes that nothing needs where data is."""

import numpy as np
import pytest

from recollect.errors import DimensionMismatch, InvalidArgument
from recollect.kvcache import Codebook


def batches(count: int, clusters: int = 256, dim: int = 16, size: int = 256, seed: int = 0):
    """Yield batches around the same centres; the first has a few of them alone."""
    random = np.random.default_rng(seed)
    centres = random.standard_normal((clusters, dim)) * 4
    for at in range(count):
        chosen = random.integers(0, 16 if at == 0 else clusters, size)
        yield centres[chosen] + 0.1 * random.standard_normal((size, dim))


def learnt(dead: float, count: int = 400) -> tuple[Codebook, float]:
    book = Codebook(128, dead=dead, keep=0.98)
    error = 0.0
    for batch in batches(count):
        book.update(batch)
        error = float(((book.decode(book.encode(batch)) - batch) ** 2).sum(1).mean())
    return book, error


def test_dead_codes_come_back_to_life_and_are_used():
    with_reset, error = learnt(1e-4)
    without, worse = learnt(0.0)
    assert with_reset.perplexity >= 1.5 * without.perplexity
    assert error < 0.8 * worse


def test_codes_are_the_nearest_and_ties_go_to_the_lower():
    book = Codebook(3, keep=1.0)
    book.update(np.array([[0.0, 0], [4, 0], [0, 4]]))
    vectors = np.random.default_rng(0).standard_normal((3000, 2)) * 4
    distances = ((vectors[:, None] - book.codes[None]) ** 2).sum(2)
    np.testing.assert_array_equal(book.encode(vectors), distances.argmin(1))
    middle = (book.codes[0] + book.codes[1]) / 2
    assert book.encode(middle[None]).tolist() == [0] or not np.isclose(
        *((middle - book.codes[:2]) ** 2).sum(1)
    )


def test_usage_is_a_share_and_codes_move_to_the_mean_of_what_is_near():
    book = Codebook(2, keep=0.5, dead=0.0)
    book.update(np.array([[0.0], [10.0]]))
    for _ in range(60):
        book.update(np.array([[1.0], [1.0], [1.0], [12.0]]))
    order = np.argsort(book.codes[:, 0])
    np.testing.assert_allclose(book.codes[order, 0], [1, 12], atol=1e-5)
    np.testing.assert_allclose(book.usage[order], [0.75, 0.25], atol=1e-5)
    assert book.perplexity == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))), rel=1e-5)


def test_fewer_vectors_than_codes_and_equal_vectors():
    book = Codebook(8)
    codes = book.update(np.ones((3, 4)))
    assert codes.tolist() == [0, 0, 0]
    np.testing.assert_array_equal(book.decode([0, 7]), np.ones((2, 4)))
    book.update(np.zeros((0, 4)))
    assert book.nbytes == 8 * 4 * 4


def test_the_same_seed_learns_the_same():
    books = [Codebook(16, seed=seed) for seed in (1, 1, 2)]
    for book in books:
        for batch in batches(5):
            book.update(batch)
    np.testing.assert_array_equal(books[0].codes, books[1].codes)
    assert (books[0].codes != books[2].codes).any()


def test_wrong_arguments_are_named():
    book = Codebook(4)
    for call, match in [
        (lambda: book.encode(np.ones((1, 2))), "learnt nothing"),
        (lambda: book.update(np.ones((0, 2))), "the first batch is empty"),
        (lambda: book.update(np.array([[np.nan]])), "not finite"),
    ]:
        with pytest.raises(InvalidArgument, match=match):
            call()
    book.update(np.ones((2, 3)))
    for codes in ([4], [-1], [0.5]):
        with pytest.raises(InvalidArgument, match="codes: expected whole numbers from 0 below 4"):
            book.decode(codes)
    with pytest.raises(DimensionMismatch):
        book.update(np.ones((2, 2)))
