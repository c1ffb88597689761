"""BootstrapNAS, Intel's NNCF 2.19: a network whose depth and widths can be changed without new weights.

This is the only module that imports NNCF, which patches torch when it is imported. Only the jobs that train or search
a super-network import this module, each in a separate process.
"""

import copy
import itertools
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn

from scripts.lib.jobs.errors import StudyError
from scripts.lib.networks.vision import torchvision  # noqa: F401  # before NNCF, which needs it
from scripts.lib.supernets.notation import Config, Space, checked

os.environ["NNCF_TORCH_LEGACY_TRACING"] = "1"  # without it NNCF's graph is empty and no block is found
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # so that NNCF sends no data and needs no network access

logging.disable(logging.WARNING)  # NNCF would warn that it was tested with an older torch

import jsonschema
import nncf
from nncf.config.schemata.experimental_schema import BOOTSTRAP_NAS_SCHEMA
from nncf.config.structures import BNAdaptationInitArgs
from nncf.experimental.torch.nas.bootstrapNAS.elasticity.elasticity_dim import ElasticityDim
from nncf.experimental.torch.nas.bootstrapNAS.search.search import BaseSearchAlgorithm
from nncf.experimental.torch.nas.bootstrapNAS.training.model_creator_helpers import (
    create_compressed_model_from_algo_names,
)
from nncf.torch.model_creation import create_nncf_network

logging.getLogger("nncf").setLevel(logging.CRITICAL)  # refusals come as exceptions
logging.disable(logging.NOTSET)

Batches = list[tuple[torch.Tensor, torch.Tensor]]


