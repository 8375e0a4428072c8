"""The summary: what the other functions say, on one screen, and their warnings as notes."""

import re
import warnings
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from _models import fit_to_the_end, held
from _references import load_set
from numpy.testing import assert_array_equal
from sklearn.utils import Bunch

from skcoin import BinomialMixture, ThreeCoinModel
from skcoin.inspection import (
    Summary,
    confidence_intervals,
    optimality_gap,
    standard_errors,
    summary,
)

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.filterwarnings("ignore:One coin would do"),
]
RATS, _ = load_set("rat_tumours")
SINGLE, _ = load_set("li_hang_three_coins")  # ten rows of one toss


def fit_quietly(model, X, **fit_params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, **fit_params)


def table_of(result):
    """The cells of the printed table of coins, head and rows, cut where the head ends."""
    lines = str(result).split("\n\n")[1].split("\n")
    ends = [match.end() for match in re.finditer(r"\d\S* interval|\S+", lines[0])]
    starts = [0, *ends[:-1]]
    return [[line[a:b].strip() for a, b in zip(starts, ends, strict=True)] for line in lines]


def facts_of(result):
    """The named facts, as printed."""
    block = str(result).split("\n\n")[2]
    return dict(re.split(r"  +", line, maxsplit=1) for line in block.split("\n"))


def decimals_of(number):
    return len(number.partition(".")[2])


def assert_shows(cell, value):
    """The cell holds the value as far as its digits go, and nothing where it is NaN."""
    if np.isnan(value):
        assert cell == ""
    else:
        assert abs(float(cell) - value) <= 0.5001 * 10.0 ** -decimals_of(cell)


def assert_shows_interval(cell, interval):
    ends = cell.split(" to ") if cell else ["", ""]
    for end, value in zip(ends, interval, strict=True):
        assert_shows(end, value)


MODELS = {
    "one coin": BinomialMixture(1),
    "two coins": BinomialMixture(2),
    "a coin at 0": BinomialMixture(3),
    "weights held": BinomialMixture(2, learn_weights=False),
    "a theta held": BinomialMixture(theta_init=[0.2, 0.05], learn_theta=[True, False]),
    "all held": held([0.2, 0.05], [0.6, 0.4], RATS),
    "priors": BinomialMixture(2, theta_prior=(2, 3), weights_prior=2),
    "three coins": ThreeCoinModel(),
}


