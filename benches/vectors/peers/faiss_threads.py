"""The number of threads of faiss and of the linear algebra below it, which is one for the whole process."""

from collections.abc import Iterator
from contextlib import contextmanager

import faiss
from threadpoolctl import ThreadpoolController

_POOLS = ThreadpoolController()


@contextmanager
def threads_of_faiss(count: int) -> Iterator[None]:
    """Let both use as many threads, and as many as before afterwards."""
    before = faiss.omp_get_max_threads()
    with _POOLS.limit(limits=count):
        faiss.omp_set_num_threads(count)
        try:
            yield
        finally:
            faiss.omp_set_num_threads(before)
