# From the study file to wildcards, and what several stages share.
import os
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from scripts.lib.datasets.spec import DATASET_KINDS
from scripts.lib.ensembles.consensus.spec import CONSENSUS_METHODS, averaging
from scripts.lib.inference.attribution_methods.spec import ATTRIBUTION_METHODS
from scripts.lib.jobs.code_digest import code_digest
from scripts.lib.jobs.software_environments import missing_program
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.fingerprint import fingerprint
from scripts.lib.jobs.run_progress import RunProgress
from scripts.lib.jobs.user_paths import location
from scripts.lib.measures.spec import MEASURES
from scripts.lib.members.files import lists_of_member
from scripts.lib.members.scale import scale_of
from scripts.lib.members.spec import MEMBER_KINDS, kind_of
from scripts.lib.members.stated_outputs import class_lists
from scripts.lib.report.files import CSV_OF_DATASET, CSV_OF_STUDY, content_of
from scripts.lib.report.figure import FIGURES, StudyOutline, captioned_pictures, figures_of
from scripts.lib.study.resolve import resolve
from scripts.lib.study.file import check_study_file
from scripts.lib.training.losses.spec import LOSS_TERMS, double_backward
from scripts.lib.study.groups import has_swept_loss
from scripts.lib.study.user_files import check_files, check_folders

# Not workflow.basedir, which is the folder of the outer workflow if this one is used as a module.
PROJECT = Path(workflow.current_basedir).parent
# Every job reads the rules again; the checks below are made once, before the graph is built.
FIRST_READING = workflow.is_main_process

try:
    # Snakemake has read the study file, but it does not report keys that are given twice. As a module, this workflow
    # gets its study from the outer one. A pipe can be read only once, so only regular files are checked.
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

# As a module, this workflow leaves the output of the outer one as it is.
if FIRST_READING and not workflow.modifier.skip_configfile:
    logger.addHandler(RunProgress(workflow, Path(f"results/{STUDY['name']}/benchmarks")))


# Whenever Snakemake looks for jobs to start, it sets a timer to look again a second later, because of its default limit
# of 100 jobs a second. Each job that ends starts one more such chain of timers, so the looks in a second grow with the
# number of jobs that have ended. On one machine the limit has no use.
onstart:
    limit = workflow.scheduling_settings.max_jobs_per_timespan
    if workflow.local_exec and limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None


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
MEMBERS_RUN_HERE = members_of_origin("training", "weights", "run")
# Members whose network is known: only they have attributions and activations.
MEMBERS_WITH_NETWORK = [id for id, member in MEMBER_ENTRIES.items() if kind_of(member).has_network]
# What is recorded of members on a validation set: a folder of each for every set.
RECORDED_KINDS = ["predictions"] + (["attributions", "activations"] if MEMBERS_WITH_NETWORK else [])
# Members that are trained together: the groups by id, and the group of each member.
GROUP_ENTRIES = {group["id"]: group for group in STUDY["groups"]}
GROUP_IDS = list(GROUP_ENTRIES)
GROUP_OF = {member: group["id"] for group in STUDY["groups"] for member in group["members"]}
# Groups that differ only in their seed belong to one setting, named by their id without the seed. One job runs all groups
# of a setting on the validation sets: most are small networks, and starting a process takes as long as running a group.
GROUPS_OF_SETTING = {}
for group in GROUP_ENTRIES.values():
    setting = group["id"].removesuffix(f"-s{group['seed']}")
    GROUPS_OF_SETTING.setdefault(setting, []).append(group["id"])
SUPERNET_ENTRIES = {supernet["id"]: supernet for supernet in STUDY["supernets"]}
SUPERNET_IDS = list(SUPERNET_ENTRIES)
SEARCHED_SUPERNET_IDS = [s["id"] for s in STUDY["supernets"] if "search" in s["bootstrapNAS"]]
BASE_MEMBERS = [s["base"]["member"] for s in STUDY["supernets"] if "member" in s["base"]]
BACKBONE_ENTRIES = {backbone["id"]: backbone for backbone in STUDY["backbones"]}
BACKBONE_IDS = list(BACKBONE_ENTRIES)
DATASET = {dataset["id"]: dataset for dataset in STUDY["datasets"]["validation"]}
DATASETS = list(DATASET)
CORRUPTED = [dataset["id"] for dataset in STUDY["datasets"]["validation"] if "of" in dataset]
# Measures that can be computed: at least two members must have what is compared.
STUDY_MEASURES = [
    measure
    for measure in STUDY["measures"]
    if MEASURES[measure].needs == "predictions" or len(MEMBERS_WITH_NETWORK) > 1
]

# What a study of several validation sets has besides.
SHIFT_TABLES = [
    f"results/{{study}}/{table}.parquet"
    for table in (
        "robustness",
        "robustness_lines",
        "robustness_over_sets",
        "robustness_by_size",
        "effects_from_clean",
        "predictors",
        *(f"held_out/{dataset}" for dataset in DATASETS),
    )
    if len(DATASETS) > 1
]

# The members that have what a measure compares.
COMPARED = {
    measure: MEMBER_IDS if MEASURES[measure].needs == "predictions" else MEMBERS_WITH_NETWORK
    for measure in STUDY_MEASURES
}

CONSENSUS = STUDY["ensembles"]["consensus"]
# The first consensus that averages probabilities, which calibration judges; None if the study has none.
AVERAGING = next(iter(averaging(CONSENSUS)), None)

# What a study that averages chooses besides.
CHOICE_TABLES = [
    f"results/{{study}}/{table}.parquet" for table in ("choices", "choices_held_out") if AVERAGING
]

