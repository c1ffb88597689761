# From wildcards to files: functions that say what a job reads.
from types import SimpleNamespace

# What every training reads: the raw files and the index of the training images.
INDEXED_TRAINING_IMAGES = {
    "raw": RAW_FILES,
    "training_samples": "results/{study}/samples/training.txt",
    "training_record": "results/{study}/samples/training.json",
}
# The first (clean) validation set, on which a training draws its learning curve.
CLEAN_SET = {
    "images": f"results/{{study}}/images/{DATASETS[0]}.npy",
    "labels": f"results/{{study}}/labels/{DATASETS[0]}.npy",
    "samples": f"results/{{study}}/samples/{DATASETS[0]}.txt",
    "set_record": f"results/{{study}}/samples/{DATASETS[0]}.json",
}


def classes_file(dataset):
    """The file with the classes that are scored on a validation set."""
    return f"results/{{study}}/classes/{original_of(dataset)}.json"


# What a member is run on.
ALL_SETS = {
    "images": expand("results/{{study}}/images/{dataset}.npy", dataset=DATASETS),
    "labels": expand("results/{{study}}/labels/{dataset}.npy", dataset=DATASETS),
    "samples": expand("results/{{study}}/samples/{dataset}.txt", dataset=DATASETS),
    "set_records": expand("results/{{study}}/samples/{dataset}.json", dataset=DATASETS),
}
CLASSES_OF_ALL_SETS = [classes_file(dataset) for dataset in DATASETS]
# Where the predictions in users' files go: if other members have predictions too, `gather` puts them together.
IMPORTED = "results/{study}/imported/predictions/{dataset}"
if not MEMBERS_RUN_HERE:
    IMPORTED = "results/{study}/predictions/{dataset}"


def backbone_of_member(wildcards):
    """The files of the backbone that a member shares with all others that name it."""
    backbone = member_settings(wildcards)["backbone"]
    return {
        f"backbone_{kind}": f"results/{wildcards.study}/backbones/{backbone}.{suffix}"
        for kind, suffix in [("weights", "safetensors"), ("record", "json")]
    }


def base_of_supernet(wildcards):
    """The weights that a super-network starts from, and their record if they are those of a member."""
    base, weights = supernet_settings(wildcards)["base"], base_weights(wildcards)
    files = {"base_weights": weights} if weights else {}
    if "member" in base:
        files["base_record"] = str(Path(weights).with_suffix(".json"))
    return files


def base_weights(wildcards):
    """The file with the weights that a super-network starts from; None for torchvision's own."""
    base = supernet_settings(wildcards)["base"]
    if "member" in base:
        return f"results/{wildcards.study}/checkpoints/{base['member']}.safetensors"
    return base.get("weights")


def files_of_base(wildcards):
    """The user's file with the weights that a super-network starts from, if it is one."""
    path = supernet_settings(wildcards)["base"].get("weights")
    return [path] if path else []


def supernet_of_member(wildcards):
    """The files of a sub-network's super-network, and of its search if the member is a point of the search's front."""
    member = member_settings(wildcards)
    folder = f"results/{wildcards.study}/supernets/{member['supernet']}"
    files = {"weights": f"{folder}.safetensors", "record": f"{folder}.json"}
    return files | ({"search": f"{folder}.search.parquet"} if "search" in member["subnet"] else {})


def original_set(wildcards):
    """The files of the validation set that is corrupted."""
    original = dataset_settings(wildcards)["of"]
    folder = f"results/{wildcards.study}"
    return {
        "images": f"{folder}/images/{original}.npy",
        "labels": f"{folder}/labels/{original}.npy",
        "samples": f"{folder}/samples/{original}.txt",
        "record": f"{folder}/samples/{original}.json",
    }


def recorded_files(wildcards, kind):
    """What was recorded on a validation set, and the set's own files (`RecordedFiles` of the library).

    `kind` is predictions, attributions or activations. Both folders hold the files of all members: with an input for
    each of a thousand members, Snakemake's graph would take minutes.
    """
    folder, dataset = f"results/{wildcards.study}", wildcards.dataset
    return {
        "records": f"{folder}/predictions/{dataset}",
        "arrays": f"{folder}/{kind}/{dataset}",
        "labels": f"{folder}/labels/{dataset}.npy",
        "samples": f"{folder}/samples/{dataset}.txt",
        "set_record": f"{folder}/samples/{dataset}.json",
        "classes": classes_of_dataset(wildcards),
    }


def files_of_set(dataset):
    """What is known of a validation set beside its images."""
    names = ("labels/{}.npy", "samples/{}.txt", "samples/{}.json")
    files = [f"results/{{study}}/{name.format(dataset)}" for name in names]
    return [*files, classes_file(dataset)]


def compared(wildcards):
    """What a measure compares."""
    return recorded_files(wildcards, MEASURES[wildcards.measure].needs)