@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("wald", 0.95),
        ("wald", 0.5),
        ("profile", 0.5),
        pytest.param("profile", 0.95, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_table_shows_what_the_functions_return(model, method, level):
    model.fit(RATS)
    result = summary(model, RATS, method=method, level=level)
    errors = standard_errors(model, RATS)
    intervals = confidence_intervals(model, RATS, method=method, level=level)
    head, *rows = table_of(result)
    share = f"{100 * level:g}% interval"
    assert head == ["coin", "theta", "error", share, "weight", "error", share]
    assert [row[0] for row in rows] == [str(k) for k in range(len(model.theta_))]
    estimates = {"theta": model.theta_, "weights": model.weights_}
    for k, row in enumerate(rows):
        for part, cells in (("theta", row[1:4]), ("weights", row[4:])):
            assert_shows(cells[0], estimates[part][k])
            assert_shows(cells[1], errors[part][k])
            assert_shows_interval(cells[2], intervals[part][k])
            assert decimals_of(cells[0]) >= 4
    for part, values in estimates.items():
        assert_array_equal(result.estimates[part], values)
        assert_array_equal(result.errors[part], errors[part])
        assert_array_equal(result.intervals[part], intervals[part])
    assert result.level == level
    assert result.notes == []


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_facts_are_those_of_the_methods(model):
    model.fit(RATS)
    facts = facts_of(summary(model, RATS))
    of_classes = ["relative entropy"] if len(model.theta_) > 1 else []
    assert list(facts) == [
        "log-likelihood",
        "parameters",
        "AIC, BIC, ICL",
        *of_classes,
        "dispersion ratio",
        "optimality gap",
        "converged",
    ]
    for name in of_classes:
        doubt = (model.icl(RATS) - model.bic(RATS)) / (2 * len(RATS) * np.log(len(model.theta_)))
        assert float(facts[name].split(",")[0]) == pytest.approx(1 - doubt, abs=6e-4)
    assert float(facts["log-likelihood"]) == pytest.approx(len(RATS) * model.score(RATS), abs=6e-5)
    criteria = [model.aic(RATS), model.bic(RATS), model.icl(RATS)]
    shown = [float(number) for number in facts["AIC, BIC, ICL"].split(", ")]
    assert shown == pytest.approx(criteria, abs=6e-3)
    loss = model.aic(RATS) + 2 * len(RATS) * model.score(RATS)
    assert int(facts["parameters"]) == round(loss / 2)
    gap = optimality_gap(model, RATS).gap
    assert float(facts["optimality gap"].split()[0]) == pytest.approx(gap, rel=6e-3)
    assert facts["optimality gap"].endswith(" log-likelihood at most, by any mixture")
    steps = "step" if model.n_iter_ == 1 else "steps"
    assert facts["converged"] == f"yes, after {model.n_iter_} {steps} of {model.solver}"


def test_a_climb_that_was_ended_is_said_in_capitals():
    model = fit_to_the_end(BinomialMixture(max_iter=1, solver="em"), RATS)
    assert facts_of(summary(model, RATS))["converged"] == "NO, after 1 step of em"


def test_the_title_counts_rows_with_tosses_and_says_how_many_have_none():
    model = BinomialMixture().fit(RATS)
    empty = [np.vstack([RATS, np.zeros((n, 2))]) for n in (1, 25)]
    titles = [
        str(summary(model, X, rows)).split("\n")[0]
        for X, rows in ((RATS, None), *((X, None) for X in empty), (RATS, np.full(71, 2.5)))
    ]
    assert titles == [
        "BinomialMixture: 2 coins, 71 rows (39 distinct), 1739 tosses",
        "BinomialMixture: 2 coins, 71 rows (39 distinct), 1739 tosses, 1 more row without a toss",
        "BinomialMixture: 2 coins, 71 rows (39 distinct), 1739 tosses, 25 more rows without a toss",
        "BinomialMixture: 2 coins, 177.5 rows (39 distinct), 4347.5 tosses",
    ]


def test_the_title_knows_singular_from_plural():
    title = summary(BinomialMixture(1).fit([[1, 0]]), [[1, 0]]).title
    assert title == "BinomialMixture: 1 coin, 1 row (1 distinct), 1 toss"


# --- Dispersion ---------------------------------------------------------------------------------


def dispersion(model, X, *columns, **known):
    return summary(model.fit(X, *columns, **known), X, *columns, **known).facts["dispersion ratio"]


def rows_of(n, theta):
    """Heads and tails of rows of ``n`` tosses with these thetas."""
    heads = np.random.default_rng(0).binomial(n, theta)
    return np.column_stack([heads, n - heads])


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_dispersion_ratio_is_that_of_the_test_of_fit_with_its_standard_error(model):
    told = dispersion(model, RATS)
    ratio, error = re.match(r"(\S+) ± ([^ ,]+)", told).groups()
    n, varies = RATS.sum(axis=1)[:, None], (model.theta_ > 0) & (model.theta_ < 1)
    theta, posterior = model.theta_[varies], model.predict_proba(RATS)[:, varies]
    square = (posterior * (RATS[:, :1] - n * theta) ** 2 / (n * theta * (1 - theta))).sum(axis=1)
    share = posterior.sum(axis=1)
    exact = square.sum() / share.sum()
    assert_shows(ratio, exact)
    assert_shows(error, np.sqrt(np.sum((square - exact * share) ** 2)) / share.sum())
    assert float(error) > 0
    assert told.endswith("around the coins, where 1 is expected") == (exact < 1.5)


@pytest.mark.parametrize("coins", [[0.3], [0.2, 0.7]])
def test_rows_that_vary_too_much_are_called_overdispersed_with_a_remedy(coins):
    rng = np.random.default_rng(1)
    coin = rng.choice(coins, size=300)
    told = dispersion(
        BinomialMixture(len(coins)), rows_of(50, rng.beta(19 * coin, 19 * (1 - coin)))
    )
    assert told.endswith(", not 1; overdispersed: try BetaBinomialMixture or more coins")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("coins", "n_rows", "n_tosses"),
    [([0.3], 12, 20), ([0.02], 100, 10), ([0.2, 0.7], 60, 20), ([0.4, 0.6], 100, 10)],
)
def test_rows_of_the_model_are_not(coins, n_rows, n_tosses):
    """Of 40 sets, at most one: a false alarm in 500 is the most that longer runs have seen."""
    rng = np.random.default_rng(0)
    told = []
    for _ in range(40):
        heads = rng.binomial(n_tosses, rng.choice(coins, size=n_rows))
        X = np.column_stack([heads, n_tosses - heads])
        model = fit_quietly(BinomialMixture(len(coins)), X)
        told.append(summary(model, X).facts["dispersion ratio"])
    assert sum("overdispersed" in words for words in told) <= 1


def test_few_rows_are_not_called_so_whatever_they_are():
    held_coin = BinomialMixture(1, theta_init=[0.5], learn_theta=False)
    assert "overdispersed" not in dispersion(held_coin, [[9, 1], [10, 0]])
    assert "overdispersed" not in dispersion(held_coin, [[9, 1]])
    assert "overdispersed" in dispersion(held_coin, [[9, 1]] * 10)


