# Training images are checked once; validation sets are stored once and read by every member.


rule study:
    output:
        "results/{study}/study.json",
    log:
        "logs/{study}/study.log",
    benchmark:
        "results/{study}/benchmarks/study.tsv"
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


rule fashion_mnist:
    output:
        FASHION_MNIST,
    log:
        "logs/fashion_mnist.log",
    benchmark:
        "data/fashion_mnist.tsv"
    conda:
        "../envs/study.yaml"
    resources:
        **requests(),
    params:
        folder=STUDY["datasets"]["folder"],
    message:
        "Get Fashion-MNIST"
    script:
        "../scripts/fashion_mnist.py"


rule training_images:
    input:
        raw_images,
    output:
        labels="results/{study}/labels/training.npy",
        samples="results/{study}/samples/training.txt",
        classes="results/{study}/classes.json",
        record="results/{study}/samples/training.json",
    log:
        "logs/{study}/training_images.log",
    benchmark:
        "results/{study}/benchmarks/training_images.tsv"
    wildcard_constraints:
        study=STUDY_NAME if TRAINING_GIVEN else "(?!)",
    conda:
        "../envs/study.yaml"
    resources:
        **requests(minutes=lambda wildcards: TRAINING_IMAGES * 0.01 / 60),
    params:
        datasets=TRAINING,
        pictures=lambda wildcards: pictures(STUDY["datasets"]["training"]["folder"]),
        code=code("training_images"),
    message:
        "Check the training images"
    script:
        "../scripts/training_images.py"


rule validation_set:
    input:
        raw_images,
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
        dataset=one_of(set(DATASETS) - set(CORRUPTED) if HAVE_IMAGES else []),
    conda:
        "../envs/study.yaml"
    resources:
        **requests(minutes=images_minutes),
    params:
        datasets={key: STUDY["datasets"][key] for key in ("kind", "folder", "image_size", "resize")},
        dataset=dataset_settings,
        seed=STUDY["seed"],
        pictures=lambda wildcards: pictures(
            dataset_settings(wildcards)["folder"], dataset_settings(wildcards)["classes_of"]
        ),
        code=code("validation_set"),
    message:
        "Store validation set {wildcards.dataset}"
    script:
        "../scripts/validation_set.py"


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
