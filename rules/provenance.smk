# What the results were made with; and an archive of all results.


rule provenance:
    input:
        study="results/{study}/study.json",
        report="results/{study}/report.html",
        tables=[
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
            *expand(
                "results/{{study}}/image_groups/{dataset}/ensembles.parquet", dataset=DATASETS
            ),
            *expand(
                "results/{{study}}/image_groups/{dataset}/{measure}.npy",
                dataset=DATASETS,
                measure=STUDY_MEASURES,
            ),
            *expand(
                "results/{{study}}/pairwise/{dataset}/{measure}.parquet",
                dataset=DATASETS,
                measure=STUDY_MEASURES,
            ),
        ],
    output:
        "results/{study}/provenance.json",
    log:
        "logs/{study}/provenance.log",
    benchmark:
        "results/{study}/benchmarks/provenance.tsv"
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
        "results/{study}/provenance.json",
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
