# Jobs over all validation sets: the effect of each diversity beyond accuracy, how the variance of accuracy divides, and
# plain correlations.

OF_PAIRS = expand(
    "results/{{study}}/pairwise/{dataset}/{measure}.parquet",
    dataset=DATASETS,
    measure=STUDY_MEASURES,
)
# The same without each group of images, for intervals over images.
IN_GROUPS = {
    "ensembles_in_groups": expand(
        "results/{{study}}/image_groups/{dataset}/ensembles.parquet", dataset=DATASETS
    ),
    "pairs_in_groups": expand(
        "results/{{study}}/image_groups/{dataset}/{measure}.npy",
        dataset=DATASETS,
        measure=STUDY_MEASURES,
    ),
}
HALVES = expand("results/{{study}}/halves/{dataset}.parquet", dataset=DATASETS)
ACCURACIES = expand("results/{{study}}/accuracies/{dataset}.parquet", dataset=DATASETS)


rule effects:
    input:
        **IN_GROUPS,
        halves=HALVES,
        accuracies=ACCURACIES,
        pairwise=OF_PAIRS,
    output:
        effects="results/{study}/effects.parquet",
        differences="results/{study}/effect_differences.parquet",
    log:
        "logs/{study}/effects.log",
    benchmark:
        "results/{study}/benchmarks/effects.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        **requests(ensembles_megabytes, effects_minutes),
    params:
        members=MEMBER_IDS,
        compared=COMPARED,
        datasets=DATASETS,
        ensembles=STUDY["ensembles"],
        permutations=STUDY["statistics"]["effect_permutations"],
        seed=STUDY["seed"],
        code=code("effects", *MEASURE_FILES, *CONSENSUS_FILES),
    message:
        "Estimate the effect of each diversity beyond the members' accuracy and confidence"
    script:
        "../scripts/effects.py"


rule variance_shares:
    input:
        halves=expand("results/{{study}}/halves/{dataset}.parquet", dataset=DATASETS),
        accuracies=expand("results/{{study}}/accuracies/{dataset}.parquet", dataset=DATASETS),
        pairwise=OF_PAIRS,
    output:
        "results/{study}/variance_shares.parquet",
    log:
        "logs/{study}/variance_shares.log",
    benchmark:
        "results/{study}/benchmarks/variance_shares.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        **requests(ensembles_megabytes, variance_shares_minutes),
    params:
        members=MEMBER_IDS,
        compared=COMPARED,
        datasets=DATASETS,
        ensembles=STUDY["ensembles"],
        seed=STUDY["seed"],
        code=code("variance_shares", *MEASURE_FILES),
    message:
        "Divide the variance of accuracy over ensembles among size, members' accuracies and diversities"
    script:
        "../scripts/variance_shares.py"


rule correlations:
    input:
        ensembles=expand("results/{{study}}/ensembles/{dataset}.parquet", dataset=DATASETS),
        accuracies=ACCURACIES,
        pairwise=OF_PAIRS,
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
