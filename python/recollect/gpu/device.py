"""The GPU as this package sees it: arrays, kernels that are compiled when first used, and clear refusals.

Nothing here is imported from CuPy before it is asked for.
"""

import os
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from recollect.errors import GpuForked, GpuUnavailable
from recollect.gpu.sources import source

__all__ = ["Array", "Cuda", "Device", "Kernel", "address", "available", "cupy_module", "why_not"]

Array = Any
"""An array of the device's own library: NumPy's or CuPy's."""

_INSTALL = "install recollect[cuda13], or recollect[cuda12] for an older driver"
_STATE: dict[str, Any] = {}
_ACCELERATED = ("hopper",)
"""Sources with instructions of one generation alone."""
_WITHOUT_ASKING = 48 * 1024
_NULL = np.uint64(0)


class Kernel(NamedTuple):
    """A kernel by its source, its name, and what the compiler is told."""

    source: str
    name: str
    defines: tuple[tuple[str, str], ...] = ()

    def defining(self, name: str, value: str) -> "Kernel":
        """Return the kernel with one more definition."""
        return self._replace(defines=(*self.defines, (name, value)))


def address(array: Array | None) -> int:
    """Return where an array begins on its device; 0 without one."""
    if array is None:
        return 0
    return int(array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr)


class Device(Protocol):
    """Where arrays live and kernels run."""

    @property
    def xp(self) -> Any:
        """The library of its arrays."""

    @property
    def processors(self) -> int:
        """Multiprocessors."""

    @property
    def shared_bytes(self) -> int:
        """Shared memory that a block can have."""

    @property
    def architecture(self) -> int:
        """Compute capability: 90 for 9.0."""

    def launch(
        self, kernel: Kernel, grid: Sequence[int], block: int, arguments: Sequence[Any], shared: int = 0
    ) -> None:
        """Run a kernel; arguments are arrays, None for a null pointer, and NumPy scalars."""


def why_not() -> str | None:
    """Return why there is no GPU to use, in a sentence that says what to do; None if there is one."""
    try:
        cupy_module()
    except (GpuUnavailable, GpuForked) as error:
        return str(error)
    return None


def available() -> bool:
    """Return whether there is a GPU to use."""
    return why_not() is None


def cupy_module() -> Any:
    """Return CuPy, once it is known that it works in this process.

    Raises
    ------
    GpuUnavailable
        If CuPy is not installed, or finds no GPU.
    GpuForked
        If this process is a fork of one that has used the GPU.
    """
    owner = _STATE.get("process")
    if owner is not None and owner != os.getpid():
        raise GpuForked(
            "the GPU was used before this process was forked, and CUDA does not survive that: "
            'start processes with multiprocessing.get_context("spawn")'
        )
    if "cupy" in _STATE:
        return _STATE["cupy"]
    try:
        import cupy
    except ImportError as error:
        raise GpuUnavailable(f"the GPU needs CuPy, which is not installed: {_INSTALL}") from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except Exception as error:
        raise GpuUnavailable(f"CuPy finds no GPU that it can use ({error}): {_INSTALL}") from error
    if count == 0:
        raise GpuUnavailable("CuPy finds no GPU")
    _STATE["process"] = os.getpid()
    _STATE["cupy"] = cupy
    return cupy


class Cuda:
    """The current CUDA device; work goes to CuPy's current stream.

    Raises
    ------
    GpuUnavailable, GpuForked
        As :func:`cupy_module`.
    """

    def __init__(self) -> None:
        self.xp = cupy_module()
        self.number = int(self.xp.cuda.runtime.getDevice())
        attributes = self.xp.cuda.Device(self.number).attributes
        self.processors = int(attributes["MultiProcessorCount"])
        self.shared_bytes = int(attributes["MaxSharedMemoryPerBlockOptin"])
        self.architecture = int(self.xp.cuda.Device(self.number).compute_capability)
        self._functions: dict[tuple[int, Kernel], Any] = {}

    @classmethod
    def current(cls) -> "Cuda":
        """Return the current device, made once for each."""
        number = int(cupy_module().cuda.runtime.getDevice())
        key = f"device {number}"
        if key not in _STATE:
            _STATE[key] = cls()
        found: Cuda = _STATE[key]
        return found

    def launch(
        self, kernel: Kernel, grid: Sequence[int], block: int, arguments: Sequence[Any], shared: int = 0
    ) -> None:
        """Run a kernel on CuPy's current stream."""
        function = self._function(kernel)
        # What a kernel shares anyway counts too.
        asks = shared > 0 and shared + function.shared_size_bytes > _WITHOUT_ASKING
        if asks and function.max_dynamic_shared_size_bytes < shared:
            function.max_dynamic_shared_size_bytes = shared
        values = tuple(_NULL if one is None else one for one in arguments)
        function(tuple(grid), (block,), values, shared_mem=shared)

    def _function(self, kernel: Kernel) -> Any:
        cupy_module()
        key = (self.number, kernel)
        if key not in self._functions:
            module = self.xp.RawModule(path=os.fspath(self._built(kernel)))
            self._functions[key] = module.get_function(kernel.name)
        return self._functions[key]

    def _built(self, kernel: Kernel) -> Path:
        """Return a file of compiled code, kept from one process to the next.

        CuPy is not asked to compile it: it would flush numbers below 2**-126 to zero, which are not zero on a
        CPU, nor does it know code for one very generation.
        """
        from cupy_backends.cuda.libs import nvrtc

        text, target = source(kernel.source), self._target(nvrtc.getSupportedArchs(), kernel.source)
        options = (
            "--std=c++17",
            "-default-device",
            *(f"-D{name}={value}" for name, value in kernel.defines),
            f"--gpu-architecture={target}",
        )
        digest = sha256("\n".join((text, *options, str(nvrtc.getVersion()))).encode()).hexdigest()[:32]
        folder = Path(os.environ.get("CUPY_CACHE_DIR") or Path.home() / ".cupy" / "kernel_cache")
        built = folder / f"recollect-{digest}.{'ptx' if target.startswith('compute') else 'cubin'}"
        if not built.exists():
            folder.mkdir(parents=True, exist_ok=True)
            program = nvrtc.createProgram(text, "recollect.cu", (), ())
            try:
                nvrtc.compileProgram(program, options)
                code = nvrtc.getPTX(program) if built.suffix == ".ptx" else nvrtc.getCUBIN(program)
            finally:
                nvrtc.destroyProgram(program)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as written:
                written.write(code)
            Path(written.name).replace(built)
        return built

    def _target(self, known: Sequence[int], name: str) -> str:
        """Return what to compile for: the driver itself compiles for a generation that the compiler lacks."""
        if name in _ACCELERATED:
            return f"sm_{self.architecture}a"
        return f"sm_{self.architecture}" if self.architecture in known else f"compute_{max(known)}"
