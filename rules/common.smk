# From the study file to wildcards, and what several stages share.
import glob
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.jobs.code_digest import code_digest
from scripts.lib.jobs.deployment_methods import missing_program
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.fingerprint import fingerprint
from scripts.lib.measures.spec import MEASURES
from scripts.lib.study.resolve import TRAINED, WITH_WEIGHTS, resolve
from scripts.lib.study.file import check_study_file
from scripts.lib.study.user_files import check_files, check_folders, fault_of_file, fault_of_path
from scripts.lib.study.user_files import location, predictions_file, weights_file

# Not workflow.basedir, which is another workflow's where this one is its module.
PROJECT = Path(workflow.current_basedir).parent
# Jobs read the rules again: what was checked once, before the graph, is not looked at for each of them.
FIRST_READING = workflow.is_main_process

try:
    # Snakemake has read the study file, but says nothing of keys that are given twice. As a module of another
    # workflow, this one gets its study from there. What is no plain file, such as a pipe, can be read only once.
    if FIRST_READING and not workflow.modifier.skip_configfile:
        for path in filter(os.path.isfile, workflow.configfiles):
            check_study_file(path)
    STUDY = resolve(config)
    if FIRST_READING:
        check_folders(STUDY, str(PROJECT))
        check_files(STUDY)
except StudyError as error:
    raise WorkflowError(str(error)) from None

if lacking := missing_program(
    [method.name.lower() for method in workflow.deployment_settings.deployment_method]
):
    raise WorkflowError(lacking)

MEMBER = {member["id"]: member for member in STUDY["members"]}
MEMBERS = list(MEMBER)
SUPERVISED = [member["id"] for member in STUDY["members"] if member["kind"] == "supervised"]
DINO = [member["id"] for member in STUDY["members"] if member["kind"] == "dino"]
SUBNETS = [member["id"] for member in STUDY["members"] if member["kind"] == "subnet"]
ON_FILE = [member["id"] for member in STUDY["members"] if member["kind"] == "predictions"]
RUN = [member["id"] for member in STUDY["members"] if member["kind"] in ("onnx", "command")]
ON_FILE_SET = set(ON_FILE)
# Members whose network is known: only they have attributions and activations.
WEIGHTED = [member["id"] for member in STUDY["members"] if member["kind"] in WITH_WEIGHTS]
TRAINED_HERE = [member["id"] for member in STUDY["members"] if member["kind"] in TRAINED]
SUPERNET = {supernet["id"]: supernet for supernet in STUDY["supernets"]}
SUPERNETS = list(SUPERNET)
SEARCHED_SUPERNETS = [s["id"] for s in STUDY["supernets"] if "search" in s["bootstrapNAS"]]
BASES = [s["base"]["member"] for s in STUDY["supernets"] if "member" in s["base"]]
BACKBONE = {backbone["id"]: backbone for backbone in STUDY["backbones"]}
BACKBONES = list(BACKBONE)
DATASET = {dataset["id"]: dataset for dataset in STUDY["datasets"]["validation"]}
DATASETS = list(DATASET)
CORRUPTED = [dataset["id"] for dataset in STUDY["datasets"]["validation"] if "of" in dataset]
# Measures that can be computed: two members at least must have what is compared.
STUDY_MEASURES = [
    measure
    for measure in STUDY["measures"]
    if MEASURES[measure].needs == "predictions" or len(WEIGHTED) > 1
]

# The members that have what a measure compares.
COMPARED = {
    measure: MEMBERS if MEASURES[measure].needs == "predictions" else WEIGHTED
    for measure in STUDY_MEASURES
}

CONSENSUS = STUDY["ensembles"]["consensus"]

# The files of the specs that a study names: they decide what it computes, and how tables, figures and report name it.
MEASURE_FILES = [MEASURES.file_of(measure) for measure in STUDY["measures"]]
CONSENSUS_FILES = [CONSENSUS_METHODS.file_of(method) for method in CONSENSUS]
ATTRIBUTION_METHOD = ATTRIBUTION_METHODS[STUDY["attributions"]["method"]]
ATTRIBUTION_FILE = ATTRIBUTION_METHODS.file_of(ATTRIBUTION_METHOD.name)
SHARDS = STUDY["shards"]
# What decides which training images there are.
TRAINING = {key: STUDY["datasets"][key] for key in ("kind", "folder", "training", "classes")}
HAVE_IMAGES = STUDY["datasets"]["kind"] != "predictions"
# Whether there are training images, also where no member is trained on them.
TRAINING_GIVEN = bool(
    STUDY["datasets"]["training"]["folder"]
    or STUDY["datasets"]["kind"] in ("digits", "fashion-mnist")
)
IMPROVEMENTS = ["over_mean", "over_best"] + (["over_baseline"] if STUDY["baseline"] else [])


