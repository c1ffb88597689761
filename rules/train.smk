# One job per member. A job that was killed continues after its last finished epoch.


if members_of_kind("supervised"):

    rule train:
        input:
            **INDEXED_TRAINING_IMAGES,
            **CLEAN_SET,
            classes="results/{study}/classes.json",
        output:
            weights="results/{study}/checkpoints/{member}.safetensors",
            record="results/{study}/checkpoints/{member}.json",
        log:
            "logs/{study}/train/{member}.log",
        benchmark:
            "results/{study}/benchmarks/train/{member}.tsv"
        wildcard_constraints:
            member=one_of(members_of_kind("supervised")),
        # The longest jobs first: many short ones then fill all cores to the end.
        priority: 1
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(training_megabytes, training_minutes, GPUS * STUDY["training"]["gpus"]),
        params:
            member=member_settings,
            datasets=TRAINING,
            device=STUDY["device"],
            workers=STUDY["workers"],
            training=STUDY["training"],
            resume="results/{study}/checkpoints/unfinished/{member}.pt",
            code=code("train", DATASET_KIND_FILE),
        message:
            "Train {wildcards.member}"
        script:
            "../scripts/train.py"


rule members:
    input:
        records=expand("results/{{study}}/checkpoints/{member}.json", member=MEMBERS_WITH_NETWORK),
        predictions=predictions_of_members_run_on_sets,
    output:
        "results/{study}/members.parquet",
    log:
        "logs/{study}/members.log",
    benchmark:
        "results/{study}/benchmarks/members.tsv"
    conda:
        "../envs/study.yaml"
    threads: STUDY["threads"]
    resources:
        **requests(),
    params:
        members=STUDY["members"],
        dataset=DATASETS[0],
        code=code("members"),
    message:
        "Describe the members: parameters, operations, recipes"
    script:
        "../scripts/members.py"
