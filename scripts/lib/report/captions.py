"""What the report says about each figure: a title, a caption, and an alternative text for readers who cannot see it."""

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
        "Top-1 accuracy with its 95 % Wilson interval. Members are sorted by their accuracy on the first dataset. "
        "Dashed lines are the means over the members.",
        "Dot plot of each member's accuracy on each dataset. The numbers are in the table of accuracies.",
    ),
    "best_ensembles": (
        "The best ensemble of every size",
        "Accuracy of the best ensemble that was found for each number of members. Grey: the mean of all evaluated "
        "ensembles of that size, and (thin line) the best single member. The best ensembles are chosen on the same "
        "images on which their accuracy is measured, so these accuracies are optimistic estimates.",
        "Line charts of accuracy against the number of members, one for each dataset. The numbers are in "
        "best_ensembles/dataset.parquet.",
    ),
    "deployment": (
        "Accuracy and cost of ensembles",
        "Ensembles that were chosen on the selection split of each dataset because no cheaper ensemble was as "
        "accurate there (or, if costs are not known, because they were the best of their size), and their accuracy on "
        "the evaluation split with its 95 % Wilson interval.",
        "Line charts of held-out accuracy against cost, one for each dataset. The numbers are in "
        "deployment/dataset.parquet.",
    ),
    "learning_curves": (
        "Learning curves",
        "Accuracy and loss after each epoch. The number of epochs differs between members.",
        "Small line charts of training accuracy, validation accuracy and training loss, one for each member.",
    ),
    "supernets": (
        "Training of the super-networks",
        "Accuracy of the smallest sub-network that the stage allows, and of the whole network, on held-out training "
        "images. Each of the two has its own batch norm statistics.",
        "Line chart of accuracy against epochs. The numbers are in supernets/supernet.stages.parquet.",
    ),
    "searches": (
        "Search for sub-networks",
        "Each point is a sub-network that the search evaluated on held-out training images. Blue: the Pareto front, "
        "for which no other sub-network is at least as accurate with at most as many operations.",
        "Scatter plot of accuracy against operations. The numbers are in supernets/supernet.search.parquet.",
    ),
    "attributions": (
        "Where each member looks",
        "The left column is the image with its class. Each other column shows, over a dark copy of the image, how much "
        "each pixel contributed to the class that is explained (brighter pixels contributed more), and which class "
        "the member predicted. Most members classify the first image correctly; the other images are those on which "
        "the members disagree most.",
        "Gallery of images and, for each member, a heat map of the pixels that contributed, with the predicted class.",
    ),
    "correlations": (
        "Which diversity correlates with improvement",
        "Pearson's r with its 95 % interval, for each measure and dataset. Diamonds: partial r, the same correlation "
        "with the mean member accuracy held fixed, because a measure that only follows accuracy explains nothing. p "
        f"and q are in the correlation tables. {WHAT_P_TESTS} {BEYOND_ACCURACY}",
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
        "Each point is an ensemble; its colour shows the number of members. Columns are datasets. Rows are quantities "
        "that may explain the improvement: the mean pairwise diversities of the members, and their mean accuracy. "
        "Above each cell: Pearson's r and its 95 % interval over all ensembles. Below each cell: partial r and p. "
        f"{WHAT_P_TESTS} {BEYOND_ACCURACY}",
        f"Grid of scatter plots: {title.lower()} of every ensemble against each measure on each dataset. "
        "The coefficients are in the correlation tables.",
    )


def _words_for_pairwise(measure: str) -> tuple[str, str, str]:
    shown = quantity(measure)
    return (
        f"{shown.title} of every pair of members",
        "One panel per dataset, with one scale for all panels. The brighter a cell, the more the two members differ. "
        "Members have the same order in all panels, with similar members next to each other (hierarchical clustering "
        "with average linkage on the first dataset). Columns have the numbers of the rows.",
        f"Heat maps of the {shown.title.lower()} between every pair of members, one for each dataset. "
        f"The numbers are in pairwise/dataset/{measure}.parquet.",
    )