def one_of(names):
    """A wildcard constraint: exactly these names."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


STUDY_NAME = re.escape(STUDY["name"])


wildcard_constraints:
    study=STUDY_NAME,
    member=one_of(MEMBERS),
    backbone=one_of(BACKBONES),
    supernet=one_of(SUPERNETS),
    dataset=one_of(DATASETS),
    measure=one_of(STUDY_MEASURES),
    shard=r"\d+",


def member_settings(wildcards):
    """The resolved study's entry of a member, without what does not change the member."""
    entry = MEMBER[wildcards.member]
    return {key: value for key, value in entry.items() if key != "expected_top1"}


def backbone_settings(wildcards):
    """The resolved study's entry of a backbone."""
    return BACKBONE[wildcards.backbone]


def backbone_of_member(wildcards):
    """The files of the backbone that a member shares with all others that name it."""
    backbone = member_settings(wildcards)["backbone"]
    return {
        f"backbone_{kind}": f"results/{wildcards.study}/backbones/{backbone}.{suffix}"
        for kind, suffix in [("weights", "safetensors"), ("record", "json")]
    }


def supernet_settings(wildcards):
    """The resolved study's entry of a super-network."""
    return SUPERNET[wildcards.supernet]


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
    """The files of the super-network that a sub-network is cut out of, and its search where a point of it is meant."""
    member = member_settings(wildcards)
    folder = f"results/{wildcards.study}/supernets/{member['supernet']}"
    files = {"weights": f"{folder}.safetensors", "record": f"{folder}.json"}
    return files | ({"search": f"{folder}.search.parquet"} if "search" in member["subnet"] else {})


def dataset_settings(wildcards):
    """The resolved study's entry of a validation set."""
    return DATASET[wildcards.dataset]


def code(script, *specs):
    """A digest of what a script and all modules that it imports compute; a parameter of every rule.

    `specs` are the files of the specs that decide the result, or functions of the wildcards that return one. Snakemake
    notices neither a changed module, nor (because the profiles say so) a changed script: only this tells it.
    """

    def digest(wildcards):
        files = [spec(wildcards) if callable(spec) else spec for spec in specs]
        return code_digest(PROJECT / "scripts" / f"{script}.py", *files)

    return digest


FASHION_MNIST = expand(
    "data/fashion-mnist/{split}-{content}-ubyte.gz",
    split=["train", "t10k"],
    content=["images-idx3", "labels-idx1"],
)

# Whether some ensembles are only found by looking at predictions again: more members, or fewer sizes, than all.
SEARCHED = len(MEMBERS) > 20 or STUDY["ensembles"]["sizes"] != "all"


def raw_images(wildcards):
    """What must be there before images of the study can be read."""
    return FASHION_MNIST if STUDY["datasets"]["kind"] == "fashion-mnist" else []


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


def recorded(wildcards, folder, members, suffix):
    """Recorded files of members; those of members on file come from one job for all of them."""
    results, dataset = f"results/{wildcards.study}", wildcards.dataset
    single = [member for member in members if member not in ON_FILE_SET]
    files = expand(f"{results}/{folder}/{dataset}/{{member}}.{suffix}", member=single)
    return files + ([f"{results}/imported/{dataset}.json"] if ON_FILE and single != members else [])


def checked(wildcards, members=MEMBERS):
    """What tells whether the recorded arrays of members fit each other and the labels."""
    folder, dataset = f"results/{wildcards.study}", wildcards.dataset
    return {
        "records": recorded(wildcards, "predictions", members, "json"),
        "labels": f"{folder}/labels/{dataset}.npy",
        "samples": f"{folder}/samples/{dataset}.txt",
        "set_record": f"{folder}/samples/{dataset}.json",
        "classes": classes_of_dataset(wildcards),
    }


def members_compared(wildcards):
    """The members that have what a measure compares."""
    return COMPARED[wildcards.measure]


def measure_file(wildcards):
    """The file with the spec of a measure."""
    return MEASURES.file_of(wildcards.measure)


