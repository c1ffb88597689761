"""Training images in batches: order, and each process's share. Both depend only on seed and epoch."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler

from scripts.lib.datasets.image_set import ImageSet
from scripts.lib.jobs.errors import StudyError
from scripts.lib.jobs.randomness import derive, seed_everything
from scripts.lib.training.augmentation import Augmentation
from scripts.lib.training.distributed import rank, world


class Transformed(Dataset[Any]):
    """Training images after the augmentation of Table iii, as batches: float32 [B, 3, S, S] and labels int64 [B]."""

    def __init__(self, images: ImageSet, settings: dict[str, Any]) -> None:
        self.images, self.augmentation = images, Augmentation(settings)

    def __len__(self) -> int:
        return len(self.images)

    def __getitems__(self, rows: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        pictures = (self.images.images[row] for row in rows)
        return self.augmentation.batch(pictures), torch.from_numpy(self.images.labels[rows])


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

    `images` returns a whole batch for a list of rows (`__getitems__`). `batch` is the number of images in one step,
    over all processes.
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
            collate_fn=_unchanged,
            num_workers=workers,
            generator=self.order,
            # All processes draw the same seed for their workers from `order`.
            worker_init_fn=partial(_own_streams, rank()) if rank() else None,
            pin_memory=torch.cuda.is_available(),
        )

    def __len__(self) -> int:
        return len(self.loader)

    def epoch(self, epoch: int) -> Iterator[Any]:
        """The batches of one epoch, with the random streams of that epoch."""
        self.order.manual_seed(derive(self.seed, "order", epoch))
        seed_everything(derive(self.seed, "augmentation", epoch, *([rank()] if rank() else [])))
        return iter(self.loader)


def _own_streams(rank: int, worker: int) -> None:
    """Random streams of a loading process that no process of another rank has."""
    seed_everything(derive(torch.initial_seed(), "rank", rank, worker))


def _unchanged(batch: Any) -> Any:
    return batch
