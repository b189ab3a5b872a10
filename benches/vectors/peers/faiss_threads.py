"""The number of threads of faiss, which is one for the whole process."""

from collections.abc import Iterator
from contextlib import contextmanager

import faiss


@contextmanager
def threads_of_faiss(count: int) -> Iterator[None]:
    """Let faiss use as many threads, and one again afterwards."""
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(1)
