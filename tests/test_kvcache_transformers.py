"""Caches for Transformers say what to install, and nothing else loads it (`make test-torch` tests them)."""

import subprocess
import sys

import pytest

from recollect.errors import LibraryMissing


@pytest.mark.parametrize("missing", [["torch"], ["transformers"], ["torch", "transformers"]])
def test_what_is_missing_is_named(monkeypatch, missing):
    for name in ("torch", "transformers"):
        # None in the table of modules is a module that cannot be found.
        monkeypatch.setitem(sys.modules, name, None if name in missing else sys)
    monkeypatch.setattr(sys, "__spec__", object(), raising=False)
    monkeypatch.delitem(sys.modules, "recollect.kvcache.transformers", raising=False)
    with pytest.raises(
        ImportError, match=" and ".join(missing) + r": pip install .recollect\[transformers\]"
    ):
        __import__("recollect.kvcache.transformers")
    with pytest.raises(LibraryMissing):
        __import__("recollect.kvcache.transformers")


def test_the_room_of_the_kv_cache_loads_neither():
    program = "import sys, recollect.kvcache; print({'torch', 'transformers'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
