# What a job asks of a cluster (mem_mb, runtime in minutes, gpu), as functions of its work.
# They are generous estimates, not measured on a cluster of GPUs: a cluster stops a job that exceeds them, and every new
# attempt asks for more. A profile can replace any of them (set-resources).

# Python with torch, read from a busy file system.
BASE_MB = 2000
BASE_MINUTES = 10
# A training job continues after its last finished epoch, so a long training may take several attempts.
LONGEST_MINUTES = 24 * 60
# Reference for the size of an image: the costs below are those of a ResNet-50 on 224 × 224 pixels.
PIXELS = 224**2
MB_PER_IMAGE = 90
MINUTES_PER_IMAGE = 0.2 / 60  # reading, cropping or corrupting it
BATCH = 100  # images that inference passes at once


def gpus_of_a_job():
    """1 if the study may use a GPU and there is one: on this machine, or by the limit `gpu` of a cluster's profile.

    A job on a cluster reads the rules again: its limit is what it asked for.
    """
    limit = workflow.global_resources.get("gpu").value
    if STUDY["device"] == "cpu" or limit == 0:
        return 0
    if workflow.local_exec and workflow.is_main_process:
        return int(any(Path(os.sep, "dev").glob("nvidia[0-9]*")))
    return int(limit is not None)


GPUS = gpus_of_a_job()
IMAGES_PER_SECOND = 300 if GPUS else 5


# Jobs of a group take turns on the group's GPU; in parallel, all would compute on the first GPU that they see.
resource_scopes:
    gpu_jobs="local",


def requests(megabytes=lambda wildcards: 0, minutes=lambda wildcards: 0, gpu=0):
    """The resources of a rule: what its work takes above the base, times the number of the attempt."""
    return {
        "mem_mb": lambda wildcards, attempt: attempt * (BASE_MB + round(megabytes(wildcards))),
        "runtime": lambda wildcards, attempt: min(
            attempt * (BASE_MINUTES + round(minutes(wildcards))), LONGEST_MINUTES
        ),
        "gpu": gpu,
        "gpu_jobs": min(gpu, 1),
    }


def size_of_set(dataset):
    """Number of images in a validation set; a corrupted one has those of its original."""
    return DATASET[original_of(dataset)]["images"] or DATASET_KIND.size.validation


def samples_of(wildcards):
    """Number of images in the validation set of a job."""
    return size_of_set(wildcards.dataset)


SAMPLES_OF_ALL_SETS = sum(map(size_of_set, DATASETS))
SAMPLES_OF_LARGEST_SET = max(map(size_of_set, DATASETS))


def network_settings(wildcards):
    """The entry of a backbone or of a member; a member on a backbone sees images of the backbone's size."""
    if hasattr(wildcards, "backbone"):
        return backbone_settings(wildcards)
    member = member_settings(wildcards)
    return BACKBONE_ENTRIES[member["backbone"]] | member if "backbone" in member else member


def relative_pixels(wildcards):
    """Size of the images that a network sees, relative to the reference."""
    size = network_settings(wildcards).get("image_size") or STUDY["datasets"]["image_size"]
    return size**2 / PIXELS


def views(wildcards):
    """Passes through a network for one image: more than one only where it is trained on several crops."""
    if not hasattr(wildcards, "backbone"):
        return 1
    crops = backbone_settings(wildcards)["views"]
    return 3 + crops["local_count"]


def images_minutes(wildcards):
    """Preparing the images of a validation set one by one."""
    return samples_of(wildcards) * MINUTES_PER_IMAGE


def training_megabytes(wildcards):
    """A batch with what back-propagation keeps of it (on a GPU that is in the GPU), and the loading processes."""
    batch = network_settings(wildcards).get("batch_size", 256) * views(wildcards)
    return batch * relative_pixels(wildcards) * MB_PER_IMAGE + 1000 * STUDY["workers"]


def training_minutes(wildcards):
    """Three passes' work for every image, and every view of it, of every epoch."""
    network = network_settings(wildcards)
    images = (network.get("training_images") or DATASET_KIND.size.training) * network.get(
        "epochs", 1
    )
    images *= views(wildcards)
    return images * relative_pixels(wildcards) * 3 / IMAGES_PER_SECOND / 60


