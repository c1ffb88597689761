# One job a validation set: every ensemble of the members.


rule ensembles:
    input:
        predictions=expand("results/{{study}}/predictions/{{dataset}}/{member}.npy", member=MEMBERS),
        records=expand("results/{{study}}/predictions/{{dataset}}/{member}.json", member=MEMBERS),
        labels="results/{study}/labels/{dataset}.npy",
        samples="results/{study}/samples/{dataset}.txt",
        classes="results/{study}/classes.json",
        pairwise=expand(
            "results/{{study}}/pairwise/{{dataset}}/{measure}.parquet",
            measure=MEASURES,
        ),
    output:
        accuracies="results/{study}/accuracies/{dataset}.parquet",
        ensembles="results/{study}/ensembles/{dataset}.parquet",
    log:
        "logs/{study}/ensembles/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/ensembles/{dataset}.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    params:
        members=MEMBERS,
        measures=MEASURES,
        ensembles=STUDY["ensembles"],
        baseline=STUDY["baseline"],
        device=STUDY["device"],
        code=code("ensembles", "predictions", "measures", "kernels"),
    message:
        "Evaluate every ensemble on {wildcards.dataset}"
    script:
        "../scripts/ensembles.py"
