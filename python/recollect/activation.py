"""Activation that uses leave behind: base levels, forgetting curves, rehearsal.

>>> from recollect.activation import BaseLevel, Ebbinghaus, History
>>> history = History(at="2026-03-01")
>>> history.touch("2026-03-05")
>>> history.count, history.strength
(2, 2.0)
>>> round(Ebbinghaus().of(history, "2026-03-06"), 4)
0.6065
>>> BaseLevel().of(history, "2026-03-06") > BaseLevel().of(history, "2026-04-06")
True
>>> round(BaseLevel().of_ages([1, 4]), 6)
0.405465

================  =========================================================  ============================
model             what is left                                               source
================  =========================================================  ============================
``BaseLevel``     ``ln(sum of age**-decay)`` over uses, ages in seconds      ACT-R; Petrov (2006)
``Ebbinghaus``    ``exp(-t / strength)``, a use adds 1 to the strength       Ebbinghaus (1885)
``Exponential``   ``scale * exp(-rate * turns)``, and a bonus after a use    HEMA (2025)
``PowerLaw``      ``age**-exponent``                                         Wixted and Ebbesen (1991)
``ScoreDecay``    ``score * factor**turns``                                  SirLLM (2024)
================  =========================================================  ============================
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from recollect._native import History as _Native
from recollect._native import (
    activation_lowest,
    activation_of_ages,
    activation_rehearse,
    activation_sampled_below,
)
from recollect.checks import count_of, number_of, seed_of
from recollect.errors import InvalidArgument, WrongType
from recollect.times import Duration, Time, duration_micros, to_micros

__all__ = [
    "BaseLevel",
    "Ebbinghaus",
    "Exponential",
    "History",
    "PowerLaw",
    "ScoreDecay",
    "association",
    "latency",
    "lowest",
    "rehearse",
    "retrieval_probability",
    "sampled_below",
]

_DAY = timedelta(days=1)


class History:
    """The uses of a record in bounded space: their number, the first and the last eight times, a strength.

    Parameters
    ----------
    at
        When the record came to be, which counts as its first use.
    turn
        The turn of a conversation at that time.
    """

    __slots__ = ("_native",)

    def __init__(self, at: Time, turn: int = 0) -> None:
        self._native = _Native(to_micros(at, "at"), _turn(turn))

    def touch(self, at: Time, turn: int = 0) -> None:
        """Note a use; times may come in any order."""
        self._native.touch(to_micros(at, "at"), _turn(turn))

    @property
    def count(self) -> int:
        """Number of uses."""
        return self._native.summary()[0]

    @property
    def recent(self) -> list[int]:
        """Times of the last uses, at most eight, in microseconds, latest first."""
        return self._native.summary()[2]

    @property
    def strength(self) -> float:
        """1, and 1 more for each use after the first."""
        return self._native.summary()[3]


@dataclass(frozen=True, slots=True)
class BaseLevel:
    """Base-level activation of ACT-R.

    Parameters
    ----------
    decay
        Exponent of the ages, above 0 and below 1.
    recent
        Uses that count exactly, 1 to 8; those before are spread evenly over their time.
    optimised
        Only the number of uses and the age of the first count: ``ln(n / (1 - decay)) - decay * ln(age)``.
    """

    decay: float = 0.5
    recent: int = 8
    optimised: bool = False

    def of(self, history: History, now: Time) -> float:
        """Return the activation at a time; ages below a second count as one."""
        at, recent = to_micros(now, "now"), count_of(self.recent, "recent", 1)
        return _history(history).base_level(at, number_of(self.decay, "decay"), recent, self.optimised)

    def of_ages(self, ages: Sequence[float]) -> float:
        """Return the activation of uses of which all ages are known, in seconds."""
        return activation_of_ages(_numbers(ages, "ages"), number_of(self.decay, "decay"))


@dataclass(frozen=True, slots=True)
class Ebbinghaus:
    """Forgetting curve: retention falls to 1/e after `unit` times the strength without use."""

    unit: Duration = _DAY

    def of(self, history: History, now: Time) -> float:
        """Return the retention at a time, 0 to 1."""
        return _history(history).ebbinghaus(to_micros(now, "now"), float(duration_micros(self.unit, "unit")))


@dataclass(frozen=True, slots=True)
class Exponential:
    """``scale * exp(-rate * age)`` in turns, and `bonus` while a use is at most `window` turns ago."""

    scale: float = 1.0
    rate: float = 0.002
    bonus: float = 0.5
    window: int = 100

    def of(self, history: History, turn: int) -> float:
        """Return the weight in a turn."""
        return _history(history).exponential(
            _turn(turn),
            number_of(self.scale, "scale"),
            number_of(self.rate, "rate"),
            number_of(self.bonus, "bonus"),
            count_of(self.window, "window"),
        )


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """``age ** -exponent``, the age since the last use in `unit`, at least one of it."""

    exponent: float = 1.0
    unit: Duration = _DAY

    def of(self, history: History, now: Time) -> float:
        """Return the weight at a time."""
        unit = float(duration_micros(self.unit, "unit"))
        return _history(history).power_law(to_micros(now, "now"), number_of(self.exponent, "exponent"), unit)


@dataclass(frozen=True, slots=True)
class ScoreDecay:
    """A score that is multiplied by `factor`, above 0 and at most 1, each turn."""

    factor: float = 0.9

    def of(self, score: float, turns: int) -> float:
        """Return what is left of a score after some turns."""
        factor = number_of(self.factor, "factor")
        if not 0 < factor <= 1:
            raise InvalidArgument(f"factor: expected above 0 and at most 1, found {factor}")
        return number_of(score, "score") * factor ** count_of(turns, "turns")


def retrieval_probability(activation: float, threshold: float = 0.0, noise: float = 0.25) -> float:
    """Return the probability that something of an activation is recalled."""
    scale = number_of(noise, "noise")
    if scale <= 0:
        raise InvalidArgument(f"noise: expected a number above 0, found {scale}")
    x = (number_of(threshold, "threshold") - number_of(activation, "activation")) / scale
    return 1 / (1 + math.exp(x)) if x < 700 else 0.0


def latency(activation: float, factor: float = 1.0) -> float:
    """Return the time that recalling something of an activation takes, in the unit of `factor`."""
    return number_of(factor, "factor") * math.exp(min(-number_of(activation, "activation"), 700.0))


def association(fan: float, strength: float = 2.0) -> float:
    """Return the strength of association of a source with so many associates: ``strength - ln(fan)``."""
    edges = number_of(fan, "fan")
    if edges <= 0:
        raise InvalidArgument(f"fan: expected a number above 0, found {edges}")
    return number_of(strength, "strength") - math.log(edges)


def rehearse(ages: npt.ArrayLike, m: int, exponent: float = 1.0, *, seed: int = 0) -> list[int]:
    """Return the positions of `m` records to rehearse, each with a chance by ``age ** -exponent``.

    They are drawn without replacement; ages that are not above 0 are never drawn.
    """
    power = number_of(exponent, "exponent")
    return activation_rehearse(_numbers(ages, "ages"), count_of(m, "m"), power, seed_of(seed))


def lowest(activations: npt.ArrayLike, share: float) -> list[int]:
    """Return the positions of the lowest share of activations, rounded down, the lowest first."""
    part = number_of(share, "share")
    if not 0 <= part <= 1:
        raise InvalidArgument(f"share: expected 0 to 1, found {part}")
    return activation_lowest(_numbers(activations, "activations"), part)


def sampled_below(retentions: npt.ArrayLike, *, seed: int = 0) -> list[int]:
    """Return the positions of records to let go, each with a chance of one minus its retention."""
    return activation_sampled_below(_numbers(retentions, "retentions"), seed_of(seed))


def _history(value: object) -> _Native:
    if not isinstance(value, History):
        raise WrongType(f"history: expected History, found {type(value).__name__}")
    return value._native


def _turn(value: object) -> int:
    turn = count_of(value, "turn")
    if turn >= 1 << 63:
        raise InvalidArgument(f"turn: {turn} is too large")
    return turn


def _numbers(value: object, argument: str) -> list[float]:
    try:
        found = np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise WrongType(f"{argument}: expected numbers") from error
    if found.ndim != 1:
        raise InvalidArgument(f"{argument}: expected the shape (n,), found {found.shape}")
    numbers: list[float] = found.tolist()
    return numbers
