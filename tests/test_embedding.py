"""Embedders: the contract, the local one, and the adapters with stand-ins for their libraries."""

import socket
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import recollect
from recollect.embedding import CallableEmbedder, Embedder
from recollect.embedding.choosing import as_embedder
from recollect.embedding.hashing import HashingEmbedder
from recollect.embedding.model2vec import Model2VecEmbedder
from recollect.embedding.openai import OpenAIEmbedder
from recollect.embedding.protocol import embed
from recollect.embedding.sentence_transformers import SentenceTransformersEmbedder
from recollect.errors import EmbedderFailure, EmbedderMissing, InvalidArgument, WrongType

Vectors = npt.NDArray[np.float32]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make any use of a socket an error."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def returning(value: object) -> CallableEmbedder:
    """Return an embedder of dimension 2 that answers with a value."""
    return CallableEmbedder(lambda texts: value, name="fixed", dim=2)  # type: ignore[arg-type,return-value]


def test_what_is_an_embedder() -> None:
    assert as_embedder(None) is None
    hashing = HashingEmbedder()
    assert as_embedder(hashing) is hashing
    assert isinstance(hashing, Embedder)
    assert isinstance(as_embedder(lambda texts: np.ones((len(texts), 2))), CallableEmbedder)
    for bad in (3, HashingEmbedder, SimpleNamespace(embed=print)):
        with pytest.raises(WrongType, match=r"^embedder: "):
            as_embedder(bad)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match=r"^embedder: expected 'local'"):
        as_embedder("remote")


def test_a_callable_finds_its_dimension_once() -> None:
    calls: list[list[str]] = []

    def embedding(texts: list[str]) -> list[list[float]]:
        calls.append(texts)
        return [[1.0, 2.0, 3.0] for _ in texts]

    embedder = CallableEmbedder(embedding)
    assert embedder.dim == embedder.dim == 3
    assert len(calls) == 1
    assert embedder.name.endswith("embedding")
    assert embedder.embed(["a", "b"]).dtype == np.float32


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((1, 2)), r"shape \(1, 2\), expected \(2, 2\)"),
        (np.ones((2, 3)), r"shape \(2, 3\), expected \(2, 2\)"),
        (np.ones(2), "shape"),
        (np.array([[1, np.nan], [1, 1]]), r"texts\[0\]: a component is not finite"),
        (np.array([[1, 1], [1, 1e300]]), r"texts\[1\]: a component is not finite"),
        (np.ones((2, 2), dtype=complex), "complex"),
        (np.ones((2, 2), dtype=bool), "bool"),
        ([["a", "b"], ["c", "d"]], "expected float32"),
        ([[1.0], [1.0, 2.0]], "no array"),
        (None, "expected float32"),
    ],
)
def test_answers_that_are_no_vectors(value: object, message: str) -> None:
    with pytest.raises(EmbedderFailure, match=message):
        embed(returning(value), ["a", "b"])


def test_what_an_embedder_raises_is_wrapped_and_nothing_is_written() -> None:
    def broken(texts: list[str]) -> Vectors:
        raise ConnectionError("no route")

    with recollect.open(embedder=CallableEmbedder(broken, name="broken", dim=2)) as memory:
        with pytest.raises(EmbedderFailure, match="embedder broken: ConnectionError: no route") as caught:
            memory.add("x")
        assert isinstance(caught.value.__cause__, ConnectionError)
        assert memory.count() == 0


def test_an_interrupt_is_not_wrapped() -> None:
    def interrupted(texts: list[str]) -> Vectors:
        raise KeyboardInterrupt

    with (
        recollect.open(embedder=CallableEmbedder(interrupted, dim=2)) as memory,
        pytest.raises(KeyboardInterrupt),
    ):
        memory.add("x")


def test_all_texts_go_in_one_batch_with_their_speakers() -> None:
    batches: list[list[str]] = []

    class Watching(HashingEmbedder):
        def embed(self, texts: list[str]) -> Vectors:
            batches.append(texts)
            return super().embed(texts)

    with recollect.open(embedder=Watching()) as memory:
        memory.add_many(["one", "two", "three"], speaker=["Ilse", None, "Bram"])
        assert batches.pop() == ["Ilse: one", "two", "Bram: three"]
        uid = memory.add("four", speaker="Ilse").uid
        memory.update(uid, text="five")
        assert batches == [["Ilse: four"], ["Ilse: five"]]
        batches.clear()
        memory.recall("five")
        assert batches == [["five"]]


def test_a_text_without_direction_is_found_by_its_words() -> None:
    with recollect.open(embedder=returning([[0.0, 0.0]])) as memory:
        memory.add("a text")
        found = memory.recall("text")
        assert found[0].text == "a text"
        assert found.trace["lexical_only"] == "the embedder finds nothing in the query"


def test_another_embedder_is_refused(tmp_path: Any) -> None:
    path = tmp_path / "store.rcl"
    with recollect.open(path, embedder=HashingEmbedder(16)) as memory:
        memory.add("x")
    with recollect.open(path, embedder=HashingEmbedder(8)) as memory:
        with pytest.raises(recollect.errors.SpaceMismatch):
            memory.add("y")
        with pytest.raises(recollect.errors.SpaceMismatch):
            memory.recall("x")


