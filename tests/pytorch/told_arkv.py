"""What ARKV says of each token, told anew in every step from all that ever came, with one loop a thing."""

import numpy as np

from recollect.kvcache import Layer, budgets, quantize


class ToldSequence:
    """The states of the tokens of one sequence, ``[heads, tokens]`` for each layer."""

    def __init__(self, capacity, settings, interval, kind):
        self.capacity, self.settings, self.interval, self.kind = capacity, settings, interval, kind
        self.keys, self.queries, self.states = {}, {}, {}
        self.full, self.open = None, True

    def step(self, layers):
        """Take the keys and queries of new tokens, a pair ``[heads, t, d]`` for each layer."""
        for at, parts in enumerate(layers):
            for into, part in zip((self.keys, self.queries), parts, strict=True):
                into[at] = np.concatenate([into[at], part], 1) if at in into else part
            new = np.full(parts[0].shape[:2], 16)
            self.states[at] = np.concatenate([self.states[at], new], 1) if at in self.states else new
        self.open = self.open or new.shape[1] > 1
        if (self.states[0][0] > 0).sum() > self.capacity + self.interval:
            self.cut()

    def cut(self):
        """Give states to what is held; a state only falls."""
        room = self.capacity - self.settings.window
        held = {at: [np.flatnonzero(row > 0) for row in states] for at, states in self.states.items()}
        layers = []
        for at, columns in held.items():
            read = np.where(
                (self.states[at] == 8)[..., None],
                quantize(self.keys[at], self.kind).dequantize(backend="numpy"),
                self.keys[at],
            )
            rows = np.stack([read[head, own] for head, own in enumerate(columns)])
            layers.append(Layer(rows[None], queries=self.queries[at][None, :, -self.settings.window :]))
        if self.open:
            tables = budgets.arkv(layers, self.capacity, self.settings)
            qualities = np.array([budgets.origin_quality(one, self.settings)[0] for one in layers])
            self.full, self.open = np.rint(qualities / qualities.max() * room), False
        else:
            ranks = [budgets.arkv_ranks(one, self.settings).ranks for one in layers]
            tables = [
                np.where(one < limit, 16, np.where(one < room, 8, 0))
                for one, limit in zip(ranks, self.full, strict=True)
            ]
        for at, columns in held.items():
            for head, own in enumerate(columns):
                self.states[at][head, own] = np.minimum(self.states[at][head, own], tables[at][0, head])


class Told:
    """A batch of such sequences, beside a cache whose layers it watches."""

    def __init__(self, monkeypatch, watched, batch, **options):
        self.sequences = [ToldSequence(**options) for _ in range(batch)]
        self.came = []
        store = watched.store

        def told(layer, keys, values, queries, present):
            mask = np.ones((len(keys), keys.shape[2]), dtype=bool) if present is None else present.numpy()
            self.came.append((keys.numpy().copy(), queries.numpy().copy(), mask))
            store(layer, keys, values, queries, present)

        monkeypatch.setattr(watched, "store", told)

    def step(self):
        """Give states after a step of the model."""
        for at, sequence in enumerate(self.sequences):
            sequence.step(
                [(keys[at][:, mask[at]], queries[at][:, mask[at]]) for keys, queries, mask in self.came]
            )
        self.came.clear()

    def columns(self, layer, state):
        """Return which tokens of each sequence are in a state, head by head, padding not counted."""
        return [
            [np.flatnonzero(row == state).tolist() for row in one.states[layer]] for one in self.sequences
        ]
