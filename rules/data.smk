# Training images are checked once; validation sets are stored once and read by every member.


rule study:
    output:
        "results/{study}/study.json",
    params:
        study=STUDY,
    log:
        "logs/{study}/study.log",
    benchmark:
        "results/{study}/benchmarks/study.tsv"
    message:
        "Write down the complete study, with defaults and recipes filled in"
    script:
        "../scripts/study.py"


FASHION_MNIST = expand(
    "data/fashion-mnist/{split}-{content}-ubyte.gz",
    split=["train", "t10k"],
    content=["images-idx3", "labels-idx1"],
)


rule fashion_mnist:
    output:
        FASHION_MNIST,
    params:
        folder=STUDY["datasets"]["folder"],
    log:
        "logs/fashion_mnist.log",
    benchmark:
        "data/fashion_mnist.tsv"
    message:
        "Get Fashion-MNIST"
    script:
        "../scripts/fashion_mnist.py"


def raw_images(wildcards):
    """What must be there before images of the study can be read."""
    return FASHION_MNIST if STUDY["datasets"]["kind"] == "fashion-mnist" else []


rule training_images:
    input:
        raw_images,
    output:
        labels="results/{study}/labels/training.npy",
        samples="results/{study}/samples/training.txt",
        classes="results/{study}/classes.json",
    params:
        datasets={
            key: STUDY["datasets"][key] for key in ("kind", "folder", "training")
        },
        code=code("datasets", "fashion_mnist"),
    log:
        "logs/{study}/training_images.log",
    benchmark:
        "results/{study}/benchmarks/training_images.tsv"
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
    wildcard_constraints:
        dataset=one_of(set(DATASETS) - set(CORRUPTED)),
    params:
        datasets={
            key: STUDY["datasets"][key]
            for key in ("kind", "folder", "image_size", "resize")
        },
        dataset=dataset_settings,
        seed=STUDY["seed"],
        code=code("datasets", "fashion_mnist", "randomness"),
    log:
        "logs/{study}/validation_set/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/validation_set/{dataset}.tsv"
    message:
        "Store validation set {wildcards.dataset}"
    script:
        "../scripts/validation_set.py"


def original_set(wildcards):
    """The files of the validation set that is corrupted."""
    original = dataset_settings(wildcards)["of"]
    return {
        kind: f"results/{wildcards.study}/{kind}/{original}.{suffix}"
        for kind, suffix in [("images", "npy"), ("labels", "npy"), ("samples", "txt")]
    }


rule corrupted_set:
    input:
        unpack(original_set),
    output:
        images="results/{study}/images/{dataset}.npy",
        labels="results/{study}/labels/{dataset}.npy",
        samples="results/{study}/samples/{dataset}.txt",
    wildcard_constraints:
        dataset=one_of(CORRUPTED),
    params:
        dataset=dataset_settings,
        seed=STUDY["seed"],
        code=code("corruptions", "randomness"),
    log:
        "logs/{study}/corrupted_set/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/corrupted_set/{dataset}.tsv"
    threads: STUDY["threads"]
    message:
        "Corrupt validation set {wildcards.dataset}"
    script:
        "../scripts/corrupted_set.py"