@pytest.mark.usefixtures("no_network")
def test_the_local_embedder_understands_and_needs_no_network() -> None:
    pytest.importorskip("wordllama")
    before = set(sys.modules)
    with recollect.open(embedder="local") as memory:
        assert memory.embedder is not None
        assert (memory.embedder.name, memory.embedder.dim) == ("wordllama-l2-supercat-256", 256)
        memory.add_many(
            ["The vet examined our cat.", "The train leaves at nine.", "We painted the wall blue."]
        )
        for query, text in (("veterinary care for a kitten", "vet"), ("railway departure", "train")):
            assert text in memory.recall(query, k=1, signals=("vectors",))[0].text
        vectors = memory.embedder.embed(["a", "", "Grüße 🐈"])
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1], abs=1e-6)
    assert not {"wordllama", "requests", "urllib3"} & (set(sys.modules) - before)


def test_one_text_and_many_have_the_same_vectors() -> None:
    pytest.importorskip("wordllama")
    embedder = as_embedder("local")
    assert embedder is not None
    texts = [f"memory number {n} of the garden" for n in range(1500)]
    assert np.array_equal(embedder.embed(texts)[1030], embedder.embed([texts[1030]])[0])


def test_the_local_embedder_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from recollect.embedding import local

    monkeypatch.setattr(local, "find_spec", lambda name: None)
    with pytest.raises(EmbedderMissing, match=r'pip install "recollect\[local\]"'):
        recollect.open(embedder="local")


class FakeSentenceTransformer:
    """Stands in for a model of sentence-transformers."""

    def __init__(self, name: str, local_files_only: bool = False) -> None:
        if name == "absent":
            raise OSError("not cached")
        self.local_files_only = local_files_only

    def get_sentence_embedding_dimension(self) -> int:
        return 4

    def encode(self, texts: list[str], *, normalize_embeddings: bool, **options: object) -> Vectors:
        assert normalize_embeddings
        assert options["show_progress_bar"] is False
        return np.full((len(texts), 4), 0.5, dtype=np.float32)


def test_sentence_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = FakeSentenceTransformer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)
    embedder = SentenceTransformersEmbedder("a-model", prompt="query: ")
    assert (embedder.name, embedder.dim) == ("a-model", 4)
    assert embedder._model.local_files_only
    assert embed(embedder, ["x", "y"]).shape == (2, 4)
    loaded = SentenceTransformersEmbedder(FakeSentenceTransformer("a-model"))
    assert loaded.name == "sentence-transformers:FakeSentenceTransformer"
    with pytest.raises(EmbedderMissing, match="not on this machine"):
        SentenceTransformersEmbedder("absent")


class FakeStaticModel:
    """Stands in for a model of model2vec."""

    dim = 3
    base_model_name = "a-model"

    def encode(self, texts: list[str]) -> Vectors:
        return np.array([[3.0, 4.0, 0.0] if text else [0.0, 0.0, 0.0] for text in texts], dtype=np.float32)

    @classmethod
    def from_pretrained(cls, folder: str) -> "FakeStaticModel":
        return cls()


def test_model2vec(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    module = ModuleType("model2vec")
    module.StaticModel = FakeStaticModel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "model2vec", module)
    embedder = Model2VecEmbedder(str(tmp_path))
    assert (embedder.name, embedder.dim) == ("model2vec:a-model", 3)
    assert embed(embedder, ["x", ""]).tolist() == [
        [pytest.approx(0.6), pytest.approx(0.8), 0.0],
        [0.0, 0.0, 0.0],
    ]
    with pytest.raises(EmbedderMissing, match="no folder"):
        Model2VecEmbedder(str(tmp_path / "absent"))


class FakeClient:
    """Stands in for a client of OpenAI; answers out of order, as a server may."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.embeddings = self

    def create(self, **request: Any) -> SimpleNamespace:
        self.requests.append(request)
        data = [
            SimpleNamespace(index=at, embedding=[float(len(text)), 1.0])
            for at, text in enumerate(request["input"])
        ]
        return SimpleNamespace(data=data[::-1])


def test_openai() -> None:
    client = FakeClient()
    embedder = OpenAIEmbedder("text-small", 2, client=client, batch_size=2, shorten=True)
    assert embedder.name == "openai:text-small"
    assert embed(embedder, ["a", "bb", "ccc"]).tolist() == [[1, 1], [2, 1], [3, 1]]
    assert [request["input"] for request in client.requests] == [["a", "bb"], ["ccc"]]
    assert client.requests[0]["dimensions"] == 2


@pytest.mark.parametrize(
    ("library", "use"),
    [
        ("sentence_transformers", lambda: SentenceTransformersEmbedder("m")),
        ("model2vec", lambda: Model2VecEmbedder("m")),
        ("openai", lambda: OpenAIEmbedder("m", 2).embed(["x"])),
    ],
)
def test_an_absent_library_is_named(monkeypatch: pytest.MonkeyPatch, library: str, use: Any) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(EmbedderMissing, match=f"pip install {library.replace('_', '-')}"):
        use()


def test_hashing_is_deterministic_and_shares_words() -> None:
    one, two, other = HashingEmbedder(128).embed(["green tea", "tea, green!", "seven ships"])
    assert one == pytest.approx(two, abs=1e-6)
    assert abs(float(one @ other)) < 0.4
    with pytest.raises(InvalidArgument, match=r"^dim: "):
        HashingEmbedder(0)
