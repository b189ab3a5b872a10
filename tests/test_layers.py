"""The Python house: imports run one way, each file is one idea, and the core stays light."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python" / "recollect"

# From the ground up; a module imports only from earlier rows, or from its own folder.
LEVELS = [
    {"errors"},
    {"html", "rows", "sentences", "times"},
    {"time_words", "zones"},
    {"date_reading", "locale_words", "time_phrases"},
    {"english_dates", "localized_dates"},
    {"embedding"},
    {"checks"},
    {"graph_results"},
    {"graph_arguments"},
    {"graph_walks"},
    {"activation", "attention", "granularity", "graph_spreading", "utility"},
    {"time_arguments", "timeline_results"},
    {"fact_results", "timeline_tree"},
    {"facts", "segmentation", "timeline"},
    {"graph"},
    {"records", "extracting", "filters", "columns", "lsh", "rabitq", "vector_index"},
    {"asked_time", "gpu"},
    {"handle", "packing", "lines"},
    {"kvcache"},
    {"derived", "options", "passages", "vectors"},
    {"spaces"},
    {"following", "migrating"},
    {"linking", "reading", "using", "writing"},
    {"claiming", "duplicates", "exchange", "forgetting", "mirroring", "recalling"},
    {"absence", "apportioning", "consolidating", "escalating", "retention", "selecting", "timeline_picture"},
    {"memory_timeline"},
    {"adaptable", "episodic", "linkable", "movable", "prunable", "readable", "semantic", "writable"},
    {"memory"},
    {"opening"},
    {"recollect"},
    {"demo"},
    {"cli"},
    {"__main__"},
]

# The same within the room of the KV cache: a file or a folder imports only from earlier rows.
KVCACHE = [
    {"float_formats", "splitmix", "tensors"},
    {"backends"},
    {"arrays"},
    {"cuda", "lending"},
    {"codebook", "events", "layer", "pooling", "query_stats", "refinement", "rotary", "selection"},
    {"softmax", "compaction"},
    {"scores", "quantizers"},
    {"segments"},
    {"blocks", "budgets", "decoding", "mixed_cache", "paged", "plain_cache", "quantized_cache"},
    {"transformers"},
    {"kvcache"},
]


def modules() -> dict[str, Path]:
    named = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts) or "recollect"] = path
    return named


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            submodules = [name for name in inside if name.removeprefix("recollect.") in known]
            names = submodules if len(submodules) == len(inside) else [node.module, *submodules]
        else:
            continue
        for name in names:
            if name == "recollect" and isinstance(node, ast.Import):
                found.add("recollect")
            inner = name.removeprefix("recollect.")
            if inner != name and inner in known:
                found.add(inner)
    return found


def test_no_module_imports_in_a_circle():
    known = modules()
    graph = {name: imports(path, known) - {name} for name, path in known.items()}
    done: set[str] = set()

    def follow(name: str, trail: list[str]) -> None:
        assert name not in trail, f"a circle: {[*trail, name]}"
        if name not in done:
            for other in sorted(graph[name]):
                follow(other, [*trail, name])
            done.add(name)

    for name in graph:
        follow(name, [])


def test_rooms_import_only_from_lower_levels():
    known = modules()
    level = {room: at for at, rooms in enumerate(LEVELS) for room in rooms}
    wrong = []
    for name, path in known.items():
        room = name.split(".")[0]
        for other in imports(path, known):
            below = other.split(".")[0]
            if below != room and level[below] >= level[room]:
                wrong.append(f"{name} imports {other}")
    assert not wrong


def test_the_kv_cache_has_levels_of_its_own_and_knows_no_store():
    known = modules()
    level = {room: at for at, rooms in enumerate(KVCACHE) for room in rooms}
    wrong = []
    for name, path in known.items():
        if name.split(".")[0] != "kvcache":
            continue
        room = ([*name.split("."), "kvcache"] if name == "kvcache" else name.split("."))[1]
        for other in imports(path, known):
            parts = other.split(".")
            if parts[0] != "kvcache":
                outside = {"checks", "errors", "vector_index", "gpu"}
                wrong += [] if parts[0] in outside else [f"{name} imports {other}"]
            elif len(parts) > 1 and parts[1] != room and level[parts[1]] >= level[room]:
                wrong.append(f"{name} imports {other}")
    assert not wrong


@pytest.mark.parametrize("room", ["scores", "budgets"])
def test_no_method_of_the_kv_cache_needs_another(room):
    known = modules()
    for name, path in known.items():
        if name.startswith(f"kvcache.{room}."):
            others = {other for other in imports(path, known) if other.startswith(f"kvcache.{room}.")}
            assert not others, f"{name} imports {others}"


@pytest.mark.parametrize("folder", ["python", "tests", "benches"])
def test_files_are_short_and_named_for_an_idea(folder):
    for path in (ROOT / folder).rglob("*.py"):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 400, f"{path} has {lines} lines"
        vague = {"util", "utils", "helper", "helpers", "common", "manager", "misc"} & set(
            path.stem.split("_")
        )
        assert not vague, f"{path}: find the idea"


def test_the_package_depends_on_numpy_alone():
    allowed = {"recollect", "numpy"}
    # Folders that are for users of these libraries, and are loaded for them alone.
    outside = {"cli": {"typer", "rich"}, "transformers": {"torch", "transformers"}}
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                light = top in allowed or top in sys.stdlib_module_names
                assert light or top in outside.get(path.parent.name, ()), f"{path} imports {name}"


def test_cuda_is_no_package():
    assert not list((ROOT / "cuda").rglob("__init__.py"))
