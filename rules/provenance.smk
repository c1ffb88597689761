# What the results were made with; and an archive of all results.

# Tables whose content depends on the study only: on one machine the same byte for byte, on another up to rounding.
TABLES = [
    "results/{study}/temperatures.parquet",
    "results/{study}/effects.parquet",
    "results/{study}/effect_differences.parquet",
    "results/{study}/variance_shares.parquet",
    "results/{study}/correlations.parquet",
    "results/{study}/verdicts.parquet",
    *CHOICE_TABLES,
    *SHIFT_TABLES,
    *GROUP_RESULTS,
    *WAYS,
    *expand(
        "results/{{study}}/{table}/{dataset}.parquet",
        table=[
            "accuracies",
            "ensembles",
            "halves",
            "best_ensembles",
            "deployment",
            "contributions",
            "calibration",
            "calibration_curves",
        ],
        dataset=DATASETS,
    ),
    *expand("results/{{study}}/image_groups/{dataset}/ensembles.parquet", dataset=DATASETS),
    *expand(
        "results/{{study}}/image_groups/{dataset}/{measure}.npy",
        dataset=DATASETS,
        measure=STUDY_MEASURES,
    ),
    *OF_PAIRS,
]
# What an archive has besides. Records of training and measured latencies differ from run to run.
FURTHER_FILES = [
    "results/{study}/report.html",
    "results/{study}/deployment.json",
    "results/{study}/members.parquet",
    *expand(
        "results/{{study}}/member_pairs/{dataset}.{suffix}",
        dataset=DATASETS,
        suffix=["parquet", "json"],
    ),
    *expand("results/{{study}}/supernets/{id}.stages.parquet", id=SUPERNET_IDS),
    *expand("results/{{study}}/supernets/{id}.search.parquet", id=SEARCHED_SUPERNET_IDS),
    *picture_files(figures_of(OUTLINE), "png"),
    *picture_files(figures_of(OUTLINE), "pdf"),
]


rule provenance:
    input:
        study="results/{study}/study.json",
        report="results/{study}/report.html",
        predictions=expand("results/{{study}}/predictions/{dataset}", dataset=DATASETS),
        tables=TABLES,
    output:
        "results/{study}/provenance.json",
    log:
        "logs/{study}/provenance.log",
    benchmark:
        "results/{study}/benchmarks/provenance.tsv"
    localrule: True
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("provenance"),
    message:
        "Write down what the results were made with"
    script:
        "../scripts/provenance.py"


rule archive:
    input:
        study="results/{study}/study.json",
        provenance="results/{study}/provenance.json",
        tables=TABLES,
        further=FURTHER_FILES,
    output:
        "results/{study}.tar.gz",
    log:
        "logs/{study}/archive.log",
    benchmark:
        "results/{study}/benchmarks/archive.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("archive"),
    message:
        "Pack tables, figures and report into {output}"
    script:
        "../scripts/archive.py"


# All that other tables follow from. Attributions and activations would be gigabytes, so the tables that follow from
# them alone are packed instead.
NOT_FROM_PREDICTIONS = [m for m in STUDY_MEASURES if MEASURES[m].needs != "predictions"]


rule archive_predictions:
    input:
        study="results/{study}/study.json",
        provenance="results/{study}/provenance.json",
        members="results/{study}/members.parquet",
        sets=[path for dataset in DATASETS for path in files_of_set(dataset)],
        predictions=expand("results/{{study}}/predictions/{dataset}", dataset=DATASETS),
        groups=expand("results/{{study}}/groups/{group}.json", group=GROUP_IDS),
        pairwise=expand(
            [
                "results/{{study}}/pairwise/{dataset}/{measure}.parquet",
                "results/{{study}}/image_groups/{dataset}/{measure}.npy",
            ],
            dataset=DATASETS,
            measure=NOT_FROM_PREDICTIONS,
        ),
    output:
        "results/{study}.predictions.tar.gz",
    log:
        "logs/{study}/archive_predictions.log",
    benchmark:
        "results/{study}/benchmarks/archive_predictions.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("archive_predictions"),
    message:
        "Pack predictions into {output}"
    script:
        "../scripts/archive_predictions.py"
