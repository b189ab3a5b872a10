"""Every kernel compiles for every generation, and within its registers, without a GPU."""

import ctypes
import os
import re
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path

import pytest

from recollect.gpu.scanning import Place, shape_of
from recollect.gpu.sources import SOURCES, source

# Shared memory that a block can have, by generation.
GENERATIONS = {75: 64, 80: 163, 86: 99, 89: 99, 90: 227, 100: 227, 120: 99}
REGISTERS = {
    "scan": 255,
    "hopper": 255,
    "hamming": 128,
    "queries": 64,
    "rescore": 64,
    "selection": 64,
    "activation": 64,
    "scores_chain": 255,
    "scores_directions": 128,
    "scores_lag": 128,
    "scores_pages": 128,
    "scores_places": 64,
    "scores_rows": 128,
    "scores_smooth": 64,
    "scores_sound": 64,
    "scores_votes": 64,
    "scores_shares": 64,
    # Blocks of half the threads have more registers: of small tiles, and of eight queries together.
    "attention_expected": 255,
    "attention_decode": 255,
    "attention_received": 255,
    "scores_selection": 64,
    "scores_windows": 64,
    # Of wide floats, of which four rows take more than of those of 16 bits.
    "quantize_token": 128,
    "quantize_channel": 128,
    "quantize_float8": 128,
    "quantize_rotated": 128,
    "quantize_wide": 64,
    "compaction": 80,
    "compaction_pages": 112,
    "compaction_rotary": 64,
    "decode": 64,
    "attend_rows": 255,
    "attend_units": 255,
    "logits_units": 255,
    "sums_units": 128,
    "decode_attention": 168,
    "decode_channel": 128,
    "decode_rotated": 80,
    "decode_turned": 128,
    "decode_logits": 128,
    "decode_sums": 128,
}
# Bytes that a few settings spill on some generations; all others spill none.
SPILLS = {
    "attend_rows": 24,
    "attend_units": 16,
    "decode_attention": 24,
    "compaction_rotary": 8,
    "quantize_rotated": 8,
}
FORMS = ("F32", "F16", "BF16", "E4M3")
READ = [
    *({"CODEC": "WHOLE", "BITS": bits} for bits in (2, 4, 8)),
    *({"CODEC": "ROTATED", "BITS": bits} for bits in (1, 2, 3, 4)),
    {"CODEC": "FLOAT8", "BITS": 8},
    *(
        {"CODEC": "PLAIN", "BITS": bits, "FORM": form}
        for form, bits in (("F32", 32), ("F16", 16), ("BF16", 16))
    ),
]
CODES = {
    "compaction_rotary": [{}],
    "quantize_token": [{"BITS": bits} for bits in (2, 4, 8)],
    "quantize_channel": [{"BITS": bits} for bits in (2, 4, 8)],
    "quantize_float8": [{}],
    "quantize_rotated": [
        *({"BITS": bits, "WIDTH": 128, "STAGED": 1} for bits in (1, 2, 3, 4)),
        *({"BITS": 4, "WIDTH": width, "STAGED": 1} for width in (64, 256, 512)),
        *({"BITS": bits, "WIDTH": 128} for bits in (2, 4)),
    ],
    "quantize_wide": [{"BITS": bits} for bits in (1, 4)],
}
# Keys and values, and whether they are multiplied as they lie.
PAIRS = [
    ("ROTATED", 4, 1, "WHOLE", 4, 1),
    ("CHANNEL", 4, 1, "WHOLE", 4, 1),
    ("CHANNEL", 2, 1, "ROTATED", 2, 0),
    ("ROTATED", 1, 1, "WHOLE", 2, 1),
    ("FLOAT8", 8, 0, "WHOLE", 8, 0),
    ("PLAIN", 16, 0, "PLAIN", 16, 0),
]
READERS = {
    "attend_units": [
        {
            "KEY_CODEC": codec,
            "KEY_BITS": key,
            "VALUE_BITS": value,
            "WIDTH": width,
            "UNITS": width // 32,
            "GROUPS": groups,
        }
        for codec, key, value, width, groups in (
            ("CHANNEL", 4, 4, 128, 4),
            ("CHANNEL", 2, 2, 128, 4),
            ("CHANNEL", 4, 8, 128, 1),
            ("ROTATED", 4, 4, 128, 4),
            ("ROTATED", 2, 4, 128, 4),
            ("ROTATED", 3, 8, 128, 1),
            ("CHANNEL", 8, 2, 64, 1),
            ("CHANNEL", 4, 4, 256, 8),
            ("ROTATED", 1, 2, 128, 4),
        )
    ],
    "logits_units": [
        {"KEY_CODEC": codec, "KEY_BITS": bits, "WIDTH": width}
        for codec, bits, width in (
            ("CHANNEL", 4, 128),
            ("ROTATED", 4, 128),
            ("CHANNEL", 2, 256),
            ("ROTATED", 1, 128),
            ("CHANNEL", 8, 64),
            ("ROTATED", 3, 128),
        )
    ],
    "sums_units": [
        {"VALUE_BITS": bits, "UNITS": units, "GROUPS": groups}
        for bits, units, groups in ((4, 4, 4), (8, 4, 1), (2, 4, 4), (4, 8, 8), (2, 2, 1))
    ],
    "decode_attention": [
        {
            "KEY_CODEC": key,
            "KEY_BITS": key_bits,
            "STRAIGHT_KEYS": straight_keys,
            "VALUE_CODEC": value,
            "VALUE_BITS": bits,
            "STRAIGHT_VALUES": straight_values,
            "ROWS": rows,
        }
        for key, key_bits, straight_keys, value, bits, straight_values in PAIRS
        for rows in ((4, 8) if straight_keys else (1, 8))
    ],
    "decode": [one for one in READ if one["CODEC"] != "ROTATED"],
    "decode_channel": [{"BITS": bits, "ROWS": rows} for bits in (2, 4, 8) for rows in (1, 8)],
    "decode_rotated": [{"BITS": bits} for bits in (1, 2, 3, 4)],
    "decode_turned": [
        *({"BITS": bits, "WIDTH": 128} for bits in (1, 2, 3, 4)),
        *({"BITS": 4, "WIDTH": width} for width in (64, 256, 512)),
    ],
    "decode_logits": [{**one, "ROWS": rows} for one in READ for rows in (1, 8)],
    "decode_sums": [
        *({**one, "ROWS": rows} for one in READ for rows in (1, 8)),
        *({"CODEC": "WHOLE", "BITS": 4, "STRAIGHT_VALUES": 1, "ROWS": rows} for rows in (4, 8)),
    ],
}
# Compiled for several forms, by tests of their own.
SCORES = (
    "attend_rows", "attention_decode", "attention_expected", "attention_received", "scores_chain",
    "scores_directions", "scores_lag", "scores_pages", "scores_rows", "scores_sound",
)  # fmt: skip
REPORT = re.compile(
    r"Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores"
    r".*?Used (\d+) registers",
    re.DOTALL,
)


