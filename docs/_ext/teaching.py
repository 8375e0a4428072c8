"""The order of the gallery: what a reader should see first."""

from pathlib import Path

EXAMPLES = (
    "two_coins",
    "three_coins",
    "does_the_start_matter",
    "em_against_newton",
    "saxony",
    "batting_averages",
    "rat_tumours",
    "does_it_fit",
    "overdispersed_counts",
    "mutations",
    "sequencing_reads",
    "clones",
    "latent_classes",
    "digits",
    "semi_supervised",
    "served_pipeline",
    "larger_than_memory",
    "billion_rows",
)


def order(path):
    """Place of an example; one that is not in the list is an error."""
    return EXAMPLES.index(Path(path).stem.removeprefix("plot_"))
