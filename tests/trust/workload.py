"""A seeded stream of writes over the whole API, each announced before and acknowledged after it."""

import json
import os
import random
import sys
from collections.abc import Callable, Iterable
from hashlib import blake2b
from pathlib import Path

import numpy as np

import recollect
from recollect import Memory
from tests.trust.expected import Expected, Step, dress

__all__ = ["DigestEmbedder", "Writer", "embedder", "open_store", "read_log"]

SPACES = ((), ("agent",), ("agent", "notes"), ("other",))


class DigestEmbedder:
    """Gives each text a vector of its own; without meaning, and without cost."""

    name, dim, metric = "digest", 16, "cosine"

    def embed(self, texts: list[str]) -> np.ndarray:
        """Return one row for each text."""
        digests = b"".join(blake2b(text.encode(), digest_size=self.dim).digest() for text in texts)
        return np.frombuffer(digests, np.int8).reshape(-1, self.dim) + np.float32(0.5)


embedder = DigestEmbedder()


def open_store(path: Path, durability: str = "full", **options: object) -> Memory:
    """Open the store of a workload."""
    return recollect.open(path, embedder=embedder, durability=durability, **options)


class Writer:
    """Writes to a store until it is stopped; `say` gets one line before and one after each write."""

    def __init__(self, path: Path, seed: int, known: Expected, say: Callable[[bytes], object],
                 durability: str = "full") -> None:  # fmt: skip
        self._path = path
        self._durability = durability
        self._random = random.Random(seed)
        self._seed = seed
        self._serial = 0
        self._known = known
        self._say = say

    def run(self, steps: int | None = None) -> None:
        """Write `steps` times, or for ever; then close."""
        memory = open_store(self._path, self._durability)
        while steps is None or steps > 0:
            step = self._next()
            self._say(b">" + json.dumps(step.fields()).encode() + b"\n")
            memory, outcomes = self._perform(memory, step)
            self._say(b"<" + json.dumps(outcomes).encode() + b"\n")
            self._known.play(step, outcomes)
            steps = steps if steps is None else steps - 1
        memory.close()

    def _text(self) -> str:
        self._serial += 1
        words = self._random.choices(WORDS, k=self._random.choice((1, 5, 12, 40, 400)))
        return f"{self._seed}-{self._serial} {' '.join(words)}"

    def _next(self) -> Step:
        """Choose the next write."""
        dice, space = self._random.random(), self._random.choice(SPACES)
        if dice < 0.02:
            return Step("checkpoint")
        if dice < 0.035:
            return Step("reopen")
        if dice > 0.70 and (live := [(uid, held.namespace) for uid, held in self._known.active()]):
            uid, space = self._random.choice(live)
            if dice < 0.85:
                return Step("update", space, (self._text(),), (uid,))
            some = [other for other, where in live if where == space and other != uid]
            more = self._random.sample(some, min(len(some), self._random.choice((0, 0, 3))))
            # Linking again would leave nothing to tell whether it took place.
            others = [other for other in some if (uid, other) not in self._known.links]
            if dice < 0.76 and others:
                return Step("link", space, (), (uid, self._random.choice(others)))
            if dice < 0.79:
                return Step("judge", space, (), (uid, *more))
            return Step("delete" if dice < 0.93 else "forget", space, (), (uid, *more))
        if dice < 0.45:
            return Step("record", space, (self._text(),))
        return Step(
            "add_many", space, tuple(self._text() for _ in range(self._random.choice((2, 5, 20, 50))))
        )

    def _perform(self, memory: Memory, step: Step) -> tuple[Memory, list[tuple[str, int]]]:
        """Do one write; return the store, which may be another, and identity and version of each memory."""
        space = memory.namespace(*step.namespace)
        match step.do:
            case "record":
                metadata, tags = dress(step.texts[0])
                outcomes = [space.episodic.record(step.texts[0], metadata=metadata, tags=tags)]
            case "add_many":
                metadata, tags = zip(*map(dress, step.texts), strict=True)
                outcomes = space.add_many(list(step.texts), metadata=list(metadata), tags=list(tags))
            case "update":
                metadata, tags = dress(step.texts[0])
                outcomes = [space.update(step.uids[0], text=step.texts[0], metadata=metadata, tags=tags)]
            case "delete":
                outcomes = space.delete(list(step.uids))
            case "forget":
                space.forget(list(step.uids), erase=True)
                return memory, [(uid, 0) for uid in step.uids]
            case "link":
                space.link(*step.uids, "next")
                return memory, [(uid, 0) for uid in step.uids]
            case "judge":
                space.feedback(list(step.uids), 1.0)
                return memory, [(uid, 0) for uid in step.uids]
            case "checkpoint":
                memory.checkpoint()
                return memory, []
            case "reopen":
                memory.close()
                return open_store(self._path, self._durability), []
        return memory, [(outcome.uid, outcome.version) for outcome in outcomes]


def read_log(lines: Iterable[bytes], known: Expected) -> tuple[int, Step | None]:
    """Play a log on what is known; return how many writes were acknowledged, and the one that was not."""
    acknowledged, pending = 0, None
    for line in lines:
        if not line.endswith(b"\n"):
            break
        if line.startswith(b">"):
            pending = Step.read(json.loads(line[1:]))
        else:
            known.play(pending, [tuple(outcome) for outcome in json.loads(line[1:])])
            acknowledged, pending = acknowledged + 1, None
    return acknowledged, pending


TEXT = """
the a of and to in is was for on that with as by at from it an be this which or are not have had but one all
river meadow harbour lantern copper thistle orbit violet marble engine window coffee letter bridge garden
winter planning meeting invoice deadline Kraków naïve 東京 🙂 compiler database socket thread kernel packet
"""
WORDS = tuple(TEXT.split())


def main() -> None:
    """Write to a store, logging to a file: ``workload PATH LOG SEED STEPS DURABILITY``."""
    path, log, seed, steps, durability = sys.argv[1:]
    out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    Writer(Path(path), int(seed), Expected(), lambda line: os.write(out, line), durability).run(int(steps))


if __name__ == "__main__":
    main()
