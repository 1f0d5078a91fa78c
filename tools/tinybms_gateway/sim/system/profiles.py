"""What sun and house do over the days: power for each second."""

import numpy as np

from tinybms_gateway.sim.system.cells import Floats

Points = tuple[tuple[float, float], ...]
"""Hour and value, between which straight lines run."""

DAY_S = 86400
SUN_FROM_H, SUN_HOURS = 8.0, 8.0
HOUSE_W: Points = (
    (0, 250), (6.5, 250), (7, 900), (8, 900), (8.5, 250), (17.5, 250), (18, 1400), (21.5, 1400), (22, 250), (24, 250),
)  # fmt: skip
"""Of a day: 11.6 kWh, 9.4 of them without sun."""
CLOUD_S = (20, 240)
"""Shortest and longest time that a cloud or a gap between clouds lasts."""
CLOUD_TRANSMITS = (0.15, 0.5)


def course(points: Points, hours: Floats) -> Floats:
    """Values on the lines between points."""
    x, y = zip(*points, strict=True)
    return np.asarray(np.interp(hours, x, y), dtype=float)


def sun_w(seconds: Floats, peak_w: float) -> Floats:
    """Half a sine of 8 hours around noon, no clouds: 5.1 hours of the peak."""
    hour = seconds / 3600 % 24
    return np.maximum(0.0, peak_w * np.sin(np.pi * (hour - SUN_FROM_H) / SUN_HOURS)) * (
        (hour >= SUN_FROM_H) & (hour <= SUN_FROM_H + SUN_HOURS)
    )


def clouds(count: int, random: np.random.Generator) -> Floats:
    """What clouds let through, for `count` seconds: they come and go abruptly, which is the worst case for a
    control."""
    share = np.ones(count)
    second = 0
    while second < count:
        second += int(random.integers(*CLOUD_S))
        end = second + int(random.integers(*CLOUD_S))
        share[second:end] = random.uniform(*CLOUD_TRANSMITS)
        second = end
    return share


def house_w(seconds: Floats, scale: float) -> Floats:
    """Power of the house: a base, a peak in the morning and a longer one in the evening."""
    return scale * course(HOUSE_W, seconds / 3600 % 24)