def costs_of_members(cost, groups):
    """A cost of each member of some groups."""
    members = [member for group in groups for member in GROUP_ENTRIES[group]["members"]]
    return [cost(SimpleNamespace(member=member)) for member in members]


def group_megabytes(wildcards):
    """What back-propagation keeps of a batch of all members."""
    return sum(costs_of_members(training_megabytes, [wildcards.group])) * work_of_loss(wildcards)


def group_minutes(wildcards):
    """The trainings of all members, one after the other."""
    return sum(costs_of_members(training_minutes, [wildcards.group])) * work_of_loss(wildcards)


def work_of_loss(wildcards):
    """Relative to plain trainings: a loss of attributions is differentiated twice."""
    return 3 if double_backward(GROUP_ENTRIES[wildcards.group]["loss"]) else 1


def groups_inference_megabytes(wildcards):
    """That of the largest member."""
    return max(costs_of_members(inference_megabytes, GROUPS_OF_SETTING[wildcards.setting]))


def groups_inference_minutes(wildcards):
    """All members together."""
    return sum(costs_of_members(inference_minutes, GROUPS_OF_SETTING[wildcards.setting]))


def inference_megabytes(wildcards):
    """A batch for the gradient, and the arrays that are written."""
    pixels = STUDY["datasets"]["image_size"] ** 2
    written = (
        SAMPLES_OF_LARGEST_SET * DATASET_KIND.size.classes * 4
        + STUDY["attributions"]["samples"] * pixels * 4
    )
    return BATCH * relative_pixels(wildcards) * MB_PER_IMAGE + 2 * written / 1e6


def inference_minutes(wildcards):
    """On all sets: one pass for every sample, and three passes' work for every pass of an attribution, there and back."""
    settings = STUDY["attributions"]
    attributions = 3 * ATTRIBUTION_METHOD.passes(settings["steps"]) * settings["samples"]
    passes = SAMPLES_OF_ALL_SETS + len(DATASETS) * attributions
    return passes * relative_pixels(wildcards) / IMAGES_PER_SECOND / 60


def predict_minutes(wildcards):
    """The member's `timeout` and the time for writing the images, on all sets; without a timeout, that of inference."""
    settings = member_settings(wildcards)
    if "timeout" in settings:
        return len(DATASETS) * settings["timeout"] / 60 + SAMPLES_OF_ALL_SETS * MINUTES_PER_IMAGE
    return inference_minutes(wildcards)


def pairwise_megabytes(wildcards):
    """Blocks of samples of all members and a few matrices of all pairs."""
    return 1000 + 5 * len(MEMBER_IDS) + 100 * len(MEMBER_IDS) ** 2 / 1e6


def pairwise_minutes(wildcards):
    """Every pair of members on every sample and class, as the most expensive measure (Jensen-Shannon) needs it."""
    pairs = len(MEMBER_IDS) ** 2 / 2
    return pairs * samples_of(wildcards) / SHARDS * DATASET_KIND.size.classes * 1e-9 / 60


def member_pairs_megabytes(wildcards):
    """The predicted class of every member on every sample, whether it is right, and the table of all pairs."""
    members = len(MEMBER_IDS)
    return 1000 + members * samples_of(wildcards) * 25 / 1e6 + members**2 * 200 / 1e6


# Evaluated ensembles: all of up to 20 members, else a sample of each size.
ENSEMBLES = (
    min(2 ** len(MEMBER_IDS), 2**20) if not GREEDY_SEARCH else STUDY["ensembles"]["per_size"] * 20
)


def ensembles_megabytes(wildcards):
    """Blocks of probabilities, and a table of all ensembles."""
    return 2000 + 2 * ENSEMBLES / 1000


def ensembles_minutes(wildcards):
    """Every ensemble on every sample."""
    return ENSEMBLES * samples_of(wildcards) * 1e-7 / 60 + len(MEMBER_IDS) * 0.1


