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
            # Its precision is that in `training`.
            member=lambda wildcards: without(member_settings(wildcards), "precision"),
            datasets=TRAINING,
            device=STUDY["device"],
            workers=STUDY["workers"],
            training=training_scale,
            resume="results/{study}/checkpoints/unfinished/{member}.pt",
            code=code("train", DATASET_KIND_FILE),
        message:
            "Train {wildcards.member}"
        script:
            "../scripts/train.py"


if GROUP_IDS:

    # One job per group: its members are trained together.
    rule train_group:
        input:
            **INDEXED_TRAINING_IMAGES,
            **CLEAN_SET,
            classes="results/{study}/classes.json",
        output:
            weights=directory("results/{study}/groups/{group}"),
            record="results/{study}/groups/{group}.json",
        log:
            "logs/{study}/train_group/{group}.log",
        benchmark:
            "results/{study}/benchmarks/train_group/{group}.tsv"
        priority: 1
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(group_megabytes, group_minutes, GPUS * STUDY["training"]["gpus"]),
        params:
            group=group_settings,
            datasets=TRAINING,
            device=STUDY["device"],
            workers=STUDY["workers"],
            training=STUDY["training"],
            resume="results/{study}/unfinished_groups/{group}.pt",
            code=code("train_group", DATASET_KIND_FILE, *LOSS_FILES),
        message:
            "Train the members of {wildcards.group} together"
        script:
            "../scripts/train_group.py"


rule members:
    input:
        records=[
            checkpoint(member, "json") for member in MEMBERS_WITH_NETWORK if member not in GROUP_OF
        ],
        groups=[f"results/{{study}}/groups/{group}" for group in GROUP_IDS],
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
        members=[without(member, "expected_top1") for member in STUDY["members"]],
        dataset=DATASETS[0],
        code=code("members"),
    message:
        "Describe the members: parameters, operations, recipes"
    script:
        "../scripts/members.py"
