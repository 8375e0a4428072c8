"""The optimiser: maximum likelihood of a finite mixture by EM and Newton.

It knows no family: what the density of a component is, it asks the family object of its
``Problem`` (the contract stands in ``skcoin._families``). Files, from the bottom up:

- ``parameters``: weights and component parameters, with any leading axes of starts;
- ``specification``: which of them start where, and which are held, free or shared;
- ``problem``: the data and the fixed part of the objective;
- ``e_step``: the two steps of EM, and the missing information;
- ``quadratic``: the objective to second order;
- ``steps``: a step of EM and a step of Newton, from one ``State`` to the next;
- ``loop``: a step repeated, from many starts of many problems at once;
- ``escape``: where to go on from a place that only looks like a maximum;
- ``maximize``: from start values to a maximum, through all of these.
"""