def library():
    found = util.find_spec("nvidia")
    for folder in found.submodule_search_locations if found else ():
        for path in sorted(Path(folder).glob("*/lib/libnvrtc.so.*")):
            if "alt" not in path.name:
                return ctypes.CDLL(str(path))
    return None


NVRTC = library()
pytestmark = pytest.mark.skipif(NVRTC is None, reason="no NVRTC: pip install nvidia-cuda-nvrtc")


def compiled(text, generation, defines):
    """Return the log of the compiler; fails with it if it refuses."""
    program = ctypes.c_void_p()
    assert NVRTC.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None) == 0
    options = [f"--gpu-architecture=sm_{generation}", "--std=c++17", "-default-device", "--ptxas-options=-v"]
    options += [f"-D{name}={value}" for name, value in defines]
    given = (ctypes.c_char_p * len(options))(*(one.encode() for one in options))
    result = NVRTC.nvrtcCompileProgram(program, len(options), given)
    size = ctypes.c_size_t()
    NVRTC.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    NVRTC.nvrtcGetProgramLog(program, log)
    NVRTC.nvrtcDestroyProgram(ctypes.byref(program))
    assert result == 0, log.value.decode()
    return log.value.decode()


def check(name, generation, defines=()):
    text = source(name)
    kernels = REPORT.findall(compiled(text, generation, defines))
    assert len(kernels) == text.count('extern "C" __global__')
    for kernel, _, spilled, registers in kernels:
        print(f"{name} {kernel} sm_{generation}: {registers} registers, {spilled} bytes spilled")
        assert int(spilled) <= SPILLS.get(name, 0), kernel
        assert int(registers) <= REGISTERS[name], kernel


# All settings are compiled for Hopper, half for the oldest, an eighth for each other, which take turns;
# `pytest -m slow` compiles all.
EXTENT = pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)])


def some(settings, generation, every):
    if every or generation == 90:
        return settings
    if generation is None:
        return settings[1::4] or settings
    if generation == 75:
        return settings[::2]
    return settings[list(GENERATIONS).index(generation) % len(settings) :: 8]


