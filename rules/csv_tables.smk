# Most tables of a study as text, for spreadsheets and for Snakemake's own report. Programs read the Parquet files.

# Tables that only some studies have.
NOT_IN_EVERY_STUDY = {
    "choices": AVERAGING,
    "choices_held_out": AVERAGING,
    "ways": GROUP_IDS,
    **dict.fromkeys(
        ("effects_from_clean", "predictors", "robustness", "robustness_over_sets"),
        len(DATASETS) > 1,
    ),
}
# What each holds, by its name.
TABLES_AS_CSV = {
    **{name: content_of(name) for name in CSV_OF_STUDY if NOT_IN_EVERY_STUDY.get(name, True)},
    **{
        f"{name}/{dataset}": f"{dataset}: {content_of(f'{name}/{{dataset}}')}"
        for name in CSV_OF_DATASET
        for dataset in DATASETS
    },
}


rule csv_tables:
    input:
        [f"results/{{study}}/{name}.parquet" for name in TABLES_AS_CSV],
    output:
        [
            report(
                f"results/{{study}}/csv/{name}.csv",
                category="Tables",
                labels={"table": content},
            )
            for name, content in TABLES_AS_CSV.items()
        ],
    log:
        "logs/{study}/csv_tables.log",
    benchmark:
        "results/{study}/benchmarks/csv_tables.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(),
    params:
        code=code("csv_tables"),
    message:
        "Write tables as CSV files"
    script:
        "../scripts/csv_tables.py"