# What becomes of the recommended ensembles under shift.
HELD_OUT_TABLES = [
    f"results/{{study}}/held_out/{dataset}.parquet" for dataset in DATASETS if len(DATASETS) > 1
]

# The files of the specs that a study names: they decide what it computes, and how tables, figures and report name it.
MEASURE_FILES = [MEASURES.file_of(measure) for measure in STUDY["measures"]]
CONSENSUS_FILES = [CONSENSUS_METHODS.file_of(method) for method in CONSENSUS]
ATTRIBUTION_METHOD = ATTRIBUTION_METHODS[STUDY["attributions"]["method"]]
ATTRIBUTION_FILE = ATTRIBUTION_METHODS.file_of(ATTRIBUTION_METHOD.name)
LOSS_FILES = [LOSS_TERMS.file_of(name) for name in LOSS_TERMS]
SHARDS = STUDY["shards"]
# What decides which training images there are.
TRAINING = {key: STUDY["datasets"][key] for key in ("kind", "folder", "training", "classes")}
DATASET_KIND = DATASET_KINDS[STUDY["datasets"]["kind"]]
DATASET_KIND_FILE = DATASET_KINDS.file_of(DATASET_KIND.name)
# How many samples of each validation set can be shown with all there is of them: attributions are of the first ones.
SAMPLES_WITH_PICTURES = None if DATASET_KIND.has_images else 0
if DATASET_KIND.has_images and MEMBERS_WITH_NETWORK:
    SAMPLES_WITH_PICTURES = STUDY["attributions"]["samples"]
# Files that must exist before images of the study can be read.
RAW_FILES = list(DATASET_KIND.raw_files)
IMPROVEMENTS = ["over_mean", "over_best"] + (["over_baseline"] if STUDY["baseline"] else [])


def one_of(names):
    """A wildcard constraint: exactly these names."""
    return "|".join(re.escape(name) for name in names)


STUDY_NAME = re.escape(STUDY["name"])


# A wildcard that nothing in the study can have, such as a super-network where there is none, is in no rule.
POSSIBLE_NAMES = {
    "member": MEMBER_IDS,
    "backbone": BACKBONE_IDS,
    "group": GROUP_IDS,
    "setting": list(GROUPS_OF_SETTING),
    "supernet": SUPERNET_IDS,
    "dataset": DATASETS,
    "measure": STUDY_MEASURES,
}


wildcard_constraints:
    **{wildcard: one_of(names) for wildcard, names in POSSIBLE_NAMES.items() if names},
    study=STUDY_NAME,
    shard=r"\d+",


def without(entry, *keys):
    """An entry of the resolved study without some of its keys."""
    return {key: value for key, value in entry.items() if key not in keys}


def settings_of(member):
    """The resolved study's entry of a member, without the keys that do not change the member."""
    return without(MEMBER_ENTRIES[member], "expected_top1", "family")


def member_settings(wildcards):
    return settings_of(wildcards.member)


def training_scale(wildcards):
    """How a member's training uses its device."""
    return scale_of(settings_of(wildcards.member), STUDY["training"])


def group_settings(wildcards):
    """The resolved study's entry of a group, with the entries of its members in place of their ids."""
    group = GROUP_ENTRIES[wildcards.group]
    return group | {"members": [settings_of(member) for member in group["members"]]}


def checkpoint(member, suffix):
    """The file with a member's weights ("safetensors") or the record of its training ("json")."""
    folder = f"groups/{GROUP_OF[member]}" if member in GROUP_OF else "checkpoints"
    return f"results/{{study}}/{folder}/{member}.{suffix}"


def backbone_settings(wildcards):
    """The resolved study's entry of a backbone."""
    return BACKBONE_ENTRIES[wildcards.backbone]


def supernet_settings(wildcards):
    """The resolved study's entry of a super-network."""
    return SUPERNET_ENTRIES[wildcards.supernet]


def dataset_settings(wildcards):
    """The resolved study's entry of a validation set."""
    return DATASET[wildcards.dataset]


def original_of(dataset):
    """The validation set that a corrupted one is made from; of another set, itself."""
    return DATASET[dataset].get("of", dataset)


def code(script, *specs):
    """A digest of what a script and all modules that it imports compute; a parameter of every rule.

    `specs` are the files of the specs that decide the result, or functions of the wildcards that return one. Snakemake
    notices neither a changed module, nor (because the profiles say so) a changed script: only this tells it.
    """

    def digest(wildcards):
        files = [spec(wildcards) if callable(spec) else spec for spec in specs]
        return code_digest(PROJECT / "scripts" / f"{script}.py", *files)

    return digest


# Whether the best ensembles must be searched for in the predictions, because not all ensembles are evaluated.
GREEDY_SEARCH = len(MEMBER_IDS) > 20 or STUDY["ensembles"]["sizes"] != "all"


def members_compared(wildcards):
    """The members that have what a measure compares."""
    return COMPARED[wildcards.measure]


def measure_file(wildcards):
    """The file with the spec of a measure."""
    return MEASURES.file_of(wildcards.measure)


def spec_of_member(wildcards):
    """The file of a member's kind, for `code`."""
    return MEMBER_KINDS.file_of(MEMBER_ENTRIES[wildcards.member]["kind"])


def specs_of_members():
    """The files of all kinds that the study has members of, for `code`."""
    return [MEMBER_KINDS.file_of(kind) for kind in MEMBER_KINDS if members_of_kind(kind)]


def fingerprints(files):
    """A parameter that changes with the content of the users' files that `files` lists."""
    return lambda wildcards: [fingerprint(path) for path in files(wildcards)]


def pictures(*folders):
    """A parameter that changes with the pictures in a user's folders."""
    folders_only = DATASET_KIND.fingerprint_folders_only
    return [fingerprint(folder, folders_only) for folder in folders if folder]