class _AdaptationLoader:
    """The batches for batch norm in the form that NNCF expects."""

    def __init__(self, batches: Batches) -> None:
        self.batches, self.batch_size = batches, len(batches[0][0])

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class Supernet:
    """A network made elastic by NNCF. `model` computes the output of the active sub-network."""

    def __init__(self, model: nn.Module, settings: dict[str, Any], batches: Batches, device: torch.device) -> None:
        """Make `model` elastic, in place, as set in the section `bootstrapNAS` of `settings`.

        NNCF adapts batch norm on `batches` of training images. Raises StudyError if NNCF refuses the section, for
        example because a stage asks for an elasticity that is not available.
        """
        self.names = list(model.state_dict())
        section, size = _with_blocks(model, settings["bootstrapNAS"]), settings["image_size"]
        where = f"supernets/{settings['id']}/bootstrapNAS"
        try:
            jsonschema.validate(section, BOOTSTRAP_NAS_SCHEMA)  # NNCF itself ignores unknown keys
            config = nncf.NNCFConfig.from_dict(
                {"input_info": {"sample_size": [1, 3, size, size]}, "device": device.type, "bootstrapNAS": section}
            )
            config.register_extra_structs([BNAdaptationInitArgs(_AdaptationLoader(batches), device=str(device))])
            network = create_nncf_network(model, config)
            algorithms = [section["training"]["algorithm"]]
            self.controller: Any
            self.controller, self.model = create_compressed_model_from_algo_names(
                network, config, algorithms, dump_graphs=False
            )
            self.stages: list[Any] = self.controller.scheduler.list_stage_descriptors
        except jsonschema.ValidationError as error:
            raise StudyError(f"{where}/{'/'.join(map(str, error.absolute_path))}: {error.message} (NNCF).") from None
        except (ValueError, KeyError, AssertionError, nncf.ValidationError, nncf.InternalError) as error:
            raise StudyError(f"{where}: NNCF refuses it: {error}") from None
        self.config, self.handler = config, self.controller.multi_elasticity_handler
        self.has_width, self.has_depth = self.handler.width_handler is not None, self.handler.depth_handler is not None

    # Training.

    def start_training(self, optimizer: torch.optim.Optimizer, iterations: int) -> None:
        """Let NNCF set the optimizer's learning rate, for epochs of this many iterations."""
        self.controller.set_training_lr_scheduler_args(optimizer, iterations)
        self.iterations = iterations

    def start_epoch(self) -> int:
        """Begin the next epoch, and the next stage if the last has ended; returns the number of the stage, from 0."""
        self.controller.scheduler.epoch_step()
        return self.controller.scheduler.current_stage_idx

    def resume_after(self, epochs: int) -> None:
        """Restore NNCF's schedule as it was after this many epochs; the weights do not change."""
        weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        scheduler = self.controller.scheduler
        scheduler.epoch_step(epochs - 1)  # also reorganises weights and adapts batch norm if the stage starts with that
        self.model.load_state_dict(weights)
        into_stage = epochs - sum(stage.epochs for stage in self.stages[: scheduler.current_stage_idx])
        scheduler.lr_scheduler.epoch_step(into_stage - 1)
        scheduler.lr_scheduler.step(into_stage * self.iterations)

    def start_step(self) -> None:
        """Activate a random sub-network of the current stage and set the learning rate."""
        self.controller.scheduler.step()

    def penalty(self) -> torch.Tensor | float:
        """What NNCF adds to the loss (knowledge distillation, if the section asks for it; else 0)."""
        return self.controller.loss()

    # Sub-networks.

    def open(self) -> None:
        """Allow all sub-networks of the last stage, as for a trained super-network."""
        self.handler.enable_all()
        if self.has_width:
            self.handler.width_handler.width_num_params_indicator = self.stages[-1].width_indicator
        if self.has_depth:
            self.handler.depth_handler.depth_indicator = self.stages[-1].depth_indicator

    def activate_smallest(self) -> None:
        self.handler.activate_minimum_subnet()

    def activate_largest(self) -> None:
        self.handler.activate_supernet()

    def activate(self, config: Config) -> None:
        """Activate a sub-network. It is checked first, because NNCF would only warn and run another one."""
        config = checked(config, self.space())
        widths = {int(group): width for group, width in config["width"].items()}
        chosen: dict[Any, Any] = {ElasticityDim.WIDTH: widths, ElasticityDim.DEPTH: list(config["depth"])}
        self.handler.activate_subnet_for_config(
            {key: value for key, value in chosen.items() if key in self._dimensions}
        )

    @property
    def _dimensions(self) -> list[Any]:
        return self.handler.get_available_elasticity_dims()

    def active(self) -> Config:
        """The active sub-network in NNCF's notation."""
        config = self.handler.get_active_config()
        widths = {str(group): int(width) for group, width in config.get(ElasticityDim.WIDTH, {}).items()}
        return {"depth": sorted(config.get(ElasticityDim.DEPTH) or []), "width": widths}

    def macs(self) -> int:
        """Multiply-accumulate operations of the active sub-network's convolutions and linear layers, by NNCF."""
        return round(self.handler.count_flops_and_weights_for_active_subnet()[0] / 2)

    def space(self) -> Space:
        """What the network can be cut to after the last stage (see `notation`)."""
        groups, blocks = [], []
        if self.has_width:
            most = self.stages[-1].width_indicator
            for cluster in self.handler.width_handler._pruned_module_groups_info.get_all_clusters():
                layers = [_module_name(element.node_name) for element in cluster.elements]
                groups.append({"layers": layers, "widths": cluster.elements[0].elastic_op.width_list[:most]})
        if self.has_depth:
            skipped = self.handler.depth_handler._tracing_context.skipped_blocks
            blocks = [_module_name(block.end_node_name).rpartition(".")[0] for block in skipped]
        return {"groups": groups, "blocks": blocks, "depth_indicator": self.stages[-1].depth_indicator}

    def weights(self) -> dict[str, torch.Tensor]:
        """Parameters and buffers under the names that they had before NNCF."""
        state = self.model.state_dict()
        return {name: state[name] for name in self.names}

    # Search.

    def search(self, accuracy: Callable[[nn.Module], float]) -> None:
        """Run NNCF's search. `accuracy` is called with the model and its active sub-network, and returns percent."""
        section = self.config["bootstrapNAS"]["search"]
        # Batch norm is recalibrated in `accuracy`: NNCF would mix statistics of earlier sub-networks into it.
        section["batchnorm_adaptation"] = {"num_bn_adaptation_samples": 0}

        def validate(model: nn.Module, _: Any) -> float:
            return accuracy(model)

        self.open()
        algorithm = BaseSearchAlgorithm.from_config(self.model, self.controller.elasticity_controller, self.config)
        algorithm._verbose = False
        with TemporaryDirectory() as folder:
            algorithm.run(validate, [], str(Path(folder)))


def _with_blocks(model: Any, section: dict[str, Any]) -> dict[str, Any]:
    """NNCF's section with the blocks that may be left out, each from the ReLU before it to its own ReLU.

    By NNCF's own choice, the first of each stage would begin before the ReLU of the preceding block and leave that out
    as well; the result would not be an ordinary ResNet.
    """
    section = copy.deepcopy(section)
    elasticity = section["training"]["elasticity"]
    if "depth" not in elasticity["available_elasticity_dims"]:
        return section
    pairs = []
    for name in ("layer1", "layer2", "layer3", "layer4"):
        stage = model.get_submodule(name)
        calls = sum(isinstance(module, nn.Conv2d) for module in stage[-1].children())  # of the block's one ReLU
        path = f"ResNet/Sequential[{name}]/{type(stage[-1]).__name__}"
        ends = [f"{path}[{number}]/ReLU[relu]/relu_{calls - 1}" for number in range(len(stage))]
        pairs += [list(pair) for pair in itertools.pairwise(ends)]
    elasticity.setdefault("depth", {}).setdefault("skipped_blocks", pairs)
    return section


def _module_name(node: str) -> str:
    """`ResNet/Sequential[layer1]/Bottleneck[0]/NNCFConv2d[conv1]/conv2d_0` is the module `layer1.0.conv1`."""
    return ".".join(re.findall(r"\[(\w+)\]", node))
