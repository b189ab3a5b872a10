"""Similarity and activation in batches, on a GPU where there is one.

>>> import numpy as np
>>> from recollect import gpu
>>> rows = np.random.default_rng(0).standard_normal((1000, 64)).astype(np.float32)
>>> ids, scores = gpu.similarity(rows[:3], rows, k=2, metric="cosine")
>>> ids[:, 0].tolist(), bool((scores[:, 0] > 0.999).all())
([0, 1, 2], True)

Arrays of NumPy are worked on by NumPy, arrays on a GPU (CuPy, PyTorch, JAX: whatever speaks DLPack) by
kernels there, with the same ids, in the same order, with the same bits. A GPU needs CuPy: ``pip install
recollect[cuda13]``, or ``recollect[cuda12]`` for an older driver. Nothing of it is imported before it is
asked for.
"""

from recollect.gpu.device import available, why_not
from recollect.gpu.hamming import hamming
from recollect.gpu.index import Index
from recollect.gpu.similarity import similarity
from recollect.gpu.sketches import Sketches
from recollect.gpu.spreading import Spreading

__all__ = ["Index", "Sketches", "Spreading", "available", "hamming", "similarity", "why_not"]
