# Training images are checked once; validation sets are stored once and read by every member. There is no rule for what
# a study does not have, such as raw files to fetch or corrupted copies.


rule study:
    output:
        "results/{study}/study.json",
    log:
        "logs/{study}/study.log",
    benchmark:
        "results/{study}/benchmarks/study.tsv"
    localrule: True
    conda:
        "../envs/study.yaml"
    resources:
        **requests(),
    params:
        study=STUDY,
    message:
        "Write down the complete study, with defaults and recipes filled in"
    script:
        "../scripts/study.py"


if RAW_FILES:

    # It needs the network, which compute nodes may not have.
    rule fetch_images:
        output:
            RAW_FILES,
        log:
            f"logs/fetch_{DATASET_KIND.name}.log",
        benchmark:
            f"data/{DATASET_KIND.name.replace('-', '_')}.tsv"
        localrule: True
        conda:
            "../envs/study.yaml"
        resources:
            **requests(),
        params:
            kind=DATASET_KIND.name,
            folder=STUDY["datasets"]["folder"],
        message:
            "Get the images of {params.kind}"
        script:
            "../scripts/fetch_images.py"


if DATASET_KIND.training_given(STUDY["datasets"]):

    rule training_images:
        input:
            RAW_FILES,
        output:
            labels="results/{study}/labels/training.npy",
            samples="results/{study}/samples/training.txt",
            classes="results/{study}/classes.json",
            record="results/{study}/samples/training.json",
        log:
            "logs/{study}/training_images.log",
        benchmark:
            "results/{study}/benchmarks/training_images.tsv"
        conda:
            "../envs/study.yaml"
        resources:
            **requests(minutes=lambda wildcards: DATASET_KIND.size.training * 0.01 / 60),
        params:
            datasets=TRAINING,
            pictures=lambda wildcards: pictures(STUDY["datasets"]["training"]["folder"]),
            code=code("training_images", DATASET_KIND_FILE),
        message:
            "Check the training images"
        script:
            "../scripts/training_images.py"

else:

    # If no member is trained, the classes are those of the first validation set.
    rule class_names:
        input:
            RAW_FILES,
        output:
            "results/{study}/classes.json",
        log:
            "logs/{study}/class_names.log",
        benchmark:
            "results/{study}/benchmarks/class_names.tsv"
        localrule: True
        conda:
            "../envs/study.yaml"
        resources:
            **requests(),
        params:
            datasets={key: STUDY["datasets"][key] for key in ("kind", "classes")},
            dataset=DATASET[DATASETS[0]],
            pictures=lambda wildcards: pictures(DATASET[DATASETS[0]]["folder"]),
            code=code("class_names", DATASET_KIND_FILE),
        message:
            "Take the classes of the first validation set"
        script:
            "../scripts/class_names.py"


if DATASET_KIND.has_images:

    rule validation_set:
        input:
            RAW_FILES,
            classes="results/{study}/classes.json",
        output:
            images="results/{study}/images/{dataset}.npy",
            labels="results/{study}/labels/{dataset}.npy",
            samples="results/{study}/samples/{dataset}.txt",
            scored="results/{study}/classes/{dataset}.json",
            record="results/{study}/samples/{dataset}.json",
        log:
            "logs/{study}/validation_set/{dataset}.log",
        benchmark:
            "results/{study}/benchmarks/validation_set/{dataset}.tsv"
        wildcard_constraints:
            dataset=one_of(set(DATASETS) - set(CORRUPTED)),
        conda:
            "../envs/study.yaml"
        resources:
            **requests(minutes=images_minutes),
        params:
            datasets={
                key: STUDY["datasets"][key] for key in ("kind", "folder", "image_size", "resize")
            },
            dataset=dataset_settings,
            seed=STUDY["seed"],
            pictures=lambda wildcards: pictures(
                dataset_settings(wildcards)["folder"], dataset_settings(wildcards)["classes_of"]
            ),
            code=code("validation_set", DATASET_KIND_FILE),
        message:
            "Store validation set {wildcards.dataset}"
        script:
            "../scripts/validation_set.py"

else:

    # A study of predictions alone has labels instead of images.
    rule labelled_samples:
        input:
            labelled_files,
        output:
            labels="results/{study}/labels/{dataset}.npy",
            samples="results/{study}/samples/{dataset}.txt",
            classes="results/{study}/classes/{dataset}.json",
            record="results/{study}/samples/{dataset}.json",
        log:
            "logs/{study}/labelled_samples/{dataset}.log",
        benchmark:
            "results/{study}/benchmarks/labelled_samples/{dataset}.tsv"
        conda:
            "../envs/study.yaml"
        resources:
            **requests(),
        params:
            dataset=dataset_settings,
            class_names=STUDY["datasets"]["class_names"],
            first_member=settings_of(MEMBER_IDS[0]),
            files=fingerprints(labelled_files),
            code=code("labelled_samples", DATASET_KIND_FILE),
        message:
            "Read the labels of {wildcards.dataset}"
        script:
            "../scripts/labelled_samples.py"


if CORRUPTED:

    rule corrupted_set:
        input:
            unpack(original_set),
        output:
            images="results/{study}/images/{dataset}.npy",
            labels="results/{study}/labels/{dataset}.npy",
            samples="results/{study}/samples/{dataset}.txt",
            record="results/{study}/samples/{dataset}.json",
        log:
            "logs/{study}/corrupted_set/{dataset}.log",
        benchmark:
            "results/{study}/benchmarks/corrupted_set/{dataset}.tsv"
        wildcard_constraints:
            dataset=one_of(CORRUPTED),
        conda:
            "../envs/study.yaml"
        threads: STUDY["threads"]
        resources:
            **requests(minutes=images_minutes),
        params:
            dataset=dataset_settings,
            seed=STUDY["seed"],
            code=code("corrupted_set"),
        message:
            "Corrupt validation set {wildcards.dataset}"
        script:
            "../scripts/corrupted_set.py"
