# One job per validation set and measure: how different every pair of members is.


rule pairwise:
    input:
        unpack(pairs),
    output:
        table="results/{study}/pairwise/{dataset}/{measure}.parquet",
        groups="results/{study}/image_groups/{dataset}/{measure}.npy",
    log:
        "logs/{study}/pairwise/{dataset}/{measure}.log",
    benchmark:
        "results/{study}/benchmarks/pairwise/{dataset}/{measure}.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(pairwise_megabytes, pairwise_minutes, GPUS),
    params:
        members=members_compared,
        device=STUDY["device"],
        code=code("pairwise", measure_file),
    message:
        "Compare all pairs of members by {wildcards.measure} on {wildcards.dataset}"
    script:
        "../scripts/pairwise.py"


# A study with `shards` divides the samples among jobs; their sums are added above.
rule pairwise_shard:
    input:
        unpack(compared),
    output:
        "results/{study}/shards/{dataset}/{shard}/{measure}.parquet",
    log:
        "logs/{study}/pairwise_shard/{dataset}/{shard}/{measure}.log",
    benchmark:
        "results/{study}/benchmarks/pairwise_shard/{dataset}/{shard}/{measure}.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(pairwise_megabytes, pairwise_minutes, GPUS),
    params:
        members=members_compared,
        shards=SHARDS,
        device=STUDY["device"],
        code=code("pairwise_shard", measure_file),
    message:
        "Compare all pairs of members by {wildcards.measure} on shard {wildcards.shard} of {wildcards.dataset}"
    script:
        "../scripts/pairwise_shard.py"
