"""The one place that imports torchvision and then timm, which needs it; every other module takes them from here."""

import torch

try:
    import torchvision
except RuntimeError:
    # PyPI's torchvision is built for CUDA. Beside a CPU-only torch its compiled operators do not load, and the import
    # stops where it registers shapes for two of them. Their schemas are all that the pure-Python parts (models,
    # transforms, datasets) need.
    _library = torch.library.Library("torchvision", "DEF")
    _library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

import timm
import timm.models.resnet
import timm.scheduler

__all__ = ["timm", "torchvision"]