def test_single_tosses_are_no_more_spread_than_they_can_be():
    assert dispersion(BinomialMixture(1), np.repeat([[1, 0], [0, 1]], 20, axis=0)).startswith("1.0")


def test_coins_that_do_not_vary_have_no_dispersion_ratio():
    assert dispersion(BinomialMixture(2), [[3, 0], [0, 3], [3, 0]]) == "none, as no coin varies"


def test_a_coin_that_varies_by_less_than_floats_can_tell_does_not_vary():
    X = [[0, 5], [2, 3], [3, 2], [0, 5]] * 5
    told = [summary(held([0.5, theta], None, X), X).facts for theta in (0, 1e-310, 1e-150)]
    assert len({facts["dispersion ratio"] for facts in told}) == 1


def test_the_digits_of_the_dispersion_ratio_grow_as_its_error_shrinks():
    rows = np.full(len(RATS), 1e8)
    model = BinomialMixture(2).fit(RATS, sample_weight=rows)
    assert re.match(
        r"1\.034\d{4} ± 0\.0000098, ", summary(model, RATS, rows).facts["dispersion ratio"]
    )


# --- One screen ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_coins", [1, 2, 4])
@pytest.mark.parametrize("name", ["saxony_families12", "surg_nodes", "tacks"])
def test_it_fits_a_screen(name, n_coins):
    X, rows = load_set(name)
    model = BinomialMixture(n_coins).fit(X, sample_weight=rows)
    lines = str(summary(model, X, rows, level=0.999)).split("\n")
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 24


def test_columns_are_flush():
    lines = str(summary(BinomialMixture(3).fit(RATS), RATS)).split("\n\n")[1].split("\n")
    assert len(set(map(len, lines))) == 1
    first, second = (list(re.finditer(r"\S+", line))[1].end() for line in lines[:2])
    assert first == second


@pytest.mark.parametrize("factor", [1, 1e4, 1e8, 1e12])
def test_digits_grow_as_errors_shrink(factor):
    rows = np.full(len(RATS), factor)
    model = BinomialMixture().fit(RATS, sample_weight=rows)
    result = summary(model, RATS, rows)
    head, *cells = table_of(result)
    assert len(head) == 7
    for part, columns in (("theta", [1, 2]), ("weights", [4, 5])):
        smallest = result.errors[part].min()
        for row in cells:
            decimals = decimals_of(row[columns[0]])
            assert decimals_of(row[columns[1]]) == decimals
            # Two digits of the smallest error, and four decimals at least.
            assert decimals == max(4, int(np.ceil(1 - np.log10(smallest))))
            assert float(row[columns[1]]) >= 10 * 10.0**-decimals or factor == 1
    assert f"{71 * factor:.12g} rows" in result.title


# --- Notes --------------------------------------------------------------------------------------


def fit_with_a_note(words):
    if words == "singular":
        return fit_quietly(BinomialMixture(), SINGLE), SINGLE
    if words == "indefinite":
        tied = BinomialMixture(theta_init=[0.2, 0.2], solver="em", learn_weights=False)
        return fit_quietly(tied, RATS), RATS
    return fit_to_the_end(BinomialMixture(max_iter=1), RATS), RATS


@pytest.mark.parametrize("method", ["wald", "profile"])
@pytest.mark.parametrize("words", ["singular", "indefinite", "not at a maximum"])
def test_notes_hold_what_would_have_been_warned(words, method):
    model, X = fit_with_a_note(words)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        standard_errors(model, X)
    said = [str(warning.message) for warning in caught]
    assert said
    result = summary(model, X, method=method)  # where a warning is an error
    assert result.notes == said
    assert words in " ".join(said)
    text = str(result)
    notes = text.split("\n\n")[3]
    assert notes.startswith("! ")
    # Whatever the lines are broken at; no message holds an exclamation mark.
    assert "".join(notes.replace("!", "").split()) == "".join("".join(said).split())
    assert max(map(len, notes.split("\n"))) <= 88


def test_notes_are_broken_between_words():
    notes = str(summary(fit_to_the_end(BinomialMixture(max_iter=1), RATS), RATS)).split("\n\n")[3]
    assert not re.search(r"-\n", notes)


@pytest.mark.parametrize("action", ["ignore", "error", "once"])
def test_notes_do_not_depend_on_the_filters_of_the_user(action):
    model = fit_quietly(BinomialMixture(), SINGLE)
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        assert len(summary(model, SINGLE).notes) == 1
        assert len(summary(model, SINGLE).notes) == 1


def test_an_ordinary_fit_has_no_notes():
    text = str(summary(BinomialMixture().fit(RATS), RATS))
    assert text.count("\n\n") == 2
    assert "!" not in text


