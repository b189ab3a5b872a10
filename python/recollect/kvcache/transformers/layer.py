"""What every layer of these caches is to Transformers: columns seen, tokens held, and steps that are settled.

A column is a token of the input as the model counts it, padding among them. The model makes one mask for all
columns ever seen, so a layer that has dropped some is read through the attention of :mod:`.attention`.
"""

from abc import abstractmethod

import torch
from transformers.cache_utils import CacheLayerMixin

from recollect.errors import InvalidArgument
from recollect.kvcache.arrays import Foreign

__all__ = ["ATTENTION", "TAG", "KVLayer", "own_memory"]

ATTENTION = "recollect"
TAG = "_recollect_layer"


class KVLayer(CacheLayerMixin):
    """One layer of a cache.

    Parameters
    ----------
    config
        Of the model: its attention decides who settles a step.
    """

    is_sliding = False
    is_compileable = False
    is_croppable = False
    needs_attention = False
    """Whether only our attention can read what the layer holds."""

    def __init__(self, config: Foreign) -> None:
        super().__init__()
        self._config = config
        self.forget()

    def forget(self) -> None:
        """Make the layer as it was at first."""
        self.seen = 0
        self.columns: torch.Tensor | None = None
        self._step: tuple[torch.Tensor, torch.Tensor] | None = None
        self.is_initialized = False
        # Transformers asks whether it is there, and takes it for true.
        self.__dict__.pop("batch_size", None)

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes held between steps."""

    @abstractmethod
    def held(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None] | None:
        """Return keys and values ``[batch, heads, n, d]``, and their columns ``[batch, heads, n]``.

        Columns are None where every column is there, and -1 for a place that holds nothing; the whole is None
        before the first step.
        """

    @abstractmethod
    def store(
        self,
        keys: torch.Tensor,
        values: torch.Tensor,
        queries: torch.Tensor | None,
        present: torch.Tensor | None,
    ) -> None:
        """Take the tokens of a step, and bring what is held within its bounds.

        Parameters
        ----------
        keys, values
            ``[batch, heads, t, d]``.
        queries
            Of the same tokens, or None where another attention read the layer.
        present
            ``[batch, t]``, false for padding; None where all are tokens, or nobody knows.
        """  # fmt: skip

    @abstractmethod
    def take(self, sequences: torch.Tensor) -> None:
        """Make the layer one of these sequences, by their numbers; a sequence may come several times."""

    @abstractmethod
    def drop_newest(self, count: int) -> None:
        """Forget the newest columns.

        Raises
        ------
        InvalidArgument
            If some of them are no longer as they came; then none is forgotten.
        """

    def check_newest(self, count: int) -> None:
        """Raise what :meth:`drop_newest` would, where layers may differ in it."""

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Note what the first tokens are like."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self.batch_size = key_states.shape[0]
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Foreign, **options: Foreign
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take the tokens of a step and return all that its queries may see."""
        ours = self._config._attn_implementation == ATTENTION
        if self.needs_attention and not ours:
            raise InvalidArgument(
                "model: this cache needs the attention that reads heads of different lengths; call "
                "recollect.kvcache.transformers.use_attention(model), and make the cache of model.config"
            )
        if self._step is not None:
            raise InvalidArgument(
                "model: the step before was not attended to; make the cache of the config of the model that "
                "runs, model.config"
            )
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        self._step = key_states.detach(), value_states.detach()
        self.seen += key_states.shape[2]
        if not ours:
            whole = self.whole(key_states, value_states)
            self.settle(None, None)
            return whole
        # The attention gets no cache, only what is returned here.
        marked = key_states.view_as(key_states)
        setattr(marked, TAG, self)
        return marked, value_states

    def whole(self, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return all that is held, with the tokens of this step; :attr:`columns` says which they are."""
        held = self.held()
        if held is None:
            self.columns = None
            return keys, values
        before, columns = held[:2], held[2]
        if columns is not None:
            new = torch.arange(self.seen - keys.shape[2], self.seen, device=columns.device)
            columns = torch.cat([columns, new.to(columns.dtype).expand(*columns.shape[:2], -1)], 2)
        self.columns = columns
        return torch.cat([before[0], keys], 2), torch.cat([before[1], values], 2)

    def attended(
        self, queries: torch.Tensor, present: torch.Tensor | None, scaling: float | None
    ) -> torch.Tensor | None:
        """Return the output of attention, ``[batch, w, query_heads, d]``; None is for the usual way."""
        return None

    def settle(self, queries: torch.Tensor | None, present: torch.Tensor | None) -> None:
        """End a step."""
        if self._step is not None:
            self.store(*self._step, queries, present)
            self._step, self.columns = None, None

    def get_seq_length(self) -> int:
        """Return the columns seen: the position of the next token, whatever has gone."""
        return self.seen

    def get_mask_sizes(self, query_length: int | torch.Tensor) -> tuple[int, int]:
        """Return the columns that a mask has, and the first of them."""
        new = query_length if isinstance(query_length, int) else int(query_length.shape[0])
        return self.seen + new, 0

    def get_max_length(self) -> int:
        """Return -1: there is no limit."""
        return -1

    get_max_cache_shape = get_max_length

    def reset(self) -> None:
        """Forget everything."""
        self.forget()

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Follow the beams of a search."""
        self.batch_select_indices(beam_idx)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep some sequences."""
        if self.seen:
            self._chosen(torch.arange(self.batch_size, device=indices.device)[indices].cpu())

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Have every sequence several times, one beside the other."""
        if self.seen:
            self._chosen(torch.arange(self.batch_size).repeat_interleave(repeats))

    def _chosen(self, sequences: torch.Tensor) -> None:
        self.take(sequences)
        self.batch_size = len(sequences)

    def crop(self, tokens_to_remove: int) -> None:
        """Forget the newest tokens, so many as the number is below zero.

        Raises
        ------
        InvalidArgument
            If the number is above zero, or some of these tokens are no longer as they came.
        """
        self.check_crop(tokens_to_remove)
        count = -tokens_to_remove
        if count == self.seen:
            self.forget()
        elif count:
            self.drop_newest(count)
            self.seen -= count

    def check_crop(self, tokens_to_remove: int) -> None:
        """Raise what :meth:`crop` would, and change nothing."""
        count = -tokens_to_remove
        if count < 0:
            raise InvalidArgument(
                f"tokens_to_remove: expected minus the newest tokens to forget, found {tokens_to_remove}"
            )
        if count > self.seen:
            raise InvalidArgument(f"tokens_to_remove: {count} of {self.seen} tokens")
        if 0 < count < self.seen:
            self.check_newest(count)

    def offload(self) -> None:
        """Do nothing: what is compressed stays where it is."""

    def prefetch(self) -> None:
        """Do nothing."""


def own_memory(rows: torch.Tensor) -> torch.Tensor:
    """Return a tensor that holds no memory beside its own elements."""
    return rows if rows.untyped_storage().nbytes() == rows.nbytes else rows.clone()
