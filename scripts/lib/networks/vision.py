"""Imports torchvision and then timm, which needs it. All other modules import both from here."""

import torch

try:
    import torchvision
except RuntimeError:
    # PyPI's torchvision is built for CUDA. With a CPU-only torch its compiled operators do not load, and the import
    # fails when it registers shapes for two of them. The pure-Python parts (models, transforms, datasets) need only
    # the schemas of these two.
    _library = torch.library.Library("torchvision", "DEF")
    _library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

import timm
import timm.models.resnet
import timm.scheduler

__all__ = ["timm", "torchvision"]
