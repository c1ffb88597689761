"""What the report says with each figure: a title, a caption, and an alternative text for who cannot see it."""

from scripts.lib.report.labels import (
    BEYOND_ACCURACY,
    IMPROVEMENTS,
    WHAT_P_TESTS,
    consensus_title,
    improvement_title,
    in_words,
    quantity,
)

WORDS = {
    "member_accuracies": (
        "Accuracy of every member",
        "Top-1 accuracy with its 95 % Wilson interval. Members are sorted by the first dataset; dashed lines are the "
        "means over the members.",
        "Dot plot of each member's accuracy on each dataset. The numbers are in the table of accuracies.",
    ),
    "best_ensembles": (
        "The best ensemble of every size",
        "Accuracy of the best ensemble that was found for each number of members; grey: the mean of all evaluated "
        "ensembles of that size, and (thin) the best single member. The best are picked on the images that score "
        "them, so they are optimistic estimates.",
        "Line charts of accuracy against the number of members, one for each dataset. The numbers are in "
        "best_ensembles/dataset.parquet.",
    ),
    "deployment": (
        "What accuracy an ensemble costs",
        "Ensembles that were chosen on one part of each dataset's samples because no cheaper one was as accurate "
        "there (or, where costs are not known, as the best of their size), and their accuracy on the other part with "
        "its 95 % Wilson interval.",
        "Line charts of held-out accuracy against cost, one for each dataset. The numbers are in "
        "deployment/dataset.parquet.",
    ),
    "learning_curves": (
        "Learning curves",
        "Accuracy and loss after each epoch. Every member has its own number of epochs.",
        "Small line charts of training accuracy, validation accuracy and training loss, one for each member.",
    ),
    "supernets": (
        "Training of the super-networks",
        "Accuracy of the smallest sub-network that the stage allows, and of the whole network, on training images that "
        "are held out, each with its own batch norm statistics.",
        "Line chart of accuracy against epochs. The numbers are in supernets/supernet.stages.parquet.",
    ),
    "searches": (
        "Search for sub-networks",
        "Each point is a sub-network that the search evaluated, on training images that are held out. Blue: no other "
        "is at least as accurate with at most as many operations.",
        "Scatter plot of accuracy against operations. The numbers are in supernets/supernet.search.parquet.",
    ),
    "attributions": (
        "Where each member looks",
        "The left column is the image with its class. The others show, over a dark copy of it, how much each pixel "
        "counted for a member (the brighter, the more), and what that member predicted. The first image is one that "
        "most members get right; the others are those that split the members most.",
        "Gallery of images and, for each member, a heat map of the pixels that counted, with the predicted class.",
    ),
    "correlations": (
        "Which diversity goes with improvement",
        "Pearson's r with its 95 % interval, for each measure and dataset. Diamonds: partial r, the same with the mean "
        "member accuracy held fixed, because a measure that only tracks accuracy explains nothing. p and q are in the "
        f"correlation tables. {WHAT_P_TESTS} {BEYOND_ACCURACY}",
        "Dot plot of the correlation of each measure with improvement on each dataset. "
        "The numbers are in the correlation tables.",
    ),
}


def words_for(name: str) -> tuple[str, str, str]:
    """Title, caption and alternative text of the figure `name`."""
    kind, _, rest = name.partition("_")
    if kind == "improvement":
        return _words_for_improvement(rest)
    if kind == "pairwise":
        return _words_for_pairwise(rest)
    return WORDS.get(name, (in_words(name), "", f"Figure {in_words(name).lower()}."))


def _words_for_improvement(rest: str) -> tuple[str, str, str]:
    improvement = next((known for known in IMPROVEMENTS if rest.startswith(f"{known}_")), rest)
    title = improvement_title(improvement)
    consensus = consensus_title(rest.removeprefix(f"{improvement}_"))
    return (
        f"{title}, {consensus}",
        "Each point is an ensemble; its colour is the number of members. Columns are datasets; rows are what may "
        "explain the improvement: mean pairwise diversities of the members, and their mean accuracy. Above each cell: "
        "Pearson's r and its 95 % interval over all ensembles; below it partial r and p. "
        f"{WHAT_P_TESTS} {BEYOND_ACCURACY}",
        f"Grid of scatter plots: {title.lower()} of every ensemble against each measure on each dataset. "
        "The coefficients are in the correlation tables.",
    )


def _words_for_pairwise(measure: str) -> tuple[str, str, str]:
    shown = quantity(measure)
    return (
        f"{shown.title} of every two members",
        "One panel a dataset, one scale for all: the brighter, the more two members differ. Members stand in the same "
        "order everywhere, like ones together (average linkage on the first dataset); columns carry the rows' numbers.",
        f"Heat maps of the {shown.title.lower()} between every two members, one for each dataset. "
        f"The numbers are in pairwise/dataset/{measure}.parquet.",
    )