def test_what_has_no_error_shows_an_empty_cell_and_no_nan():
    for model in (BinomialMixture(3), BinomialMixture(1), held([0.2, 0.1], X=RATS)):
        result = summary(model.fit(RATS), RATS)
        assert np.isnan(result.errors.theta).any() or np.isnan(result.errors.weights).any()
        assert "nan" not in str(result).lower()
        assert "nan" not in result._repr_html_().lower()


# --- Notebooks ----------------------------------------------------------------------------------


class Balanced(HTMLParser):
    """Fails where a tag is closed that is not the last one opened; keeps the text."""

    def __init__(self):
        super().__init__()
        self.open, self.text, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def parse(html):
    parser = Balanced()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_html_holds_the_cells_of_the_text(model):
    result = summary(model.fit(RATS), RATS)
    html = result._repr_html_()
    parse(html)
    root = ElementTree.fromstring(html)  # of one element, well-formed
    coins, facts = root.findall("table")
    cells = [[cell.text or "" for cell in row] for row in coins.iter("tr")]
    assert cells == table_of(result)
    assert {row[0].text: row[1].text for row in facts.iter("tr")} == facts_of(result)
    assert root.find("p").find("strong").text == result.title
    assert root.find("ul") is None


def test_html_lists_the_notes():
    model = fit_quietly(BinomialMixture(), SINGLE)
    result = summary(model, SINGLE)
    root = ElementTree.fromstring(result._repr_html_())
    assert [item.text for item in root.find("ul")] == result.notes


def test_html_escapes_whatever_it_holds():
    nasty = '<script>alert("&")</script>'
    nothing = Bunch(theta=np.full(1, np.nan), weights=np.full(1, np.nan))
    pairs = Bunch(theta=np.full((1, 2), np.nan), weights=np.full((1, 2), np.nan))
    result = Summary(nasty, 0.95, nothing, nothing, pairs, {nasty: nasty}, [nasty])
    parser = parse(result._repr_html_())
    assert "script" not in parser.tags
    assert "".join(parser.text).count(nasty) == 4
    assert nasty in str(result)


# --- Manners ------------------------------------------------------------------------------------


def test_nothing_is_printed(capsys):
    summary(BinomialMixture().fit(RATS), RATS, method="profile")
    assert capsys.readouterr() == ("", "")


def test_repr_is_the_text():
    result = summary(BinomialMixture().fit(RATS), RATS)
    assert isinstance(result, Summary)
    assert repr(result) == str(result) == f"{result}"


def test_the_three_coin_model_is_named():
    X, _ = load_set("collins_three_coins")
    model = ThreeCoinModel(pi_init=0.3, p_init=0.3, q_init=0.6).fit(X)
    result = summary(model, X)
    assert result.title == "ThreeCoinModel: 2 coins, 5 rows (2 distinct), 15 tosses"
    assert [row[1] for row in table_of(result)[1:]] == [f"{p:.4f}" for p in (model.p_, model.q_)]


def test_known_coins_and_weights_reach_the_numbers():
    rng = np.random.default_rng(0)
    z = rng.integers(2, size=30)
    heads = rng.binomial(10, np.where(z == 0, 0.7, 0.3))
    X, rows = np.column_stack([heads, 10 - heads]), rng.integers(1, 4, size=30)
    coins = np.where(rng.uniform(size=30) < 0.5, z, -1)
    model = BinomialMixture().fit(X, sample_weight=rows, coins=coins)
    result = summary(model, X, rows, coins=coins)
    assert result.notes == []
    assert_array_equal(result.errors.theta, standard_errors(model, X, rows, coins=coins).theta)
    total = rows.sum() * model.score(X, sample_weight=rows)
    assert float(result.facts["log-likelihood"]) == pytest.approx(total, abs=6e-5)
    assert f"{rows.sum()} rows" in result.title


# --- Bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, 95, True])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(ValueError, match=f"level == {level}, must be [<>] [01]"):
        summary(BinomialMixture(1).fit(RATS), RATS, level=level)


@pytest.mark.parametrize("level", ["0.95", None])
def test_a_level_that_is_no_number_is_refused(level):
    with pytest.raises(TypeError, match=f"level must be an.* not {type(level).__name__}"):
        summary(BinomialMixture(1).fit(RATS), RATS, level=level)


def test_a_level_of_nan_is_refused():
    with pytest.raises(ValueError, match="level"):
        summary(BinomialMixture(1).fit(RATS), RATS, level=np.nan)


@pytest.mark.parametrize("method", ["walt", "bootstrap", None])
def test_an_unknown_method_is_refused(method):
    words = f'method is {method!r}, but must be "wald" or "profile"'
    with pytest.raises(ValueError, match=words):
        summary(BinomialMixture(1).fit(RATS), RATS, method=method)
