"""A device that is this CPU: kernels by the system's C++ compiler, threads in an order that is chosen."""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from recollect.gpu.sources import source

FORWARD, BACKWARD, SHUFFLED = 0, 1, 7
ORDERS = (FORWARD, BACKWARD, SHUFFLED)

_HERE = Path(__file__).parent
_KERNEL = re.compile(r'extern "C" __global__ void (?:__launch_bounds__\([^)]*\)\s+)?(\w+)\(([^)]*)\)')
_LAUNCH = "unsigned gx, unsigned gy, unsigned bx, size_t shared, unsigned seed, void** a"
_SHIMS = ("shim.h", "machine.h", "machine.cpp", "numbers.h", "tensor.h", "warpgroup.h")
_FOLDER = Path(tempfile.gettempdir()) / f"recollect-kernels-{os.getuid()}"
_FLAGS = ("-std=c++17", "-O1", "-ffp-contract=off", "-fPIC", "-w")


def compiler() -> str | None:
    """Return the C++ compiler, if there is one."""
    return shutil.which(os.environ.get("CXX") or "c++") or shutil.which("g++") or shutil.which("clang++")


def _host_text(text: str) -> tuple[str, dict[str, list[str]]]:
    """Return C++ of a CUDA source with a launcher for each kernel, and the types of their parameters."""
    for name, shared in re.findall(r"#define (\w+_PARAMETERS)((?:.*\\\n)+.*)", text):
        whole = " ".join(shared.replace("\\\n", " ").split())
        text = re.sub(rf"\(\s*{name}\b", lambda _, whole=whole: f"({whole}", text)
    kernels = {
        name: [" ".join(one.split()[:-1]) for one in arguments.split(",")]
        for name, arguments in _KERNEL.findall(text)
    }
    text = re.sub(
        r"extern __shared__ __align__\(\d+\) u8 (\w+)\[\];", r"u8* \1 = (u8*)host::dynamic();", text
    )
    text = text.replace("__shared__ ", "static ")
    launchers = [
        f'extern "C" void host_{name}({_LAUNCH}) '
        f"{{ host::launch(dim3(gx, gy), dim3(bx), shared, seed, [](void** a) {{ {name}("
        + ", ".join(f"*({kind}*)a[{at}]" for at, kind in enumerate(kinds))
        + "); }, a); }"
        for name, kinds in kernels.items()
    ]
    units = "warpgroup.h" if "described(" in text else "tensor.h"
    includes = [f'#include "{name}"' for name in ("shim.h", "numbers.h", units)]
    return "\n".join([*includes, text, *launchers]), kernels


@cache
def _headers() -> Path:
    """Return a folder of the headers, the first of which is compiled, and of the compiled machine."""
    texts = {name: (_HERE / name).read_bytes() for name in _SHIMS}
    key = b"".join((*texts.values(), " ".join((*_FLAGS, str(compiler()))).encode()))
    folder = _FOLDER / f"headers-{hashlib.sha256(key).hexdigest()[:24]}"
    if folder.exists():
        return folder
    _FOLDER.mkdir(exist_ok=True, mode=0o700)
    made = Path(tempfile.mkdtemp(dir=_FOLDER))
    for name, text in texts.items():
        (made / name).write_bytes(text)
    first = made / _SHIMS[0]
    # A compiler that makes nothing of this reads the header itself.
    subprocess.run(
        [compiler(), *_FLAGS, "-x", "c++-header", str(first), "-o", f"{first}.gch"],
        check=False, capture_output=True,
    )  # fmt: skip
    done = subprocess.run(
        [compiler(), *_FLAGS, "-c", str(made / "machine.cpp"), "-o", str(made / "machine.o")],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[:4000]
    try:
        made.rename(folder)
    except OSError:
        # Another process was sooner.
        shutil.rmtree(made)
    return folder


class HostDevice:
    """A CPU as a device; `changed` is applied to every source, to see what a change breaks."""

    xp = np
    processors = 4

    def __init__(
        self, order: int = FORWARD, shared_bytes: int = 232_448, changed=None, architecture: int = 80
    ) -> None:
        self.architecture = architecture
        self.order, self.shared_bytes, self.changed = order, shared_bytes, changed or (lambda text: text)
        self.launched: list[str] = []
        self._libraries: dict[tuple, tuple[ctypes.CDLL, dict[str, list[str]]]] = {}

    def launch(self, kernel, grid, block, arguments, shared=0) -> None:
        library, kernels = self._library(kernel)
        assert shared <= self.shared_bytes
        kinds = kernels[kernel.name]
        assert len(kinds) == len(arguments), f"{kernel.name}: {len(kinds)} parameters, {len(arguments)} given"
        values = []
        for kind, one in zip(kinds, arguments, strict=True):
            if kind.endswith("*"):
                assert one is None or (
                    isinstance(one, np.ndarray)
                    and (one.flags.c_contiguous or one.strides[-1] == one.itemsize)
                ), kernel.name
                values.append(ctypes.c_void_p(None if one is None else one.ctypes.data))
            else:
                wanted = {"u32": 4, "int": 4, "float": 4, "u64": 8, "double": 8}[kind]
                assert one.dtype.itemsize == wanted, f"{kernel.name}: {one.dtype} for {kind}"
                values.append((ctypes.c_char * wanted).from_buffer_copy(one.tobytes()))
        pointers = (ctypes.c_void_p * len(values))(*(ctypes.addressof(value) for value in values))
        gx, gy = (*grid, 1)[:2]
        self.launched.append(kernel.name)
        getattr(library, f"host_{kernel.name}")(
            ctypes.c_uint(gx), ctypes.c_uint(gy), ctypes.c_uint(block), ctypes.c_size_t(shared),
            ctypes.c_uint(self.order), pointers,
        )  # fmt: skip

    def _library(self, kernel):
        key = (kernel.source, kernel.defines)
        if key not in self._libraries:
            text, kernels = _host_text(self.changed(source(kernel.source)))
            defines = [f"-D{name}={value}" for name, value in kernel.defines]
            shims = "".join((_HERE / name).read_text(encoding="utf-8") for name in _SHIMS)
            digest = hashlib.sha256("\n".join([text, *defines, shims, str(compiler())]).encode()).hexdigest()[
                :24
            ]
            _FOLDER.mkdir(exist_ok=True, mode=0o700)
            built = _FOLDER / f"{digest}.so"
            if not built.exists():
                with tempfile.TemporaryDirectory(dir=_FOLDER) as folder:
                    written = Path(folder) / "kernels.cpp"
                    written.write_text(text, encoding="utf-8")
                    made = Path(folder) / "kernels.so"
                    headers = _headers()
                    options = [*_FLAGS, "-shared", f"-I{headers}", *defines]
                    done = subprocess.run(
                        [compiler(), *options, str(written), str(headers / "machine.o"), "-o", str(made)],
                        check=False, capture_output=True, text=True,
                    )  # fmt: skip
                    assert done.returncode == 0, done.stderr[:4000]
                    made.replace(built)
            self._libraries[key] = ctypes.CDLL(str(built)), kernels
        return self._libraries[key]
