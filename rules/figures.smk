# From tables to figures: one rule for each spec in scripts/lib/report/figures/. One job draws all pictures of a
# figure, because starting a job takes longer than drawing.

from snakemake.io import report as in_report  # as `report`, it cannot be called outside a rule

OUTLINE = StudyOutline(
    datasets=DATASETS,
    members=MEMBER_IDS,
    measures=STUDY_MEASURES,
    consensus=CONSENSUS,
    improvements=IMPROVEMENTS,
    members_with_network=MEMBERS_WITH_NETWORK,
    members_trained_alone=[member for member in TRAINED_MEMBERS if member not in GROUP_OF],
    groups=GROUP_IDS,
    has_swept_loss=has_swept_loss(STUDY["groups"]),
    supernets=SUPERNET_IDS,
    searched_supernets=SEARCHED_SUPERNET_IDS,
)


def figure_inputs(figure):
    """The files that a figure is drawn from, by the names in its spec."""
    return {
        name: [f"results/{{study}}/{path}" for path in paths]
        for name, paths in figure.inputs(OUTLINE).items()
    }


def picture_files(figures, suffix):
    """The files of the pictures of some figures, in the order of the report."""
    names = [picture.name for figure in figures for picture in figure.pictures(OUTLINE)]
    return expand("results/{{study}}/figures/{name}.{suffix}", name=names, suffix=suffix)


def figure_settings(figure):
    """The pictures that the script draws, and the caption for Snakemake's own report."""
    pictures = {picture.name: dict(picture.shows) for picture in figure.pictures(OUTLINE)}
    return {"name": figure.name, "caption": figure.caption, "pictures": pictures}


def captioned(figure):
    """The PNG files of a figure, with what Snakemake's own report shows beside them."""
    return [
        in_report(
            f"results/{{study}}/figures/{picture.name}.png",
            caption="../report/figure.rst",
            category="Figures",
            subcategory=figure.title,
            labels={"picture": picture.title},
        )
        for picture in figure.pictures(OUTLINE)
    ]


for figure in figures_of(OUTLINE):

    rule:
        name:
            f"plot_{figure.name}"
        input:
            **figure_inputs(figure),
        output:
            *captioned(figure),
            picture_files([figure], "pdf"),
        log:
            f"logs/{{study}}/plot_{figure.name}.log",
        benchmark:
            f"results/{{study}}/benchmarks/plot_{figure.name}.tsv"
        group:
            "figures"
        conda:
            "../envs/study.yaml"
        threads: 1
        resources:
            **requests(),
        params:
            figure=figure_settings(figure),
            code=code("figure", FIGURES.file_of(figure.name), *MEASURE_FILES, *CONSENSUS_FILES),
        message:
            f"Figure: {figure.title}"
        script:
            "../scripts/figure.py"
