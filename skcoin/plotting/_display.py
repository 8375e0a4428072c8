"""What the displays share: axes to draw on, and how coins are told apart."""

from itertools import cycle, islice

# Okabe and Ito's palette, the lightest colours last. Line and marker tell as much in print.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "D", "^", "v", "P")
LINES = ("--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 3)))
GREY = "#BBBBBB"


class Display:
    """Base of the displays; ``plot`` leaves its axes and figure as ``ax_`` and ``figure_``."""

    def _open(self, ax):
        """The axes to draw on, new ones if there are none."""
        if ax is None:
            try:
                import matplotlib.pyplot as plt
            except ImportError as error:
                raise ImportError(
                    f"{type(self).__name__} draws with matplotlib, which is not installed. "
                    "Install it, or skcoin with its extra: skcoin[plot]."
                ) from error
            _, ax = plt.subplots(layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        return ax


def looks(n_lines):
    """Colour, line and marker of each of so many lines, as keywords of ``Axes.plot``."""
    looks = zip(cycle(COLORS), cycle(LINES), cycle(MARKERS), strict=False)
    return [
        {"color": color, "linestyle": line, "marker": marker}
        for color, line, marker in islice(looks, n_lines)
    ]
