"""Write checkpoints of timm's architectures, like those of training scripts.

Run it with `python examples/timm-zoo/make_zoo.py FOLDER`. It trains each model for some seconds on a part of
Fashion-MNIST and writes `{model}.safetensors` or, like many training scripts, a `.pth` file with weights and other
content. The study then treats these files as external models.
"""

import sys
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy, interpolate

from scripts.lib.datasets.fashion_mnist import fetch, read
from scripts.lib.networks.vision import timm

# Model, learning rate.
MODELS = {
    "resnet10t": 2e-3,
    "mobilenetv3_small_050": 4e-3,
    "test_efficientnet": 4e-3,
    "regnetx_002": 2e-3,
    "ghostnet_050": 4e-3,
    "test_convnext": 2e-3,
    "test_vit": 2e-3,
}
IMAGES, SIZE, BATCH, EPOCHS = 4000, 32, 64, 2
MEAN, STD = 0.3, 0.35


def trained(name: str, images: torch.Tensor, labels: torch.Tensor) -> Any:
    """One model after a short training."""
    torch.manual_seed(len(name))
    options = {"img_size": SIZE} if name == "test_vit" else {}
    model: Any = timm.create_model(name, num_classes=10, **options)
    steps = EPOCHS * len(images) // BATCH
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, MODELS[name], total_steps=steps)
    for rows in torch.randint(len(images), (steps, BATCH)):
        optimizer.zero_grad()
        cross_entropy(model.train()(images[rows]), labels[rows]).backward()
        optimizer.step()
        schedule.step()
    return model


def training_images(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Images float32 [N, 3, S, S] as timm's models expect them, and labels, from the Fashion-MNIST in `folder`."""
    if not any(folder.glob("*.gz")):
        fetch(None, folder)
    pixels, labels = read(folder, "train")
    grey = torch.from_numpy(pixels[:IMAGES].copy()).float().unsqueeze(1) / 255
    images = interpolate(grey, (SIZE, SIZE), mode="bilinear", antialias=True).expand(-1, 3, -1, -1)
    return (images - MEAN) / STD, torch.from_numpy(labels[:IMAGES])


def main(folder: Path) -> None:
    """Train all models and write their files into `folder`.

    Fashion-MNIST is read from the folder `fashion-mnist` beside it, into which it is fetched if it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = training_images(folder.parent / "fashion-mnist")
    for number, name in enumerate(MODELS, start=1):
        start = time.perf_counter()
        state = {key: value.contiguous() for key, value in trained(name, images, labels).state_dict().items()}
        part = folder / f".{name}.part"
        if number % 3:
            save_file(state, part, metadata={"model": name})
            part.replace(folder / f"{name}.safetensors")
        else:
            torch.save({"epoch": EPOCHS, "state_dict": state}, part)
            part.replace(folder / f"{name}.pth")
        print(f"{number}/{len(MODELS)} {name}: {time.perf_counter() - start:.0f} s", flush=True)
    (folder / "notes.txt").write_text("Not everything in a zoo is a model.\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