def held_out_megabytes(wildcards):
    """Blocks of probabilities, and which samples every member and each of some forty ensembles classifies correctly."""
    return 2000 + (len(MEMBER_IDS) + 50) * samples_of(wildcards) * 5 / 1e6


def held_out_minutes(wildcards):
    """The probabilities of all members, some forty ensembles, and drawing the samples a thousand times."""
    numbers = (len(MEMBER_IDS) + 500) * DATASET_KIND.size.classes
    return samples_of(wildcards) * (numbers * 1e-8 + 1e-4) / 60 + 1


def choices_megabytes(wildcards):
    """Blocks of probabilities; of each sample, those of some classes; losses of all ensembles."""
    numbers = len(MEMBER_IDS) * SAMPLES_OF_ALL_SETS * min(DATASET_KIND.size.classes, 50)
    return 2000 + (8 * numbers + 200 * ENSEMBLES) / 1e6


def choices_minutes(wildcards):
    """Some hundred passes over the numbers above, and every ensemble on every sample: calibrated and not, for each set
    and for each way to put all sets together."""
    numbers = len(MEMBER_IDS) * SAMPLES_OF_ALL_SETS * DATASET_KIND.size.classes
    passes = 2 * (1 + len(STUDY["deployment"]["over"]))
    return 1 + (300 * numbers * 1e-9 + ENSEMBLES * SAMPLES_OF_ALL_SETS * passes * 1e-8) / 60


# Ensembles whose probabilities are judged: the best of each size up to 20, and all members.
JUDGED_ENSEMBLES = min(len(MEMBER_IDS), 20) if AVERAGING else 0


def temperatures_megabytes(wildcards):
    """The selection split of one member or average in float64, and blocks."""
    return 2000 + size_of_set(DATASETS[0]) * DATASET_KIND.size.classes * 8 * 3 / 1e6


def temperatures_minutes(wildcards):
    """Some seventy passes over the probabilities of each member and average, and the probabilities of its members."""
    passes = 70 * (len(MEMBER_IDS) + 2 * JUDGED_ENSEMBLES) + probabilities_of_ensembles()
    return passes * size_of_set(DATASETS[0]) * DATASET_KIND.size.classes * 1e-8 / 60


def calibration_megabytes(wildcards):
    """Blocks of probabilities, and of each ensemble and sample some confidences."""
    return 2000 + 60 * JUDGED_ENSEMBLES * samples_of(wildcards) / 1e6


def calibration_minutes(wildcards):
    """A few passes over the probabilities of each member and ensemble, before and after scaling."""
    passes = 10 * len(MEMBER_IDS) + 6 * probabilities_of_ensembles()
    return passes * samples_of(wildcards) * DATASET_KIND.size.classes * 1e-8 / 60


def probabilities_of_ensembles():
    """Members of the ensembles whose probabilities are judged, for both ways of averaging."""
    return JUDGED_ENSEMBLES * (JUDGED_ENSEMBLES + 1) + 2 * len(MEMBER_IDS)


def effects_minutes(wildcards):
    """Every measure on every validation set; from 46 members on, permutations look up the pairs of each ensemble."""
    seconds = 0.004 if len(MEMBER_IDS) > 45 else 0.002
    permutations = STUDY["statistics"]["effect_permutations"]
    return 1 + len(DATASETS) * len(STUDY_MEASURES) * permutations * seconds / 60


def effects_from_clean_minutes(wildcards):
    """Twice the effects: members are held fixed as they are under the shift, and as they are on the clean set. The
    predictors of gain need no permutations."""
    return 1 + 2 * effects_minutes(wildcards)


def variance_shares_minutes(wildcards):
    """Some passes over all ensembles of every validation set, with every measure."""
    return 1 + len(DATASETS) * len(STUDY_MEASURES) * ENSEMBLES * 5e-6 / 60


def correlations_minutes(wildcards):
    """Every measure on every validation set, with its permutations."""
    return len(DATASETS) * len(STUDY_MEASURES) * STUDY["statistics"]["permutations"] / 1000
