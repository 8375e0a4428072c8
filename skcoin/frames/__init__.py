"""Counting tosses where they lie: in data frames, databases and clusters.

A fit needs the table of distinct (heads, tails) pairs alone, a few thousand rows even of a billion.
The engine that holds the data makes it by one GROUP BY, and only that table moves. It takes
narwhals (``python -m pip install "skcoin[frames]"``) to speak to the engines; nothing of it is
imported before it is used.
"""

from skcoin.frames._count import count_tosses
from skcoin.frames._groups import fit_groups
from skcoin.frames._join import join_posterior

__all__ = ["count_tosses", "fit_groups", "join_posterior"]


def __dir__() -> list[str]:
    return __all__
