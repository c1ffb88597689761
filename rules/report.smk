# From all results above to one page.

# They decide what the page looks like. They are not inputs, because they are part of the workflow: a job on another
# machine finds them beside its script.
PARTS_OF_PAGE = [
    PROJECT / "scripts/lib/report/report.html.jinja",
    *sorted((PROJECT / "report/page").iterdir()),
]


rule report:
    input:
        study="results/{study}/study.json",
        members="results/{study}/members.parquet",
        checkpoints=[
            checkpoint(member, "json") for member in MEMBERS_WITH_NETWORK if member not in GROUP_OF
        ],
        predictions=expand(
            "results/{{study}}/predictions/{dataset}",
            dataset=DATASETS if MEMBERS_RUN_ON_SETS or MEMBERS_IN_FILES else [],
        ),
        accuracies=expand("results/{{study}}/accuracies/{dataset}.parquet", dataset=DATASETS),
        ensembles=expand("results/{{study}}/ensembles/{dataset}.parquet", dataset=DATASETS),
        pairwise=OF_PAIRS,
        member_pairs=expand(
            "results/{{study}}/member_pairs/{dataset}.{suffix}",
            dataset=DATASETS,
            suffix=["parquet", "json"],
        ),
        images=expand(
            "results/{{study}}/images/{dataset}.npy",
            dataset=DATASETS if DATASET_KIND.has_images else [],
        ),
        attributions=expand(
            "results/{{study}}/attributions/{dataset}",
            dataset=DATASETS if MEMBERS_WITH_NETWORK else [],
        ),
        deployment="results/{study}/deployment.json",
        chosen=expand("results/{{study}}/deployment/{dataset}.parquet", dataset=DATASETS),
        contributions=expand("results/{{study}}/contributions/{dataset}.parquet", dataset=DATASETS),
        choices=CHOICE_TABLES,
        best_ensembles=expand(
            "results/{{study}}/best_ensembles/{dataset}.parquet", dataset=DATASETS
        ),
        temperatures="results/{study}/temperatures.parquet",
        calibration=expand("results/{{study}}/calibration/{dataset}.parquet", dataset=DATASETS),
        effects="results/{study}/effects.parquet",
        differences="results/{study}/effect_differences.parquet",
        verdicts="results/{study}/verdicts.parquet",
        variance_shares="results/{study}/variance_shares.parquet",
        correlations="results/{study}/correlations.parquet",
        shift=SHIFT_TABLES,
        ways=WAYS,
        groups=expand("results/{{study}}/groups/{group}.json", group=GROUP_IDS),
        csv=expand("results/{{study}}/csv/{table}.csv", table=TABLES_AS_CSV),
        figures=picture_files(figures_of(OUTLINE), "png"),
    output:
        report(
            "results/{study}/report.html",
            caption="../report/page.rst",
            category="Report",
            labels={"page": "Findings, figures, tables and explorer"},
        ),
    log:
        "logs/{study}/report.log",
    benchmark:
        "results/{study}/benchmarks/report.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(ensembles_megabytes),
    params:
        pictures=captioned_pictures(OUTLINE),
        page=[fingerprint(path) for path in PARTS_OF_PAGE],
        code=code("report", *MEASURE_FILES, *CONSENSUS_FILES, *specs_of_members()),
    message:
        "Report: results/{wildcards.study}/report.html"
    script:
        "../scripts/report.py"
