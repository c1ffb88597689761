# What came out of the groups of members that were trained together.

GROUP_RESULTS = (
    expand("results/{{study}}/group_results/{dataset}.parquet", dataset=DATASETS)
    if GROUP_IDS
    else []
)
WAYS = ["results/{study}/ways.parquet"] if GROUP_IDS else []

if GROUP_IDS:

    rule group_results:
        input:
            unpack(predicted),
            pairwise=expand(
                "results/{{study}}/pairwise/{{dataset}}/{measure}.parquet", measure=STUDY_MEASURES
            ),
        output:
            "results/{study}/group_results/{dataset}.parquet",
        log:
            "logs/{study}/group_results/{dataset}.log",
        benchmark:
            "results/{study}/benchmarks/group_results/{dataset}.tsv"
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(ensembles_megabytes),
        params:
            groups=STUDY["groups"],
            members=MEMBER_IDS,
            compared=COMPARED,
            consensus=CONSENSUS,
            code=code("group_results", *MEASURE_FILES, *CONSENSUS_FILES),
        message:
            "Evaluate the ensemble of each group on {wildcards.dataset}"
        script:
            "../scripts/group_results.py"

    rule ways:
        input:
            results=GROUP_RESULTS,
            records=expand("results/{{study}}/groups/{group}.json", group=GROUP_IDS),
        output:
            "results/{study}/ways.parquet",
        log:
            "logs/{study}/ways.log",
        benchmark:
            "results/{study}/benchmarks/ways.tsv"
        conda:
            "../envs/study.yaml"
        resources:
            **requests(),
        params:
            clean=DATASETS[0],
            code=code("ways"),
        message:
            "Summarise each way of training over its seeds"
        script:
            "../scripts/ways.py"
