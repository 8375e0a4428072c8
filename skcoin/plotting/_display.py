"""What the displays share: axes to draw on, how lines are told apart, and words in any language."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MaybeAxes: TypeAlias = "Axes | None"
Labels: TypeAlias = Mapping[str, str] | None

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

    def plot(self, ax: MaybeAxes = None, *, labels: Labels = None) -> Self:
        """Draw the arrays.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            To draw on; by default those of a new figure.
        labels : mapping of str to str, default=None
            From the words of the picture, on its axes or in its legend, to those that are to stand
            there, in any language for which matplotlib has a font. ``{}`` is whatever stands at
            that place, such as a number: ``{"heads of {} tosses": "Kopf, von {} Würfen"}``. What
            is not in the picture is passed over, so that one mapping can be for many.

        Returns
        -------
        display : object
            Itself. The axes are ``ax_``, their figure is ``figure_``, and what was drawn is in the
            other attributes that end in an underscore.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TypeError
            If ``labels`` is no mapping.
        ValueError
            If there are more ``{}`` in what is to stand there than in the words of the picture.

        Examples
        --------
        >>> from skcoin import BinomialMixture
        >>> from skcoin.plotting import GradientDisplay
        >>> X = [[5, 5], [9, 1], [8, 2], [4, 6], [7, 3]]
        >>> display = GradientDisplay.from_estimator(BinomialMixture().fit(X), X)
        >>> again = display.plot(labels={"θ of a further coin": "θ einer weiteren Münze"})
        >>> again is display
        True
        >>> display.ax_.get_xlabel()
        'θ einer weiteren Münze'
        """
        dictionary = read_labels(labels)
        if ax is None:
            _, ax = pyplot(type(self)).subplots(
                figsize=(self._width(), self._height()), layout="constrained"
            )
        self.ax_, self.figure_ = ax, ax.figure
        self._draw(ax)
        if dictionary:
            relabel(ax, dictionary)
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


def part_names_from_labels(names, labels):
    """Names and labels, which were one in version 0.1: a sequence holds names, a mapping words."""
    if names is None and not isinstance(labels, Mapping | None):
        return labels, None
    return names, labels


def check_names(names, n, things):
    """The names that are given to so many things, as a list of str."""
    names = [str(name) for name in names]
    if len(names) != n:
        raise ValueError(f"names has {len(names)} names for the {n} {things}.")
    return names


def class_names(weights):
    """For a legend: each class with its share."""
    return [f"class {k} ({100 * w:.3g}%)" for k, w in enumerate(weights)]


def legend_of_classes(ax, lines):
    """Above the axes: inside, it would hide some class."""
    n_columns = 2 if len(lines) <= 4 else 3
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1)}
    ax.legend(handles=lines, ncols=n_columns, frameon=False, **place)


def read_labels(labels):
    """Pairs of a pattern of words and what is to stand there, with ``{}`` at what varies."""
    if not isinstance(labels, Mapping | None):
        raise TypeError(
            f"labels is {labels!r}, but must map words of the picture to others, such as "
            '{"rows": "Zeilen"}.'
        )
    dictionary = []
    for words, others in (labels or {}).items():
        parts = words.split("{}")
        try:
            others.format(*parts[1:])
        except (IndexError, KeyError, ValueError) as error:
            raise ValueError(
                f"labels has {others!r} for {words!r}, but there are {len(parts) - 1} places "
                "{} to be filled."
            ) from error
        dictionary.append((re.compile("(.+?)".join(map(re.escape, parts))), others))
    return dictionary


def relabel(ax, dictionary):
    """Put other words on axes, legend and artists, from which a legend is made again."""

    def translate(words):
        for pattern, others in dictionary:
            if found := pattern.fullmatch(words):
                return others.format(*found.groups())
        return words

    for part in (ax, *ax.child_axes):
        legend = part.get_legend()
        artists, _ = part.get_legend_handles_labels()
        for artist in artists:
            artist.set_label(translate(artist.get_label()))
        for text in (part.xaxis.label, part.yaxis.label, *(legend.get_texts() if legend else ())):
            text.set_text(translate(text.get_text()))


def style(k):
    """Colour, line and marker of line ``k``, as keywords of ``Axes.plot``; the first 210 differ."""
    return {
        "color": COLORS[k % len(COLORS)],
        "linestyle": LINES[k % len(LINES)],
        "marker": MARKERS[k % len(MARKERS)],
        "markersize": 4,
    }
