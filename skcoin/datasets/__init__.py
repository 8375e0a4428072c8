"""Real tosses: the textbooks' sets and the classics of binomial mixtures."""

from skcoin.datasets._load import (
    load_collins,
    load_do_batzoglou,
    load_efron_morris,
    load_geissler,
    load_li_hang,
    load_rat_tumours,
    load_saxony,
    load_tacks,
)

__all__ = [
    "load_collins",
    "load_do_batzoglou",
    "load_efron_morris",
    "load_geissler",
    "load_li_hang",
    "load_rat_tumours",
    "load_saxony",
    "load_tacks",
]


def __dir__() -> list[str]:
    return __all__
