"""What the displays share: axes to draw on, and how lines are told apart."""

from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MaybeAxes: TypeAlias = "Axes | None"

# Okabe and Ito's palette, the lightest colours last. Line and marker tell as much in print.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
LINES = ("--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
GREY = "#D0D0D0"
HEIGHT = 4.8  # of a figure, in inches


class Display:
    """Base of the displays: ``plot``, which leaves its axes and figure as attributes."""

    ax_: "Axes"
    figure_: "Figure"

    def plot(self, ax: MaybeAxes = None) -> Self:
        """Draw the arrays.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            To draw on; by default those of a new figure.

        Returns
        -------
        display : object
            Itself. The axes are ``ax_``, their figure is ``figure_``, and what was drawn is in the
            other attributes that end in an underscore.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import GradientDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = GradientDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> again = display.plot()
        >>> again is display
        True
        """
        if ax is None:
            _, ax = pyplot(type(self)).subplots(
                figsize=(self._width(), self._height()), layout="constrained"
            )
        self.ax_, self.figure_ = ax, ax.figure
        self._draw(ax)
        return self

    def _width(self):
        return 4 / 3 * HEIGHT

    def _height(self):
        """Inches that a figure needs."""
        return HEIGHT


def pyplot(display):
    """``matplotlib.pyplot``, or its absence with the remedy: asked for before long computations."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{display.__name__} draws with matplotlib, which is not installed. Install it, or "
            "skcoin with its extra: skcoin[plot]."
        ) from error
    return plt


def check_labels(labels, names):
    """The given labels of coins as a list of str, or their names if there are none."""
    if labels is None:
        return names
    labels = [str(label) for label in labels]
    if len(labels) != len(names):
        raise ValueError(f"labels has {len(labels)} names for the {len(names)} coins.")
    return labels


def class_names(weights):
    """For a legend: each class with its share."""
    return [f"class {k} ({100 * w:.3g}%)" for k, w in enumerate(weights)]


def legend_of_classes(ax, lines):
    """Above the axes: inside, it would hide some class."""
    n_columns = 2 if len(lines) <= 4 else 3
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1)}
    ax.legend(handles=lines, ncols=n_columns, frameon=False, **place)


def style(k):
    """Colour, line and marker of line ``k``, as keywords of ``Axes.plot``; the first 210 differ."""
    return {
        "color": COLORS[k % len(COLORS)],
        "linestyle": LINES[k % len(LINES)],
        "marker": MARKERS[k % len(MARKERS)],
        "markersize": 4,
    }
