"""Plain spreading over the links, written here in numpy: direct links, two steps, personalised PageRank."""

import numpy as np

from benches.association.norms import Norms, Scores

RESTART = 0.5
_STEPS = 30
"""What is left after so many is a thousand-millionth of the whole."""


class Links:
    """The links of the norms, each passing on its strength.

    Parameters
    ----------
    norms
        The network.
    """

    def __init__(self, norms: Norms) -> None:
        self._size = len(norms.words)
        self._src, self._dst, self._strength = norms.src, norms.dst, norms.strength
        total = np.bincount(norms.src, weights=norms.strength, minlength=self._size)
        self._share = norms.strength / total[norms.src]

    def direct(self, cue: int) -> Scores:
        """Return the strength of the link from a cue to each word."""
        return self._pass_on(self._only(cue), self._strength)

    def two_steps(self, cue: int) -> Scores:
        """Return the strengths of the direct links and of all ways over one word between, multiplied."""
        once = self.direct(cue)
        return once + self._pass_on(once, self._strength)

    def page_rank(self, cue: int) -> Scores:
        """Return personalised PageRank; what a word without links holds is lost."""
        now = RESTART * self._only(cue)
        total = now.copy()
        for _ in range(_STEPS):
            now = (1 - RESTART) * self._pass_on(now, self._share)
            total += now
        return total

    def _only(self, cue: int) -> Scores:
        start = np.zeros(self._size)
        start[cue] = 1
        return start

    def _pass_on(self, held: Scores, factor: Scores) -> Scores:
        passed = np.bincount(self._dst, weights=held[self._src] * factor, minlength=self._size)
        return passed.astype(np.float64)
