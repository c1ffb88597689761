# The tables of a study as text, for spreadsheets and for Snakemake's own report. Programs read the Parquet files.

# Those that fit on a screen. Tables of all ensembles or all pairs of members would be text of many megabytes.
TABLES_AS_CSV = {
    "members": "members: architecture, parameters, operations, recipe, time",
    "effects": "effect of each diversity beyond the members' accuracy and confidence",
    "effect_differences": "difference between the effects of two measures",
    "variance_shares": "shares of the variance of accuracy: size, accuracies, diversity",
    "correlations": "plain correlations",
    "temperatures": "temperatures of members and chosen ensembles",
    "verdicts": "what the study says of the paper's observations",
}
if AVERAGING:
    TABLES_AS_CSV |= {
        "choices": "ensembles to deploy: weights, budgets, metrics",
        "choices_held_out": "ensembles to deploy: their worth on every evaluation split",
    }
if len(DATASETS) > 1:
    TABLES_AS_CSV |= {
        "effects_from_clean": "effect of clean diversity on the accuracy under shift",
        "predictors": "what of diversity and accuracy on the clean set predicts the gain under shift",
        "robustness": "members and chosen ensembles under shift",
        "robustness_over_sets": "mean and worst over the shifted sets",
    }
if GROUP_IDS:
    TABLES_AS_CSV |= {"ways": "members trained together: means over seeds"}
for dataset in DATASETS:
    TABLES_AS_CSV |= {
        f"accuracies/{dataset}": f"accuracy and scores of members on {dataset}",
        f"best_ensembles/{dataset}": f"best ensemble of each size on {dataset}",
        f"deployment/{dataset}": f"ensembles chosen on the selection split of {dataset}",
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
