"""Words of the displays in other languages: ``labels=``."""

import pytest
from _models import for_display
from test_plotting import DISPLAYS

from skcoin.datasets import load_rat_tumours
from skcoin.plotting import MixtureDisplay, PosteriorDisplay

pytestmark = pytest.mark.usefixtures("no_window")
RATS = load_rat_tumours().data


def words_of(display):
    """What stands on the axes and in the legend."""
    ax = display.ax_
    return [ax.get_xlabel(), ax.get_ylabel(), *(t.get_text() for t in ax.get_legend().get_texts())]


@pytest.mark.parametrize("display", DISPLAYS)
def test_every_word_of_a_display_can_be_another(display):
    model_and_rows = for_display(display)
    drawn = display.from_estimator(*model_and_rows)
    english = words_of(drawn)
    others = {words: f"其他 {i}" for i, words in enumerate(english)}
    assert words_of(drawn.plot(labels=others)) == list(others.values())
    drawn.ax_.legend()  # made again, of what was drawn, in an order of its own
    assert sorted(words_of(drawn)[2:]) == sorted(others[words] for words in english[2:])
    assert words_of(drawn.plot()) == english
    assert words_of(display.from_estimator(*model_and_rows, labels=others))[:2] == [
        "其他 0",
        "其他 1",
    ]


def test_what_varies_is_put_where_the_other_language_has_it(rats):
    labels = {"coin {}: θ = {}, w = {}": "w {2}, θ {1}, Münze {0}", "rows": "Zeilen", "?": "!"}
    english = words_of(MixtureDisplay.from_estimator(rats, RATS))
    words = words_of(MixtureDisplay.from_estimator(rats, RATS, labels=labels))
    assert english[3] == f"coin 0: θ = {rats.theta_[0]:.3g}, w = {rats.weights_[0]:.3g}"
    assert words[3] == f"w {rats.weights_[0]:.3g}, θ {rats.theta_[0]:.3g}, Münze 0"
    assert words[:2] == [english[0], "Zeilen"]


def test_names_of_rows_are_no_words_and_were_called_labels(rats):
    names = [f"group {i}" for i in range(len(RATS))]
    display = PosteriorDisplay.from_estimator(
        rats, RATS, names=names, labels={"raw rate": "Anteil", "group 0": "?"}
    )
    assert "Anteil" in words_of(display)
    assert [tick.get_text() for tick in display.ax_.get_yticklabels()] == names
    assert PosteriorDisplay.from_estimator(rats, RATS, labels=names).names == names


@pytest.mark.parametrize(
    ("labels", "error", "words"),
    [
        (["Zeilen"], TypeError, r"labels is \['Zeilen'\], but must map words of the picture"),
        ({"rows": "{} Zeilen"}, ValueError, "'{} Zeilen' for 'rows', but there are 0 places"),
        ({"coin {}": "{name}"}, ValueError, "'{name}' for 'coin {}', but there are 1 places"),
    ],
)
def test_labels_that_cannot_be_are_refused(labels, error, words, rats):
    with pytest.raises(error, match=words):
        MixtureDisplay.from_estimator(rats, RATS, labels=labels)