def predicted(wildcards):
    """The predictions of all members."""
    return recorded_files(wildcards, "predictions")


def predicted_everywhere(wildcards):
    """The predictions of all members on all validation sets: lists in the order of the sets."""
    sets = [
        predicted(SimpleNamespace(study=wildcards.study, dataset=dataset)) for dataset in DATASETS
    ]
    return {name: [files[name] for files in sets] for name in sets[0]}


def predicted_on_clean_set(wildcards):
    """The predictions of all members on the first validation set."""
    return predicted(SimpleNamespace(study=wildcards.study, dataset=DATASETS[0]))


def pairs(wildcards):
    """The inputs of a pairwise table: the sums of all shards, or what the measure compares."""
    if SHARDS == 1 or MEASURES[wildcards.measure].whole:
        return compared(wildcards)
    path = "results/{study}/shards/{dataset}/{shard}/{measure}.parquet"
    return {"shards": expand(path, shard=range(SHARDS), **wildcards)}


def counted(wildcards):
    """The inputs of a table of ensembles: the sums of all shards, or the predictions."""
    if SHARDS == 1:
        return predicted(wildcards)
    folder = f"results/{wildcards.study}/shards/{wildcards.dataset}"
    return {
        "joint": expand(f"{folder}/{{shard}}/joint_correctness.npy", shard=range(SHARDS)),
        "counts": expand(f"{folder}/{{shard}}/ensembles.parquet", shard=range(SHARDS)),
        "scores": expand(f"{folder}/{{shard}}/scores.parquet", shard=range(SHARDS)),
        "groups": expand(f"{folder}/{{shard}}/image_groups.parquet", shard=range(SHARDS)),
    }


def predictions_for_greedy_search(wildcards):
    """Predictions, if the best ensembles must be searched for."""
    return predicted(wildcards) if GREEDY_SEARCH else {}


def judged(wildcards):
    """Predictions, the ensembles chosen on the clean set and, on another set, those chosen there."""
    folder, clean = f"results/{wildcards.study}", DATASETS[0]
    files = {
        **predicted(wildcards),
        "chosen": f"{folder}/deployment/{clean}.parquet",
        "accuracies": f"{folder}/accuracies/{wildcards.dataset}.parquet",
        "clean_accuracies": f"{folder}/accuracies/{clean}.parquet",
    }
    if wildcards.dataset != clean:
        files["own"] = f"{folder}/deployment/{wildcards.dataset}.parquet"
    return files


def predictions_of_members_run_on_sets(wildcards):
    """The predictions of members of kinds such as ONNX, whose records state their costs."""
    return expand(f"results/{wildcards.study}/inferred/{{member}}", member=MEMBERS_RUN_ON_SETS)


def file_of_member(wildcards):
    """The user's file of a member; empty if it has none or a library downloads its own weights."""
    member = MEMBER_ENTRIES[wildcards.member]
    file = kind_of(member).file(member, wildcards.get("dataset", ""))
    return [] if file is None else [file]


def further_files_of_member(wildcards):
    """Further files of the user that decide what a member predicts."""
    member = MEMBER_ENTRIES[wildcards.member]
    return kind_of(member).further_files(member)


def lists_of(wildcards):
    """The user's files with the class names and sample ids of a member."""
    return lists_of_member(MEMBER_ENTRIES[wildcards.member], wildcards.get("dataset", ""))


def all_files_of_member(wildcards):
    """All files of the user that decide what a member predicts, for `fingerprints`."""
    further = further_files_of_member(wildcards)
    return file_of_member(wildcards) + further + lists_of(wildcards)


def prediction_files(wildcards):
    """The files with the predictions of all members in files."""
    members = [MEMBER_ENTRIES[id] for id in MEMBERS_IN_FILES]
    return [kind_of(member).file(member, wildcards.dataset) for member in members]


def lists_of_predictions(wildcards):
    """The users' files with sample ids and class names of the members in files, each once."""
    paths = [
        path
        for id in MEMBERS_IN_FILES
        for path in lists_of_member(MEMBER_ENTRIES[id], wildcards.dataset)
    ]
    return list(dict.fromkeys(paths))


def lists_of_stated_classes(wildcards):
    """The users' files with class names of members that state what they predict, each once."""
    return class_lists(STUDY["members"])


def labelled_files(wildcards):
    """The files with the labels and ids of a validation set without images, and those that name its classes."""
    dataset, first = dataset_settings(wildcards), STUDY["members"][0]
    paths = [location(dataset[key]) for key in ("labels", "samples") if dataset[key]]
    of_first = [kind_of(first).file(first, dataset["id"]), *lists_of_member(first, dataset["id"])]
    return [*paths, *of_first]


def classes_of_dataset(wildcards):
    """The file with the classes that are scored on the validation set of a job."""
    return classes_file(wildcards.dataset).format(study=wildcards.study)
