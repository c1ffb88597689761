"""Training images in batches: augmentation, order, and each process's share. All depend only on seed and epoch."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.networks.vision import torchvision
from scripts.lib.training.distributed import rank, world

transforms = torchvision.transforms


class Transformed(Dataset[tuple[torch.Tensor, int]]):
    """Training images after the augmentation of Table iii."""

    def __init__(self, images: ImageSet, member: dict[str, Any]) -> None:
        self.images = images
        self.augment = training_transforms(member)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.augment(self.images.images[row]), int(self.images.labels[row])


def training_transforms(member: dict[str, Any]) -> Any:
    """RandomResizedCrop, RandomHorizontalFlip, Normalize (paper, Table iii): RGB picture → float32 [3, S, S]."""
    settings = member["transforms"]
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(
                member["image_size"], tuple(settings["crop_scale"]), tuple(settings["crop_ratio"])
            ),
            transforms.RandomHorizontalFlip(settings["horizontal_flip"]),
            transforms.ToTensor(),
            transforms.Normalize(settings["mean"], settings["std"]),
        ]
    )


class _Shares(Sampler[list[int]]):
    """This process's share of every batch; the whole batch if there is only one process."""

    def __init__(self, batches: BatchSampler) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.batches:
            yield batch[rank() :: world()]


class Loader:
    """Batches of an epoch. Order and augmentation depend only on the seed in `settings` and the epoch's number.

    `batch` is the number of images in one step, over all processes.
    """

    def __init__(self, images: Dataset[Any], settings: dict[str, Any], workers: int) -> None:
        self.seed, self.order = settings["seed"], torch.Generator()
        count: int = len(images)  # type: ignore[arg-type]
        self.batch = min(settings["batch_size"], count)
        if self.batch < world():
            raise StudyError(f"a batch of {self.batch} images cannot be shared by {world()} processes.")
        in_order = RandomSampler(images, generator=self.order)  # type: ignore[arg-type]
        self.loader = DataLoader(
            images,
            # A last batch of one image would break batch norm.
            batch_sampler=_Shares(BatchSampler(in_order, self.batch, drop_last=True)),
            num_workers=workers,
            generator=self.order,
            pin_memory=torch.cuda.is_available(),
        )

    def __len__(self) -> int:
        return len(self.loader)

    def epoch(self, epoch: int) -> Iterator[Any]:
        """The batches of one epoch, with the random streams of that epoch."""
        self.order.manual_seed(derive(self.seed, "order", epoch))
        seed_everything(derive(self.seed, "augmentation", epoch, *([rank()] if rank() else [])))
        return iter(self.loader)
