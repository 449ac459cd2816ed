"""The card's `dataset_info:`, what `datasets` reads of a corpus before it reads a shard: features, rows and bytes.

`load_dataset` refuses a split whose rows are not as many as declared here, so a torn download is never trained on.
"""

from collections.abc import Mapping
from typing import Any

from dataset_builder.corpus import FEATURES
from dataset_builder.splits import SPLITS


def dataset_info(configs: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """One entry per config, from `rows`, `arrow_bytes` and `disk_bytes` of each of its splits."""
    return [{"config_name": name, "features": features(), **_sizes(splits)} for name, splits in configs.items()]


def features() -> list[dict[str, Any]]:
    """The columns in the `list:` form, which datasets 3.6, 4 and 5 read."""
    declared: list[dict[str, Any]] = FEATURES._to_yaml_list()
    return declared


def _sizes(splits: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    present = [split for split in SPLITS if split in splits]
    return {
        "splits": [
            {"name": split, "num_bytes": splits[split]["arrow_bytes"], "num_examples": splits[split]["rows"]}
            for split in present
        ],
        "download_size": sum(splits[split]["disk_bytes"] for split in present),
        "dataset_size": sum(splits[split]["arrow_bytes"] for split in present),
    }
