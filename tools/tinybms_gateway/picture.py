"""What the pictures of this package have in common."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no display
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, RED, GREEN, YELLOW, PURPLE = "#30638e", "#d1495b", "#66a182", "#f2c14e", "#8d5a97"
GREY = "#7a7a7a"


def tidy(ax: Axes) -> None:
    """A light grid, and no empty time at either end."""
    ax.grid(alpha=0.3)
    ax.set_axisbelow(True)
    ax.margins(x=0)


def save(figure: Figure, path: Path, *, dpi: int = 110, kind: str | None = None) -> None:
    """Write a figure and forget it.

    Args:
        figure: the figure
        path: picture to write
        dpi: pixels an inch
        kind: format; default: what the name of the picture says

    Raises:
        ValueError: no picture can be written in this format.
    """
    try:
        figure.savefig(path, dpi=dpi, format=kind)
    finally:
        plt.close(figure)
