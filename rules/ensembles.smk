# One job per validation set: every ensemble of the members, or a sample of them.


rule ensembles:
    input:
        unpack(counted),
        pairwise=expand(
            "results/{{study}}/pairwise/{{dataset}}/{measure}.parquet",
            measure=STUDY_MEASURES,
        ),
    output:
        accuracies="results/{study}/accuracies/{dataset}.parquet",
        ensembles="results/{study}/ensembles/{dataset}.parquet",
        halves="results/{study}/halves/{dataset}.parquet",
        groups="results/{study}/image_groups/{dataset}/ensembles.parquet",
    log:
        "logs/{study}/ensembles/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/ensembles/{dataset}.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(ensembles_megabytes, ensembles_minutes, GPUS),
    params:
        members=MEMBER_IDS,
        measures=STUDY_MEASURES,
        compared=COMPARED,
        ensembles=STUDY["ensembles"],
        baseline=STUDY["baseline"],
        seed=STUDY["seed"],
        device=STUDY["device"],
        code=code("ensembles", *CONSENSUS_FILES),
    message:
        "Evaluate the ensembles on {wildcards.dataset}"
    script:
        "../scripts/ensembles.py"


# A study with `shards` divides the samples among jobs; their sums are added above.
rule ensembles_shard:
    input:
        unpack(predicted),
    output:
        joint="results/{study}/shards/{dataset}/{shard}/joint_correctness.npy",
        counts="results/{study}/shards/{dataset}/{shard}/ensembles.parquet",
        scores="results/{study}/shards/{dataset}/{shard}/scores.parquet",
        groups="results/{study}/shards/{dataset}/{shard}/image_groups.parquet",
    log:
        "logs/{study}/ensembles_shard/{dataset}/{shard}.log",
    benchmark:
        "results/{study}/benchmarks/ensembles_shard/{dataset}/{shard}.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(ensembles_megabytes, ensembles_minutes, GPUS),
    params:
        members=MEMBER_IDS,
        compared=COMPARED,
        ensembles=STUDY["ensembles"],
        seed=STUDY["seed"],
        shards=SHARDS,
        device=STUDY["device"],
        code=code("ensembles_shard", *CONSENSUS_FILES),
    message:
        "Count what ensembles get right on shard {wildcards.shard} of {wildcards.dataset}"
    script:
        "../scripts/ensembles_shard.py"


rule best_ensembles:
    input:
        unpack(predictions_for_greedy_search),
        accuracies="results/{study}/accuracies/{dataset}.parquet",
        ensembles="results/{study}/ensembles/{dataset}.parquet",
    output:
        "results/{study}/best_ensembles/{dataset}.parquet",
    log:
        "logs/{study}/best_ensembles/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/best_ensembles/{dataset}.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(ensembles_megabytes, ensembles_minutes, GPUS),
    params:
        members=MEMBER_IDS,
        ensembles=STUDY["ensembles"],
        device=STUDY["device"],
        code=code("best_ensembles", *CONSENSUS_FILES),
    message:
        "Find the best ensemble of each size on {wildcards.dataset}"
    script:
        "../scripts/best_ensembles.py"
