"""Share work out: seeds, workers, and scikit-learn's callbacks where they are asked for."""

from collections.abc import Sequence
from itertools import chain
from numbers import Integral

import numpy as np
from joblib import Parallel, delayed  # scikit-learn's sets filters of warnings for all threads
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, check_scalar

SIDE_BY_SIDE = 25  # always, so that no digit depends on the number of workers


def repeat(task, n_times, *, random_state, n_jobs, verbose, callbacks):
    """What a task finds with ``n_times`` generators, which do not depend on the workers.

    Parameters
    ----------
    task : callable
        Takes a list of numpy Generators and returns a list with a result for each.
    n_times : int
        At least one: the user's ``n_boot``.
    random_state : int, RandomState instance or None
    n_jobs : int or None
    verbose : int
        Of joblib.
    callbacks : sequence
        Of scikit-learn's protocol.

    Returns
    -------
    results : list
    """
    check_scalar(n_times, "n_boot", Integral, min_val=1)
    seeds = check_random_state(random_state).randint(2**31 - 1, size=(n_times, 4))
    calls = (
        delayed(_run)(task, seeds[i : i + SIDE_BY_SIDE]) for i in range(0, n_times, SIDE_BY_SIDE)
    )
    options = {"n_jobs": n_jobs, "verbose": verbose, "callbacks": callbacks}
    return share_out(calls, n_times, name="bootstrap", **options)


def _run(task, seeds):
    return task([np.random.default_rng(seed) for seed in seeds])


def share_out(calls, n_results, *, name, n_jobs, verbose, callbacks):
    """The results of joblib's calls, each of which returns a list of them, in one list.

    Callbacks are told of the work by its name, and of each result.
    """
    if not isinstance(callbacks, Sequence):
        raise TypeError(f"callbacks is {callbacks!r}, but must be a list, such as [ProgressBar()].")
    if not callbacks:
        return [*chain(*Parallel(n_jobs=n_jobs, verbose=verbose)(calls))]
    reporter = _reporter().set_callbacks(*callbacks)
    results = Parallel(n_jobs=n_jobs, verbose=verbose, return_as="generator")(calls)
    return reporter.collect(chain.from_iterable(results), n_results, name)


def _reporter():
    """What scikit-learn's callbacks take for the estimator whose progress they show."""
    try:
        from sklearn.callback import CallbackSupportMixin, with_callbacks
    except ImportError as error:
        raise ImportError(
            "callbacks need scikit-learn 1.9 or newer, which brought them. Use verbose=1 instead."
        ) from error

    class Skcoin(CallbackSupportMixin, BaseEstimator):
        @with_callbacks
        def collect(self, results, n_results, name):
            root = self._init_callback_context(task_name=name, max_subtasks=n_results)
            root.call_on_fit_task_begin(estimator=self)
            collected = []
            for result in results:
                fit = root.subcontext(task_name="fit").call_on_fit_task_begin(estimator=self)
                collected.append(result)
                fit.call_on_fit_task_end(estimator=self)
            root.call_on_fit_task_end(estimator=self)
            return collected

    return Skcoin()
