"""The newest tokens of all heads, as they came, padding among them."""

import torch

from recollect.kvcache.transformers.layer import own_memory

__all__ = ["Tail"]


class Tail:
    """Keys and values ``[batch, heads, t, d]`` of the columns before :attr:`end`.

    Parameters
    ----------
    keys, values
        Of the first step.
    present
        ``[batch, t]``, false for padding; None where all are tokens.
    """

    def __init__(self, keys: torch.Tensor, values: torch.Tensor, present: torch.Tensor | None) -> None:
        self.keys, self.values, self.present = own_memory(keys), own_memory(values), present
        self.end = keys.shape[2]

    def __len__(self) -> int:
        return int(self.keys.shape[2])

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        parts = (self.keys, self.values, self.present)
        return int(sum(part.nbytes for part in parts if part is not None))

    def append(self, keys: torch.Tensor, values: torch.Tensor, present: torch.Tensor | None) -> None:
        """Add the tokens of a step."""
        if present is not None or self.present is not None:
            device = keys.device
            before = torch.ones(len(keys), len(self), dtype=torch.bool, device=device)
            after = torch.ones(len(keys), keys.shape[2], dtype=torch.bool, device=device)
            before = before if self.present is None else self.present
            self.present = torch.cat([before, after if present is None else present], 1)
        self.keys, self.values = torch.cat([self.keys, keys], 2), torch.cat([self.values, values], 2)
        self.end += keys.shape[2]

    def columns(self) -> torch.Tensor:
        """Return the columns of all heads, int32 ``[batch, heads, t]``."""
        found = torch.arange(self.end - len(self), self.end, dtype=torch.int32, device=self.keys.device)
        return found.expand(*self.keys.shape[:2], -1)

    def tokens(self) -> torch.Tensor:
        """Return which places hold a token, ``[batch, heads, t]``."""
        if self.present is None:
            return torch.ones(self.keys.shape[:3], dtype=torch.bool, device=self.keys.device)
        return self.present[:, None].expand(self.keys.shape[:3])

    def take(self, sequences: torch.Tensor) -> None:
        """Make it one of these sequences."""
        at = sequences.to(self.keys.device)
        self.keys, self.values = self.keys[at], self.values[at]
        self.present = None if self.present is None else self.present[at]

    def drop_oldest(self, count: int) -> None:
        """Let the oldest columns go."""
        self._keep(slice(count, None))

    def drop_newest(self, count: int) -> None:
        """Let the newest columns go, as if they had not come."""
        self._keep(slice(0, len(self) - count))
        self.end -= count

    def _keep(self, which: slice) -> None:
        self.keys, self.values = self.keys[:, :, which].clone(), self.values[:, :, which].clone()
        if self.present is not None:
            present = self.present[:, which].clone()
            self.present = None if bool(present.all()) else present
