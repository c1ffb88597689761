# One job a validation set and measure: how different every pair of members is.


rule pairwise:
    input:
        recorded=recorded,
        records=expand("results/{{study}}/predictions/{{dataset}}/{member}.json", member=MEMBERS),
        samples="results/{study}/samples/{dataset}.txt",
        classes="results/{study}/classes.json",
    output:
        "results/{study}/pairwise/{dataset}/{measure}.parquet",
    log:
        "logs/{study}/pairwise/{dataset}/{measure}.log",
    benchmark:
        "results/{study}/benchmarks/pairwise/{dataset}/{measure}.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    params:
        members=MEMBERS,
        device=STUDY["device"],
        code=code("measures", "predictions", "kernels"),
    message:
        "Compare all pairs of members by {wildcards.measure} on {wildcards.dataset}"
    script:
        "../scripts/pairwise.py"
