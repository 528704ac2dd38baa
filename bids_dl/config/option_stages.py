"""The stage of each declaration of options, whose fields have the defaults of the options."""

from __future__ import annotations

from typing import Any

from bids_dl.config.annotation_options import DetectionOptions
from bids_dl.config.annotation_stage import DetectionConfig
from bids_dl.config.cache_stage import CacheConfig
from bids_dl.config.catalogue_options import CatalogueOptions
from bids_dl.config.catalogue_stage import CatalogueConfig
from bids_dl.config.defaults import default_values
from bids_dl.config.embedding_options import EmbedOptions, ProbeOptions
from bids_dl.config.embedding_stage import EmbedConfig, ProbeConfig
from bids_dl.config.explain_options import ExplainOptions
from bids_dl.config.explain_stage import ExplainConfig
from bids_dl.config.export_options import WindowChoiceOptions
from bids_dl.config.export_stage import ExportConfig
from bids_dl.config.finding_options import DatasetFilterOptions
from bids_dl.config.finding_stage import FindConfig
from bids_dl.config.labelling_options import PageOptions
from bids_dl.config.labelling_stage import LabellingConfig
from bids_dl.config.options import (
    AccessOptions,
    CheckOptions,
    EventOptions,
    FetchOptions,
    JobOptions,
    LabelOptions,
    RecipeOptions,
    RunOptions,
    SharingOptions,
    SourceOptions,
    SplitOptions,
    StoreOptions,
    WindowOptions,
)
from bids_dl.config.pretraining_options import PretrainOptions
from bids_dl.config.pretraining_stage import PretrainConfig
from bids_dl.config.publishing_options import PushOptions, TransferOptions
from bids_dl.config.publishing_stage import PushConfig, TransferConfig
from bids_dl.config.shell_options import CacheOptions
from bids_dl.config.simulation_options import SimulateOptions
from bids_dl.config.simulation_stage import SimulateConfig
from bids_dl.config.stages import (
    EventsConfig,
    FetchConfig,
    LabelConfig,
    PipelineConfig,
    PreprocessConfig,
    SharingConfig,
    SourceConfig,
    SplitsConfig,
    StoreConfig,
    WindowsConfig,
)
from bids_dl.config.training_options import DeviceOptions, TrainOptions
from bids_dl.config.training_stage import TrainConfig
from bids_dl.config.verify_stage import VerifyConfig

STAGES: tuple[tuple[type, type], ...] = (
    (SourceOptions, SourceConfig),
    (LabelOptions, LabelConfig),
    (EventOptions, EventsConfig),
    (WindowOptions, WindowsConfig),
    (RecipeOptions, PreprocessConfig),
    (SplitOptions, SplitsConfig),
    (StoreOptions, StoreConfig),
    (SharingOptions, SharingConfig),
    (FetchOptions, FetchConfig),
    (CacheOptions, CacheConfig),
    (PushOptions, PushConfig),
    (TransferOptions, TransferConfig),
    (JobOptions, PipelineConfig),
    (AccessOptions, PipelineConfig),
    (RunOptions, PipelineConfig),
    (DeviceOptions, TrainConfig),
    (TrainOptions, TrainConfig),
    (ExplainOptions, ExplainConfig),
    (EmbedOptions, EmbedConfig),
    (ProbeOptions, ProbeConfig),
    (PretrainOptions, PretrainConfig),
    (SimulateOptions, SimulateConfig),
    (PageOptions, LabellingConfig),
    (DetectionOptions, DetectionConfig),
    (CheckOptions, VerifyConfig),
    (WindowChoiceOptions, ExportConfig),
    (CatalogueOptions, CatalogueConfig),
    (DatasetFilterOptions, FindConfig),
)
"""Declarations of options, and the stage whose fields of the same names have their defaults."""


def default_value(declaration: type, name: str) -> Any:
    """Return the default of an option of a command, from the field of its stage.

    Parameters
    ----------
    declaration
        Options of a command, such as `ConvertOptions`.
    name
        Name of the option in Python.

    Returns
    -------
    object
        The default; None also if no stage has a field of this name.

    Examples
    --------
    >>> from bids_dl.config.options import ConvertOptions
    >>> default_value(ConvertOptions, "split")
    (0.7, 0.15, 0.15)
    >>> default_value(TrainOptions, "epochs")
    30
    """
    names = set(declaration.__annotations__)
    for options, stage in STAGES:
        if name in options.__annotations__ and names >= set(options.__annotations__):
            return default_values(stage).get(name)
    return None
