"""Heavy pollution episodes: when stagnant air fills the valley for some days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

from domain.period import DAY_S, HOUR_S, ZONE, midnight
from firmware_sim.noise import Floats, Times, uniform

RISE_S: Final = 30 * HOUR_S
STAY_S: Final = 60 * HOUR_S
FALL_S: Final = 10 * HOUR_S
#: An episode asked for in a live run is seen within the hour.
SUDDEN_RISE_S: Final = HOUR_S


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode: Unix second it starts and how long the air needs to fill up."""

    start_s: int
    rise_s: int = RISE_S

    @property
    def end_s(self) -> int:
        """Unix second at which the air is clean again."""
        return self.start_s + self.rise_s + STAY_S + FALL_S

    def strength(self, times_s: Times) -> Floats:
        """Strength 0-1 at each Unix time: a smooth rise, some days at 1, a quick fall when a front passes."""
        since = (times_s - self.start_s).astype(np.float64)
        rise = np.clip(since / self.rise_s, 0.0, 1.0)
        fall = np.clip((self.end_s - times_s) / FALL_S, 0.0, 1.0)
        smooth = np.minimum(rise, fall)
        return smooth * smooth * (3.0 - 2.0 * smooth)


def winter_episode(seed: int, year: int) -> Episode:
    """The episode of January `year`; it begins between the 6th and the 20th at noon."""
    days = int(uniform(seed, "episode", np.array([year], dtype=np.int64))[0] * 15)
    return Episode(int(midnight(dt.date(year, 1, 6)).timestamp()) + days * DAY_S + 12 * HOUR_S)


def episode_strength(times_s: Times, seed: int, extra: tuple[Episode, ...] = ()) -> Floats:
    """Strength 0-1 of every winter's episode and of the `extra` ones.

    Parameters
    ----------
    times_s : ndarray of int64
        Unix times in seconds, one dimension.
    seed : int
        Seed of the whole simulation.
    extra : tuple of Episode
        Episodes asked for.

    Returns
    -------
    ndarray of float64
        Same shape as `times_s`.
    """
    strength = np.zeros(times_s.shape)
    if times_s.size == 0:
        return strength
    years = range(
        *(dt.datetime.fromtimestamp(int(at), ZONE).year + more for at, more in ((times_s.min(), 0), (times_s.max(), 1)))
    )
    for episode in (*(winter_episode(seed, year) for year in years), *extra):
        strength = np.maximum(strength, episode.strength(times_s))
    return strength
