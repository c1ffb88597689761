# Self-supervised members: one job per backbone, trained without labels, and one job per linear classifier on top of it.


if BACKBONE_IDS:

    rule pretrain_backbone:
        input:
            **INDEXED_TRAINING_IMAGES,
            **CLEAN_SET,
        output:
            weights="results/{study}/backbones/{backbone}.safetensors",
            record="results/{study}/backbones/{backbone}.json",
        log:
            "logs/{study}/pretrain_backbone/{backbone}.log",
        benchmark:
            "results/{study}/benchmarks/pretrain_backbone/{backbone}.tsv"
        # Before the other trainings, because classifiers wait for it.
        priority: 2
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(training_megabytes, training_minutes, GPUS * STUDY["training"]["gpus"]),
        params:
            backbone=backbone_settings,
            datasets=TRAINING,
            device=STUDY["device"],
            workers=STUDY["workers"],
            training=STUDY["training"],
            resume="results/{study}/backbones/unfinished/{backbone}.pt",
            code=code("pretrain_backbone", DATASET_KIND_FILE),
        message:
            "Pretrain backbone {wildcards.backbone} without labels"
        script:
            "../scripts/pretrain_backbone.py"


if members_of_kind("dino"):

    rule train_classifier:
        input:
            unpack(backbone_of_member),
            **INDEXED_TRAINING_IMAGES,
            **CLEAN_SET,
        output:
            weights="results/{study}/checkpoints/{member}.safetensors",
            record="results/{study}/checkpoints/{member}.json",
        log:
            "logs/{study}/train_classifier/{member}.log",
        benchmark:
            "results/{study}/benchmarks/train_classifier/{member}.tsv"
        wildcard_constraints:
            member=one_of(members_of_kind("dino")),
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
            code=code("train_classifier", DATASET_KIND_FILE),
        message:
            "Train the linear classifier of {wildcards.member}"
        script:
            "../scripts/train_classifier.py"
