"""The number of threads of faiss, which is one for the whole process."""

from collections.abc import Iterator
from contextlib import contextmanager

import faiss


@contextmanager
def threads_of_faiss(count: int) -> Iterator[None]:
    """Let faiss use as many threads, and as many as before afterwards."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
