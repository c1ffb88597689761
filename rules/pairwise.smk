# How different every pair of members is: one job per validation set and measure, and one for which of them is right.


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


# Which member of a pair is right, and samples on which just one is, for the report.
rule member_pairs:
    input:
        unpack(predicted),
    output:
        table="results/{study}/member_pairs/{dataset}.parquet",
        samples="results/{study}/member_pairs/{dataset}.json",
    log:
        "logs/{study}/member_pairs/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/member_pairs/{dataset}.tsv"
    conda:
        "../envs/study.yaml"
    threads: 1
    resources:
        **requests(member_pairs_megabytes, pairwise_minutes),
    params:
        members=MEMBER_IDS,
        # Only samples that can be shown are chosen: with an image and, if members have them, attribution maps.
        samples=SAMPLES_WITH_PICTURES,
        code=code("member_pairs"),
    message:
        "Count which member of each pair is right on {wildcards.dataset}"
    script:
        "../scripts/member_pairs.py"
