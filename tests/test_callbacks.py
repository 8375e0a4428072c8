"""Whoever follows a bootstrap or a test is told of every fit."""

import importlib.util

import joblib
import pandas as pd
import pytest
from _assertions import assert_same
from _references import load_set

from skcoin import BinomialMixture, fit_groups
from skcoin._progress.workers import repeat
from skcoin.inspection import bootstrap, confidence_intervals

pytestmark = pytest.mark.filterwarnings("error")
RATS, _ = load_set("rat_tumours")
HAS_CALLBACKS = importlib.util.find_spec("sklearn.callback") is not None  # scikit-learn 1.9


class Recorder:
    """A callback that follows scikit-learn's protocol and writes down what it is told."""

    def __init__(self):
        self.log = []

    def setup(self, estimator, context):
        self.log.append(("setup", context.task_id, context.max_subtasks))

    def teardown(self, estimator, context):
        self.log.append(("teardown", context.task_id, context.max_subtasks))

    def on_fit_task_begin(self, estimator, context):
        self.note("begin", context)

    def on_fit_task_end(self, estimator, context):
        self.note("end", context)

    def note(self, what, context):
        depth = "root" if context.parent is None else "leaf"
        self.log.append((f"{what} {depth}", context.task_id, context.max_subtasks))


def fail(rngs):  # noqa: ARG001
    raise RuntimeError("no coin to toss")


@pytest.mark.skipif(not HAS_CALLBACKS, reason="needs the callbacks of scikit-learn 1.9")
class TestCallbacks:
    @pytest.mark.parametrize(("n_boot", "n_jobs"), [(1, None), (4, None), (60, 2)])
    def test_are_told_of_every_fit(self, n_boot, n_jobs):
        model = BinomialMixture(2).fit(RATS)
        recorders = Recorder(), Recorder()
        options = {"n_boot": n_boot, "random_state": 0}
        fits = bootstrap(model, RATS, n_jobs=n_jobs, callbacks=recorders, **options)
        leaves = [(f"{what} leaf", i, 0) for i in range(n_boot) for what in ("begin", "end")]
        expected = [("setup", 0, n_boot), ("begin root", 0, n_boot), *leaves]
        expected += [("end root", 0, n_boot), ("teardown", 0, n_boot)]
        assert recorders[0].log == recorders[1].log == expected
        assert_same(bootstrap(model, RATS, **options), fits)

    def test_are_told_of_refits_for_intervals_and_of_batches_of_groups(self):
        recorder, rows = Recorder(), pd.DataFrame(RATS, columns=["heads", "tails"])
        model, groups = BinomialMixture(1).fit(RATS), rows.assign(rows=1, group=RATS[:, 0] % 2)
        confidence_intervals(model, RATS, method="bootstrap", n_boot=3, callbacks=[recorder])
        assert [what for what, _, _ in recorder.log].count("end leaf") == 3
        fits = fit_groups(model, groups, "group", callbacks=[recorder])
        assert recorder.log[-1] == ("teardown", 0, 1)
        pd.testing.assert_frame_equal(fits, fit_groups(model, groups, "group"))

    @pytest.mark.parametrize("n_jobs", [None, 2])
    def test_are_torn_down_where_a_task_raises(self, n_jobs):
        recorder = Recorder()
        with pytest.raises(RuntimeError, match="no coin"), joblib.parallel_config("threading"):
            repeat(fail, 5, random_state=0, n_jobs=n_jobs, verbose=0, callbacks=[recorder])
        expected = [("setup", 0, 5), ("begin root", 0, 5), ("teardown", 0, 5)]
        assert recorder.log == expected

    def test_can_be_used_again(self):
        model, recorder = BinomialMixture(1).fit(RATS), Recorder()
        for _ in range(2):
            bootstrap(model, RATS, n_boot=1, callbacks=[recorder])
        assert [what for what, _, _ in recorder.log].count("teardown") == 2

    def test_that_raise_are_heard(self):
        class Impatient(Recorder):
            def on_fit_task_end(self, estimator, context):
                raise TimeoutError("enough")

        recorder = Impatient()
        with pytest.raises(TimeoutError, match="enough"):
            bootstrap(BinomialMixture(1).fit(RATS), RATS, n_boot=3, callbacks=[recorder])
        assert recorder.log[-1][0] == "teardown"

    def test_that_are_none_are_refused_before_any_work(self):
        done = []
        with pytest.raises(TypeError, match="callbacks must be instances"):
            repeat(done.append, 3, random_state=0, n_jobs=None, verbose=0, callbacks=[Recorder])
        assert done == []

    @pytest.mark.parametrize("callbacks", [Recorder(), 3])
    def test_that_are_no_sequence_are_refused_by_name(self, callbacks):
        with pytest.raises(TypeError, match=r"^callbacks"):
            bootstrap(BinomialMixture(1).fit(RATS), RATS, n_boot=3, callbacks=callbacks)

    def test_scikit_learns_progress_bar_works(self, capfd):
        pytest.importorskip("rich", reason="ProgressBar needs rich")
        from sklearn.callback import ProgressBar

        bootstrap(BinomialMixture(1).fit(RATS), RATS, n_boot=3, callbacks=[ProgressBar()])
        assert "100%" in capfd.readouterr().out


@pytest.mark.skipif(HAS_CALLBACKS, reason="scikit-learn has callbacks")
def test_callbacks_that_scikit_learn_is_too_old_for_are_refused_with_a_remedy():
    with pytest.raises(ImportError, match=r"callbacks need scikit-learn 1\.9.*verbose=1"):
        bootstrap(BinomialMixture(1).fit(RATS), RATS, n_boot=3, callbacks=[Recorder()])
