"""The example of the README runs as it stands."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_example_runs(capsys):
    (example,) = re.findall(r"```py\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == [
        "QuantizedKVCache", "EvictingKVCache", "EvictingKVCache", "MixedKVCache", "ArkvKVCache"
    ]  # fmt: skip
    assert {line[1] for line in lines} == {"319"}
    # Four heads of 16 dimensions in float32, keys and values, in two layers.
    assert all(int(line[2]) < 319 * 4 * 16 * 4 * 2 * 2 for line in lines)
