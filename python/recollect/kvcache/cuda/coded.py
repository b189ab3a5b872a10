"""Parts of a quantizer as kernels read them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from recollect.gpu.device import Array, Kernel

__all__ = ["Coded"]

_TILE = 128


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Coded:
    """Rows ``[heads, n, d]`` as their parts on a device.

    Attributes
    ----------
    codec
        ``"PLAIN"``, ``"WHOLE"``, ``"FLOAT8"`` or ``"ROTATED"``, whose rows lie token by token; or
        ``"CHANNEL"``, whole numbers packed channel by channel.
    bits
        Of an element.
    codes
        Rows, or codes of them.
    scale, zero
        What codes are multiplied by, and what is added, in 16 bits; factors and means of rotated rows.
    n, d
        Tokens and channels.
    group
        Elements that share a scale; of float8 the scales of a block.
    block
        Tokens of a block that share a scale or a mean.
    form
        The form of plain elements.
    seed
        Where the signs of a rotation come from.
    """

    codec: str
    bits: int
    codes: Array
    scale: Array | None
    zero: Array | None
    n: int
    d: int
    group: int = 1
    block: int = 1
    form: str = "F16"
    seed: int = 0

    @property
    def heads(self) -> int:
        """All heads of all sequences."""
        return int(self.codes.shape[0])

    @property
    def rotated(self) -> bool:
        """Whether the codes are those of turned rows."""
        return self.codec == "ROTATED"

    @property
    def by_channel(self) -> bool:
        """Whether the codes of a channel lie together, and not those of a token."""
        return self.codec == "CHANNEL"

    @property
    def word_shares_step(self) -> bool:
        """Whether codes lie channel by channel, and all tokens of a word have one step."""
        return self.by_channel and self.group % (32 // self.bits) == 0

    @property
    def tile_shares_means(self) -> bool:
        """Whether codes are rotated, 128 channels wide, and so are all 128 tokens of a tile centred alike."""
        return self.rotated and self.zero is not None and self.width == _TILE and self.block % _TILE == 0

    @property
    def eight_share_step(self) -> bool:
        """Whether codes are whole numbers token by token, and eight channels have one step."""
        return self.codec == "WHOLE" and (self.group % 8 == 0 or self.group >= self.d)

    @property
    def width(self) -> int:
        """Channels of what codes stand for: those of turned rows are filled up to a power of two."""
        return 1 << (self.d - 1).bit_length() if self.rotated else self.d

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of codes."""
        return int(self.codes.shape[2] * self.codes.itemsize)

    @property
    def kind(self) -> tuple[Any, ...]:
        """All that is the same for parts of one kind."""
        return self.codec, self.bits, self.form, self.d, self.group, self.block, self.seed

    def read_by(self, source: str, name: str, **more: int) -> Kernel:
        """Return a kernel that reads these codes."""
        kernel = Kernel(source, name).defining("BITS", str(self.bits))
        if not self.by_channel:
            kernel = kernel.defining("CODEC", self.codec)
        if self.codec == "PLAIN":
            kernel = kernel.defining("FORM", self.form)
        for key, value in more.items():
            kernel = kernel.defining(key, str(value))
        return kernel

    @property
    def arguments(self) -> list[Any]:
        """The arguments of a kernel that reads rows token by token."""
        sizes = (self.n, self.width, self.row_bytes, self.group, self.block)
        return [self.codes, self.scale, self.zero, *map(np.uint32, sizes)]

    @property
    def channel_arguments(self) -> list[Any]:
        """The codes, scales and zeros of a kernel that reads them channel by channel."""
        return [self.codes, self.scale, self.zero]
