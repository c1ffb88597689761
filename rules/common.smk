# From the study file to wildcards, and what several stages share.
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from scripts.lib.datasets.spec import DATASET_KINDS
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS
from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.jobs.code_digest import code_digest
from scripts.lib.jobs.deployment_methods import missing_program
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.fingerprint import fingerprint
from scripts.lib.jobs.user_paths import location
from scripts.lib.measures.spec import MEASURES
from scripts.lib.members.files import lists_of_member
from scripts.lib.members.spec import MEMBER_KINDS, kind_of
from scripts.lib.report.figure import FIGURES, StudyOutline, captioned_pictures, figures_of
from scripts.lib.study.resolve import resolve
from scripts.lib.study.file import check_study_file
from scripts.lib.study.user_files import check_files, check_folders

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

MEMBER_ENTRIES = {member["id"]: member for member in STUDY["members"]}
MEMBER_IDS = list(MEMBER_ENTRIES)


def members_of_kind(kind):
    """The ids of the members of a kind, in the study's order."""
    return [id for id, member in MEMBER_ENTRIES.items() if member["kind"] == kind]


def members_of_origin(*origins):
    """The ids of the members whose predictions come from training, weights, run or files (`members/spec.py`)."""
    return [id for id, member in MEMBER_ENTRIES.items() if kind_of(member).origin in origins]


TRAINED_MEMBERS = members_of_origin("training")
IMPORTED_MEMBERS = members_of_origin("weights")
MEMBERS_RUN_ON_SETS = members_of_origin("run")
MEMBERS_IN_FILES = members_of_origin("files")
# Members whose network is known: only they have attributions and activations.
MEMBERS_WITH_NETWORK = [id for id, member in MEMBER_ENTRIES.items() if kind_of(member).has_network]
SUPERNET_ENTRIES = {supernet["id"]: supernet for supernet in STUDY["supernets"]}
SUPERNET_IDS = list(SUPERNET_ENTRIES)
SEARCHED_SUPERNET_IDS = [s["id"] for s in STUDY["supernets"] if "search" in s["bootstrapNAS"]]
BASE_MEMBERS = [s["base"]["member"] for s in STUDY["supernets"] if "member" in s["base"]]
BACKBONE_ENTRIES = {backbone["id"]: backbone for backbone in STUDY["backbones"]}
BACKBONE_IDS = list(BACKBONE_ENTRIES)
DATASET = {dataset["id"]: dataset for dataset in STUDY["datasets"]["validation"]}
DATASETS = list(DATASET)
CORRUPTED = [dataset["id"] for dataset in STUDY["datasets"]["validation"] if "of" in dataset]
# Measures that can be computed: two members at least must have what is compared.
STUDY_MEASURES = [
    measure
    for measure in STUDY["measures"]
    if MEASURES[measure].needs == "predictions" or len(MEMBERS_WITH_NETWORK) > 1
]

