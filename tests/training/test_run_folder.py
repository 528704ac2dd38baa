from __future__ import annotations

import json
import os
import platform
import shlex

import pytest
import torch

from bids_dl.config.stages import TrainConfig
from bids_dl.training.run_folder import command, environment, without_credentials


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("s3://key:secret@bucket/eyes.zarr", "s3://bucket/eyes.zarr"),
        ("https://host/eyes.zarr?X-Amz-Signature=abc&token=def#part", "https://host/eyes.zarr"),
        ("s3://bucket/eyes.zarr", "s3://bucket/eyes.zarr"),
        ("folder/eyes@home.zarr", "folder/eyes@home.zarr"),
    ],
)
def test_a_url_is_kept_without_credentials(url, kept):
    assert without_credentials(url) == kept


def test_the_command_names_what_differs_from_the_defaults():
    config = TrainConfig(
        folds="loso",
        lr=0.002,
        drop_missing=True,
        normalize=None,
        model_options={"dropout": 0.3},
        seed=4,
    )
    assert shlex.split(command("my eyes.zarr", config)) == [
        *("bids-dl", "train", "my eyes.zarr", "--model", "shallow-fbcsp", "--seed", "4"),
        *(
            "--folds",
            "loso",
            "--lr",
            "0.002",
            "--normalize",
            "none",
            "--drop-missing",
            "--model-option",
            "dropout=0.3",
        ),
    ]


def test_the_environment_names_versions_and_neither_host_nor_user():
    said = environment(torch.device("cpu"))
    assert said["packages"]["torch"] == torch.__version__
    assert said["device"]["type"] == "cpu"
    text = json.dumps(said)
    assert platform.node() not in text
    assert os.path.expanduser("~") not in text  # noqa: PTH111