def check_all(checks):
    """Check several at once: the compiler runs beside itself."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda one: check(*one), checks):
            pass


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    "name", [name for name in SOURCES if name not in ("scan", "hopper", *CODES, *READERS, *SCORES)]
)
def test_kernels_compile_within_bounds(name, generation):
    check(name, generation)
    if name == "hamming":
        check(name, generation, [("DENSE", "1")])


@EXTENT
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", CODES)
def test_codes_compile_within_bounds(name, generation, every):
    check_all(
        (name, generation, [("FORM", form), *((key, str(one)) for key, one in settings.items())])
        for form in (FORMS if every or generation == 90 else FORMS[1:2])
        for settings in some(CODES[name], generation if form == "F16" else None, every)
    )


@EXTENT
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", READERS)
def test_readers_of_codes_compile_within_bounds(name, generation, every):
    asked = some(READERS[name], generation, every)
    check_all((name, generation, [(key, str(one)) for key, one in settings.items()]) for settings in asked)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("kind", ["Half", "Brain", "Byte", "Bit"])
def test_scans_compile_within_bounds(kind, generation):
    if (kind == "Brain" and generation < 80) or (kind == "Bit" and not 80 <= generation < 100):
        pytest.skip("not asked for there")
    kernel, _, _ = shape_of(
        Place(generation, GENERATIONS[generation] * 1024), kind, 48 if kind == "Bit" else 768
    )
    target = f"{generation}a" if kernel.source == "hopper" else generation
    check(kernel.source, target, kernel.defines)


@pytest.mark.parametrize("kind", ["Half", "Byte"])
@pytest.mark.parametrize("more", [("DENSE",), ("BIASED",), ("DENSE", "BIASED")])
def test_variants_compile_within_bounds(kind, more):
    for generation in (80, 90):
        kernel, _, _ = shape_of(Place(generation, GENERATIONS[generation] * 1024), kind, 768)
        target = f"{generation}a" if kernel.source == "hopper" else generation
        check(kernel.source, target, (*kernel.defines, *((one, "1") for one in more)))


@EXTENT
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(("form", "lanes"), [("F32", 32), ("F16", 16), ("BF16", 4), ("E4M3", 16)])
def test_scores_compile_within_bounds(form, lanes, generation, every):
    if not every and form != "F16" and generation not in (75, 90):
        pytest.skip("compiled for others as float16")
    common = [("FORM", form), ("LANES", str(lanes))]
    # Rows of aligned pieces are read by kernels of their own.
    each = str(min(lanes, 8))
    aligned, others = ([*common, ("ALIGNED", one)] for one in "10")
    checks = [
        ("scores_directions", generation, aligned),
        ("scores_lag", generation, [*aligned, ("RANKS", "1")]),
        *(("scores_chain", generation, [*aligned, ("EACH", each), ("RANKS", ranks)]) for ranks in "01"),
        ("scores_pages", generation, aligned),
        ("scores_rows", generation, [*aligned, ("MEASURE", "COSINE")]),
        ("scores_sound", generation, aligned),
        ("attention_decode", generation, [*common, ("ROWS", "8")]),
    ]
    if form == "F16" and (every or generation in (75, 90)):
        checks += [
            ("scores_directions", generation, others),
            ("scores_rows", generation, [*others, ("MEASURE", "COSINE")]),
            ("scores_rows", generation, [*others, ("MEASURE", "PRODUCT"), ("DIRECTIONS", "4")]),
            *(
                ("scores_rows", generation, [*aligned, ("MEASURE", "PRODUCT"), ("DIRECTIONS", many)])
                for many in "248"
            ),
            ("scores_lag", generation, [*others, ("RANKS", "1")]),
            ("scores_pages", generation, others),
            ("attention_decode", generation, common),
        ]
    check_all(checks)


@EXTENT
@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("form", "unit"), [("F16", "Half"), ("BF16", "Brain"), ("F32", None), ("E4M3", None)]
)
def test_attention_compiles_within_bounds(form, unit, generation, every):
    if unit == "Brain" and generation < 80:
        pytest.skip("not asked for there")
    if not every and not unit and generation not in (75, 90):
        pytest.skip("compiled for others on matrix units")
    units = [("PLAIN", "0"), ("UNIT", unit)] if unit else [("PLAIN", "1")]
    checks = []
    # Small tiles are for devices that share little.
    for keys in ("128", "64") if generation == 75 else ("128",):
        common = [("FORM", form), *units, ("KEYS", keys)]
        checks.append(("attention_expected", generation, common))
        hows = ("TOGETHER", "EACH", "MOST", "GREATEST") if form == "F16" else ("TOGETHER",)
        for how in some(hows, generation, every):
            checks.append(("attention_received", generation, [*common, ("HOW", how)]))
    check_all(checks)


@EXTENT
@pytest.mark.parametrize("generation", GENERATIONS)
def test_attention_to_plain_rows_compiles_within_bounds(generation, every):
    widths = (("128", "128"), ("64", "64"), ("256", "256"), ("80", "80"))
    checks = [
        ("attend_rows", generation, [("FORM", form), ("SIDES", sides), ("WIDTH", width), ("VALUES", values)])
        for form, sides in (("F16", "2"), ("BF16", "2"), ("BF16", "3"))
        if form == "F16" or generation >= 80
        for width, values in some(widths, generation, every)
    ]
    check_all(checks)
