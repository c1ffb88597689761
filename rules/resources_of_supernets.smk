# What the jobs of super-networks and sub-networks request.


def supernet_megabytes(wildcards):
    """A batch with what back-propagation keeps of it, and the images for comparisons (bytes) and for batch norm."""
    supernet = supernet_settings(wildcards)
    pixels = supernet["image_size"] ** 2
    adaptation = supernet["bootstrapNAS"]["training"].get("batchnorm_adaptation", {})
    held = 2 * supernet["evaluation_images"] * 3 * STUDY["datasets"]["image_size"] ** 2 / 1e6
    held += batch_norm_megabytes(adaptation.get("num_bn_adaptation_samples", 2000), pixels)
    batch = supernet["batch_size"] * pixels / PIXELS * MB_PER_IMAGE
    return batch + held + 1000 * STUDY["workers"]


def batch_norm_megabytes(images, pixels):
    """Images of so many pixels as float32 colours, and the batches made of them."""
    return 2 * images * 3 * 4 * pixels / 1e6


def subnet_megabytes(wildcards):
    """The images for the batch norm of one sub-network."""
    member = member_settings(wildcards)
    pixels = SUPERNET_ENTRIES[member["supernet"]]["image_size"] ** 2
    return batch_norm_megabytes(member["batch_norm_images"], pixels)


def supernet_minutes(wildcards):
    """Three passes' work for every image of every epoch of every stage."""
    supernet = supernet_settings(wildcards)
    schedule = supernet["bootstrapNAS"]["training"]["schedule"]
    epochs = sum(stage.get("epochs", 1) for stage in schedule["list_stage_descriptions"])
    images = (supernet["training_images"] or DATASET_KIND.size.training) * epochs
    return images * supernet["image_size"] ** 2 / PIXELS * 3 / IMAGES_PER_SECOND / 60


def search_minutes(wildcards):
    """One pass for every held-out image and evaluated sub-network."""
    supernet = supernet_settings(wildcards)
    images = supernet["evaluation_images"] * supernet["bootstrapNAS"]["search"]["num_evals"]
    return images * supernet["image_size"] ** 2 / PIXELS / IMAGES_PER_SECOND / 60