# The members that have what a measure compares.
COMPARED = {
    measure: MEMBER_IDS if MEASURES[measure].needs == "predictions" else MEMBERS_WITH_NETWORK
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
DATASET_KIND = DATASET_KINDS[STUDY["datasets"]["kind"]]
DATASET_KIND_FILE = DATASET_KINDS.file_of(DATASET_KIND.name)
# What must be there before images of the study can be read.
RAW_FILES = list(DATASET_KIND.raw_files)
IMPROVEMENTS = ["over_mean", "over_best"] + (["over_baseline"] if STUDY["baseline"] else [])


def one_of(names):
    """A wildcard constraint: exactly these names."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


STUDY_NAME = re.escape(STUDY["name"])


wildcard_constraints:
    study=STUDY_NAME,
    member=one_of(MEMBER_IDS),
    backbone=one_of(BACKBONE_IDS),
    supernet=one_of(SUPERNET_IDS),
    dataset=one_of(DATASETS),
    measure=one_of(STUDY_MEASURES),
    shard=r"\d+",


def member_settings(wildcards):
    """The resolved study's entry of a member, without what does not change the member."""
    entry = MEMBER_ENTRIES[wildcards.member]
    return {key: value for key, value in entry.items() if key != "expected_top1"}


def backbone_settings(wildcards):
    """The resolved study's entry of a backbone."""
    return BACKBONE_ENTRIES[wildcards.backbone]


def backbone_of_member(wildcards):
    """The files of the backbone that a member shares with all others that name it."""
    backbone = member_settings(wildcards)["backbone"]
    return {
        f"backbone_{kind}": f"results/{wildcards.study}/backbones/{backbone}.{suffix}"
        for kind, suffix in [("weights", "safetensors"), ("record", "json")]
    }


def supernet_settings(wildcards):
    """The resolved study's entry of a super-network."""
    return SUPERNET_ENTRIES[wildcards.supernet]


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


# Whether some ensembles are only found by looking at predictions again: more members, or fewer sizes, than all.
GREEDY_SEARCH = len(MEMBER_IDS) > 20 or STUDY["ensembles"]["sizes"] != "all"


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


def recorded_files(wildcards, members, kind):
    """What was recorded of members on a validation set, and the set's own files (`RecordedFiles` of the library).

    `kind` is predictions, attributions or activations. Members in users' files come from one job for all of them,
    into one folder: a file for each of a thousand members would make Snakemake's graph too slow.
    """
    folder, dataset = f"results/{wildcards.study}", wildcards.dataset
    in_files = set(members).intersection(MEMBERS_IN_FILES)
    own = [member for member in members if member not in in_files]
    files = {
        "records": [f"{folder}/predictions/{dataset}/{member}.json" for member in own],
        "arrays": [f"{folder}/{kind}/{dataset}/{member}.npy" for member in own],
        "labels": f"{folder}/labels/{dataset}.npy",
        "samples": f"{folder}/samples/{dataset}.txt",
        "set_record": f"{folder}/samples/{dataset}.json",
        "classes": classes_of_dataset(wildcards),
    }
    return files | ({"imported": f"{folder}/imported/predictions/{dataset}"} if in_files else {})


def members_compared(wildcards):
    """The members that have what a measure compares."""
    return COMPARED[wildcards.measure]


def measure_file(wildcards):
    """The file with the spec of a measure."""
    return MEASURES.file_of(wildcards.measure)


def compared(wildcards):
    """What a measure compares: the recorded arrays of the members that have them."""
    measure = MEASURES[wildcards.measure]
    return recorded_files(wildcards, members_compared(wildcards), measure.needs)


def predicted(wildcards):
    """The predictions of all members."""
    return recorded_files(wildcards, MEMBER_IDS, "predictions")


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


def predictions_for_greedy_search(wildcards):
    """Predictions, where the best ensembles are not among those that were evaluated."""
    return predicted(wildcards) if GREEDY_SEARCH else {}


def records_of_members_run_on_sets(wildcards):
    """Records of the members that were run here without their weights being known, on the first validation set."""
    folder = f"results/{wildcards.study}/predictions/{DATASETS[0]}"
    return expand(f"{folder}/{{member}}.json", member=MEMBERS_RUN_ON_SETS)


def spec_of_member(wildcards):
    """The file of a member's kind, for `code`."""
    return MEMBER_KINDS.file_of(MEMBER_ENTRIES[wildcards.member]["kind"])


def specs_of_members():
    """The files of all kinds that the study has members of, for `code`."""
    return [MEMBER_KINDS.file_of(kind) for kind in MEMBER_KINDS if members_of_kind(kind)]


def file_of_member(wildcards):
    """The user's file of a member; none where it has none, or a library downloads its own weights."""
    member = MEMBER_ENTRIES[wildcards.member]
    file = kind_of(member).file(member, wildcards.get("dataset", ""))
    return [] if file is None else [file]


def further_files_of_member(wildcards):
    """The user's files that decide what a member predicts, beside the one that it names."""
    member = MEMBER_ENTRIES[wildcards.member]
    return kind_of(member).further_files(member)


def lists_of(wildcards):
    """The user's files with the class names and sample ids of a member."""
    return lists_of_member(MEMBER_ENTRIES[wildcards.member], wildcards.get("dataset", ""))


def all_files_of_member(wildcards):
    """All files of the user's that decide what a member predicts, for `fingerprints`."""
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


def labelled_files(wildcards):
    """The files with the labels and ids of a validation set without images, and those that name its classes."""
    dataset, first = dataset_settings(wildcards), STUDY["members"][0]
    paths = [location(dataset[key]) for key in ("labels", "samples") if dataset[key]]
    of_first = [kind_of(first).file(first, dataset["id"]), *lists_of_member(first, dataset["id"])]
    return [*paths, *of_first]


def fingerprints(files):
    """A parameter that changes with the content of the user's files that `files` lists."""
    return lambda wildcards: [fingerprint(path) for path in files(wildcards)]


def pictures(*folders):
    """A parameter that changes with the pictures in the folders of a user."""
    folders_only = DATASET_KIND.fingerprint_folders_only
    return [fingerprint(folder, folders_only) for folder in folders if folder]


def classes_of_dataset(wildcards):
    """The list of classes that count on a validation set."""
    original = dataset_settings(wildcards).get("of", wildcards.dataset)
    return f"results/{wildcards.study}/classes/{original}.json"
