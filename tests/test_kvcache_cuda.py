"""How calls of the KV cache choose a GPU, and how arrays get to its kernels; a CPU stands in for it."""

import numpy as np
import pytest

from recollect import gpu
from recollect.errors import GpuUnavailable, InvalidArgument, WrongType
from recollect.gpu.frames import Frame, frame_of
from recollect.kvcache.backends import chosen, lies_on_gpu
from recollect.kvcache.cuda.handing import handed
from recollect.kvcache.cuda.working import received_on, working
from tests.cuda_host.device import HostDevice
from tests.cuda_host.standing_in import stand_in

without_gpu = pytest.mark.skipif(gpu.available(), reason="there is a GPU")


class Somewhere:
    """An array that says where it lies, and nothing else."""

    def __init__(self, kind: int, number: int) -> None:
        self.place = kind, number

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.place


HERE, FIRST, SECOND, ELSEWHERE = Somewhere(1, 0), Somewhere(2, 0), Somewhere(13, 1), Somewhere(10, 0)


@without_gpu
def test_without_a_gpu_it_is_refused_by_name_and_never_chosen():
    with pytest.raises(GpuUnavailable, match=r"install recollect|finds no GPU"):
        chosen("cuda")
    assert chosen(None) == chosen(None, np.zeros(3), None, FIRST) == "rust"


def test_arrays_on_a_gpu_choose_it_where_it_can_be_used(monkeypatch):
    stand_in(monkeypatch, HostDevice())
    assert chosen(None, np.zeros(3), FIRST) == chosen(None, SECOND) == chosen("cuda", np.zeros(3)) == "cuda"
    assert chosen(None, np.zeros(3), None, HERE, ELSEWHERE) == "rust"
    assert chosen("numpy", FIRST) == "numpy"


def test_where_an_array_lies_is_seen_without_opening_it():
    assert [lies_on_gpu(one) for one in (HERE, FIRST, SECOND, ELSEWHERE, np.zeros(3), [1.0], None)] == [
        False, True, True, False, False, False, False,
    ]  # fmt: skip
    assert frame_of(np.zeros(3), "keys") == Frame("numpy", None)
    assert frame_of(FIRST, "keys") == Frame(Somewhere.__module__, 0)
    assert frame_of(HERE, "keys").device is None
    with pytest.raises(WrongType, match="keys: expected an array on a CPU or a CUDA device"):
        frame_of(ELSEWHERE, "keys")


def test_arrays_on_several_devices_are_refused(monkeypatch):
    device = HostDevice()
    stand_in(monkeypatch, device)
    with pytest.raises(InvalidArgument, match=r"several devices: \[0, 1\]"), working(FIRST, SECOND):
        raise AssertionError
    with working(np.zeros(3), None, FIRST) as found:
        assert found is device


def test_arrays_come_as_kernels_know_their_elements():
    device = HostDevice()
    bits = np.arange(6, dtype=np.int16).reshape(1, 1, 2, 3)
    assert received_on(device, bits, "keys", 4).dtype == np.uint16
    swapped = np.ones((1, 1, 2, 3), dtype=">f4")
    found = received_on(device, swapped, "keys", 4)
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, swapped)
    with pytest.raises(InvalidArgument, match="keys: expected 4 axes"):
        received_on(device, np.zeros(3), "keys", 4)
    with pytest.raises(WrongType, match="keys: expected floats"):
        received_on(device, np.zeros(3, dtype=np.int32), "keys")


def test_rows_are_read_where_they_lie_and_copied_only_where_kernels_cannot():
    device = HostDevice()
    held = np.arange(240, dtype=np.float16).reshape(2, 5, 3, 8)
    beside = held.swapaxes(1, 2)
    found = handed(device, beside)
    assert found.array is beside
    assert [int(step) for step in found.arguments[1:]] == [120, 8, 24]
    for turned in (beside[..., ::2], beside[:, :, ::-1]):
        copy = handed(device, turned)
        assert copy.array.flags.c_contiguous
        np.testing.assert_array_equal(copy.array, turned)
    forms = {np.float32: "F32", np.float16: "F16", np.uint16: "BF16", np.uint8: "E4M3"}
    assert [handed(device, np.zeros((1, 1, 1, 1), one)).form for one in forms] == list(forms.values())
    assert handed(device, np.zeros((1, 1, 1, 1))) is None
