# One job: what the study says of the paper's observations.

ATTRIBUTIONS_COMPARED = COMPARED.get("attribution_similarity", [])


rule verdicts:
    input:
        unpack(predicted_everywhere),
        members="results/{study}/members.parquet",
        accuracies=expand("results/{{study}}/accuracies/{dataset}.parquet", dataset=DATASETS),
        halves=expand("results/{{study}}/halves/{dataset}.parquet", dataset=DATASETS),
        attributions=expand(
            "results/{{study}}/pairwise/{dataset}/attribution_similarity.parquet",
            dataset=DATASETS if ATTRIBUTIONS_COMPARED else [],
        ),
        groups=GROUP_RESULTS,
    output:
        "results/{study}/verdicts.parquet",
    log:
        "logs/{study}/verdicts.log",
    benchmark:
        "results/{study}/benchmarks/verdicts.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        **requests(ensembles_megabytes),
    params:
        datasets=DATASETS,
        members=MEMBER_IDS,
        with_attributions=ATTRIBUTIONS_COMPARED,
        groups=STUDY["groups"],
        entries=[settings_of(member) for member in GROUP_OF],
        ensembles=STUDY["ensembles"],
        permutations=STUDY["statistics"]["effect_permutations"],
        seed=STUDY["seed"],
        code=code("verdicts", *MEASURE_FILES),
    message:
        "Decide what the study says of the paper's observations"
    script:
        "../scripts/verdicts.py"