def compared(wildcards):
    """What a measure compares: the recorded arrays of the members that have them."""
    folder, members = MEASURES[wildcards.measure].needs, members_compared(wildcards)
    return checked(wildcards, members) | {"recorded": recorded(wildcards, folder, members, "npy")}


def predicted(wildcards):
    """The predictions of all members."""
    return checked(wildcards) | {"predictions": recorded(wildcards, "predictions", MEMBERS, "npy")}


def pairs(wildcards):
    """From what a pairwise table is made: the sums of all shards, or what the measure compares."""
    if SHARDS == 1 or MEASURES[wildcards.measure].whole:
        return compared(wildcards)
    path = "results/{study}/shards/{dataset}/{shard}/{measure}.parquet"
    return {"shards": expand(path, shard=range(SHARDS), **wildcards)}


def counted(wildcards):
    """From what an ensembles table is made: the counts of all shards, or the predictions."""
    if SHARDS == 1:
        return predicted(wildcards)
    folder = f"results/{wildcards.study}/shards/{wildcards.dataset}"
    return {
        "joint": expand(f"{folder}/{{shard}}/joint_correctness.npy", shard=range(SHARDS)),
        "counts": expand(f"{folder}/{{shard}}/ensembles.parquet", shard=range(SHARDS)),
    }


def searched(wildcards):
    """Predictions, where the best ensembles are not among those that were evaluated."""
    return predicted(wildcards) if SEARCHED else {}


def recorded_alone(wildcards):
    """Records of the members that were run here without their weights being known, on the first validation set."""
    folder = f"results/{wildcards.study}/predictions/{DATASETS[0]}"
    return expand(f"{folder}/{{member}}.json", member=RUN)


def foreign_file(wildcards):
    """The user's file of a member; none where a library downloads its own weights."""
    member = MEMBER[wildcards.member]
    file = location(member["file"]) if "file" in member else weights_file(member)
    return [] if file is None else [file]


def onnx_files(wildcards):
    """The user's ONNX file of a member, and what lies beside it under its name: ONNX may keep weights in such files."""
    [file] = foreign_file(wildcards)
    return sorted(map(str, Path(file).parent.glob(f"{glob.escape(Path(file).stem)}*")))


def lists_of_member(member, dataset=None):
    """The user's files with the sample ids and the class names of a member, where it has some."""
    paths = [member.get("samples"), member.get("classes")]
    names = [path.replace("{dataset}", dataset or "") for path in paths if isinstance(path, str)]
    return [location(name) for name in names]


def lists_of(wildcards):
    """The user's file with the class names of a member."""
    return lists_of_member(MEMBER[wildcards.member])


def prediction_files(wildcards):
    """The files with the predictions of all members on file."""
    return [predictions_file(MEMBER[member], wildcards.dataset) for member in ON_FILE]


def lists_of_predictions(wildcards):
    """The users' files with sample ids and class names of the members on file, each once."""
    paths = [path for id in ON_FILE for path in lists_of_member(MEMBER[id], wildcards.dataset)]
    return list(dict.fromkeys(paths))


def labelled_files(wildcards):
    """The files with the labels and ids of a validation set without images, and those that name its classes."""
    dataset, first = dataset_settings(wildcards), STUDY["members"][0]
    paths = [location(dataset[key]) for key in ("labels", "samples") if dataset[key]]
    of_first = [predictions_file(first, dataset["id"]), *lists_of_member(first, dataset["id"])]
    return [*paths, *of_first]


def program_files(wildcards):
    """The files that a member's command names by their paths. A program that is looked up in PATH is not among them."""
    program, *words = MEMBER[wildcards.member]["command"]
    named = [program] * (os.sep in program) + words
    return [location(word) for word in named if not fault_of_path(word) and not fault_of_file(word)]


def fingerprints(files):
    """A parameter that changes with the content of the user's files that `files` lists."""
    return lambda wildcards: [fingerprint(path) for path in files(wildcards)]


def pictures(*folders):
    """A parameter that changes with the pictures in the folders of a user."""
    folders_only = STUDY["datasets"]["kind"] == "imagenet"
    return [fingerprint(folder, folders_only) for folder in folders if folder]


def classes_of_dataset(wildcards):
    """The list of classes that count on a validation set."""
    original = dataset_settings(wildcards).get("of", wildcards.dataset)
    return f"results/{wildcards.study}/classes/{original}.json"
