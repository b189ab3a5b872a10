"""Kernels of scores and attention without their barriers: the tests on the CPU would see it."""

import pytest

from tests.cuda_host.device import compiler
from tests.cuda_host.outside import run_outside

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")

PROGRAM = """
import sys
import numpy as np
import pytest
from recollect.kvcache import Layer, PlainCache, decode_attention, scores, select
from tests.cuda_host.device import HostDevice, ORDERS
from tests.cuda_host.standing_in import stand_in
random = np.random.default_rng(0)
parts = [random.standard_normal((1, 2, 300, 40)).astype(np.float32) for _ in range(3)]
parts[0][0, 1, 7, 3] = np.nan
whole = [part[:, :, 8:] for part in parts]
apart = [part[..., 1:] for part in parts]
calls = {
    "scores_directions": lambda one: scores.key_diff(Layer(*parts, backend=one)),
    "scores_chain": lambda one: scores.lag_relative(Layer(*parts, backend=one), lag=32),
    "scores_lag": lambda one: scores.lag_relative(Layer(*apart, backend=one), lag=32),
    "scores_pages": lambda one: scores.page_bound(Layer(*parts, backend=one)),
    "scores_places": lambda one: scores.cur(Layer(*parts, backend=one)),
    "scores_rows": lambda one: scores.key_norm(Layer(*parts, backend=one)),
    "scores_windows": lambda one: scores.cur(Layer(*parts, backend=one), window=2),
    "scores_selection": lambda one: select(parts[2][..., 0], 40, backend=one).mask(),
    "scores_shares": lambda one: scores.last_query(Layer(*parts, backend=one)),
    "scores_votes": lambda one: scores.window_attention(Layer(*parts, backend=one)),
    "attention_received": lambda one: scores.window_attention(Layer(*parts, backend=one)),
    "attention_decode": lambda one: decode_attention(
        whole[0], PlainCache(whole[0], whole[1], backend=one), backend=one
    ).output,
}
name, removed = sys.argv[1:]
wanted = calls[name]("numpy")
atol = 1.01 / 32 if name in ("scores_chain", "scores_lag") else 1e-4
def changed(text):
    return text.replace("__syncthreads();", "") if f"// of {name}" in text else text
import recollect.gpu.sources
import tests.cuda_host.device as host
whole_text = host.source
host.source = lambda one: whole_text(one) + f"\\n// of {one}\\n"
for order in ORDERS:
    with pytest.MonkeyPatch.context() as patch:
        stand_in(patch, HostDevice(order, changed=changed if removed == "removed" else None))
        found = calls[name]("cuda")
    if not np.allclose(found, wanted, rtol=1e-4, atol=atol):
        sys.exit("seen")
"""
KERNELS = (
    "scores_chain", "scores_directions", "scores_lag", "scores_pages", "scores_places", "scores_rows",
    "scores_windows", "scores_selection", "scores_shares", "scores_votes", "attention_received",
    "attention_decode",
)  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_a_barrier_that_is_missing_is_seen(name):
    # In processes of their own: threads that miss one another can end them.
    ended = {}
    for removed in ("kept", "removed"):
        done = run_outside(PROGRAM, name, removed)
        ended[removed] = done.returncode, done.stderr
    assert ended["kept"][0] == 0, ended["kept"][1]
    assert ended["removed"][0] != 0
