# One job: which diversity goes with improvement.


rule correlations:
    input:
        ensembles=expand("results/{{study}}/ensembles/{dataset}.parquet", dataset=DATASETS),
        accuracies=expand("results/{{study}}/accuracies/{dataset}.parquet", dataset=DATASETS),
        pairwise=expand(
            "results/{{study}}/pairwise/{dataset}/{measure}.parquet",
            dataset=DATASETS,
            measure=STUDY_MEASURES,
        ),
    output:
        "results/{study}/correlations.parquet",
    log:
        "logs/{study}/correlations.log",
    benchmark:
        "results/{study}/benchmarks/correlations.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        **requests(ensembles_megabytes, correlations_minutes),
    params:
        members=MEMBER_IDS,
        compared=COMPARED,
        datasets=DATASETS,
        improvements=IMPROVEMENTS,
        permutations=STUDY["statistics"]["permutations"],
        seed=STUDY["seed"],
        code=code("correlations", *MEASURE_FILES),
    message:
        "Correlate diversity with improvement"
    script:
        "../scripts/correlations.py"
