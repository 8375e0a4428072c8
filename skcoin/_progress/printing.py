"""What ``verbose`` prints, in the manner of scikit-learn's mixtures.

At 1 there is a line where something begins or ends and for every tenth step, at 2 they say how long
it took and what is left to gain, at 3 there is a line for every step.
"""

from numbers import Integral
from time import perf_counter

import numpy as np
from sklearn.utils import check_scalar

from skcoin._em.steps import newton_step, remaining_gain

EVERY = 10  # steps


class Teller:
    """Prints lines; at 2, with the seconds since the last."""

    def __init__(self, verbose):
        check_scalar(verbose, "verbose", Integral, min_val=0)
        self._verbose, self._last = verbose, perf_counter()

    def __call__(self, text):
        """Print a line, if there is something to be said at all."""
        if not self._verbose:
            return
        now = perf_counter()
        lapse = f"  time lapse {now - self._last:.5f}s" if self._verbose > 1 else ""
        print(text + lapse, flush=True)
        self._last = now


class StepTeller:
    """Prints steps of a search one after the other, and how much each gains and leaves to gain."""

    def __init__(self, verbose):
        self._verbose, self._n_begun = verbose, 0

    def begin(self, what, height):
        print(f"Initialization {self._n_begun} ({what})", flush=True)
        self._n_begun += 1
        self._height, self._began = height, perf_counter()
        self._last = self._began

    def step(self, n, height, left):
        """The ``n``-th has led to this height; ``left()`` is what there is to gain."""
        gain, self._height = height - self._height, height
        if n % EVERY and self._verbose < 3:
            return
        line, now = f"  Iteration {n}", perf_counter()
        if self._verbose > 1:
            line += f"  time lapse {now - self._last:.5f}s  change {gain:.5g}  left {left():.3g}"
        print(line, flush=True)
        self._last = now

    def end(self, how):
        line = f"Initialization {how}."
        if self._verbose > 1:
            lapse = perf_counter() - self._began
            line += f"  time lapse {lapse:.5f}s  objective {self._height:.12g}"
        print(line, flush=True)


class ClimbTeller(StepTeller):
    """The same of what ``skcoin._em.loop`` reports of starts that climb side by side.

    The height is the objective of the highest: log-likelihood and log prior, without what is free
    of the parameters.
    """

    def __call__(self, step, problem, state, n, done, is_last):
        objective = state.e_step.objective / problem.scale
        height = float(np.fmax.reduce(objective))  # whose infinities subtract without a word
        if n == 0:
            self._n_done, self._n_starts = 0, len(objective)
            counted = {
                "starts": len(objective),
                "components": state.parameters.weights.shape[-1],
                "distinct rows": problem.multiplicity.shape[-1],
                "solver": "em-newton" if step is newton_step else "em",
            }
            what = ", ".join(f"{name}: {value}" for name, value in counted.items())
            return self.begin(what, height)
        best = int(np.where(np.isnan(objective), -np.inf, objective).argmax())

        def left():
            highest = [best]
            if not np.isfinite(height):
                return np.inf
            return remaining_gain(problem.at(highest), state[highest])[0] / problem.scale

        self.step(n, float(np.fmax(height, self._height)), left)
        self._n_done += int(done.sum())
        if done.all() or is_last:
            of = "" if self._n_starts == 1 else f", {self._n_done} of {self._n_starts}"
            how = "converged" if self._n_done else "stopped"
            return self.end(f"{how} after {n} iterations{of}")


class RoundTeller(StepTeller):
    """The same of what ``skcoin._families.nonparametric`` reports of its search."""

    def __call__(self, n, n_atoms, height, gap, at_end):
        if at_end:
            self._height = height
            self.end(f"ended after {n} iterations with {n_atoms} atoms and a gap of {gap:.3g}")
        elif n:
            self.step(n, height, lambda: gap)
        else:
            self.begin(f"atoms: {n_atoms}", height)


def teller(kind, verbose, counts):
    """What prints the steps of a fit to these counts; None where nothing is to be printed."""
    if not verbose:
        return None
    print(f"Counted (rows: {counts.n_rows:.12g}, distinct: {len(counts.multiplicity)})", flush=True)
    return kind(verbose)
