"""What layout 1 of quantized arrays is, bit for bit: files and other machines rely on it.

The file was written once by ``python -m tests.test_kvcache_layout``; a change of it is another layout.
"""

from pathlib import Path

import numpy as np
import pytest

from recollect.kvcache import Quantized, quantize
from recollect.kvcache.quantizers import KINDS, codec_of
from recollect.kvcache.quantizers.packing import LAYOUT

GOLDEN = Path(__file__).parent / "golden" / f"kvcache-layout-{LAYOUT}.npz"
CASES = [(kind, role) for kind in KINDS for role in ("keys", "values")]


def made() -> dict[str, np.ndarray]:
    """Return the rows, the parts of each quantizer, and the numbers that these stand for."""
    rows = np.random.default_rng(1).standard_normal((1, 140, 12)).astype(np.float16)
    rows[..., 3] += 40
    rows[0, 5], rows[0, :, 7] = 0, 2.5
    kept = {"rows": rows}
    for kind, role in CASES:
        found = quantize(rows, kind, role=role)
        kept |= {f"{kind}.{role}.{name}": part for name, part in found.parts.items()}
        kept[f"{kind}.{role}"] = found.dequantize()
    return kept


@pytest.mark.parametrize(("kind", "role"), CASES)
def test_the_same_rows_have_the_same_parts(kind, role):
    with np.load(GOLDEN) as golden:
        found = quantize(golden["rows"], kind, role=role)
        assert found.parts.keys() == {
            name.split(".")[2] for name in golden if name.startswith(f"{kind}.{role}.")
        }
        for name, part in found.parts.items():
            assert part.dtype == golden[f"{kind}.{role}.{name}"].dtype
            np.testing.assert_array_equal(part, golden[f"{kind}.{role}.{name}"])


@pytest.mark.parametrize(("kind", "role"), CASES)
def test_the_same_parts_stand_for_the_same_numbers(kind, role):
    with np.load(GOLDEN) as golden:
        prefix = f"{kind}.{role}."
        parts = {name.removeprefix(prefix): golden[name] for name in golden if name.startswith(prefix)}
        found = Quantized(codec_of(kind, role), parts, golden["rows"].shape).dequantize()
        np.testing.assert_allclose(found, golden[f"{kind}.{role}"], rtol=1e-6, atol=1e-6)


if __name__ == "__main__":
    np.savez_compressed(GOLDEN, **made())
