"""The settings of a build: one YAML, whose every key is known, of the right type and within its bounds."""

import pytest
import yaml

from dataset_builder.config import FILE, ConfigError, load_config


def test_the_shipped_settings_load_and_an_override_changes_one_of_them():
    config, other = load_config(), load_config(overrides=["clean.paper_filter=true", "duplicates.threshold=0.8"])
    assert not config.clean.paper_filter and other.clean.paper_filter
    assert other.duplicates.threshold == 0.8 and other.splits == config.splits


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("clean.papr_filter=true", "clean.key 'papr_filter' is unknown; there are text,"),
        ("clea.text=true", "stage 'clea' is unknown; there are read, clean"),
        ("text=true", "'text=true' is not stage.key=value"),
        ("clean.text", "'clean.text' is not stage.key=value"),
        ("clean.text=1", "clean.text=1 is no bool"),
        ("read.rows_per_shard=true", "read.rows_per_shard=True is no int"),
        ("read.rows_per_shard=0", "read.rows_per_shard=0 is not between 1 and"),
        ("clean.personal_data=hide", "personal_data='hide' is no redact or reject or keep"),
        ("clean.min_rounds=101", "clean.min_rounds=101 is not between 1 and 100"),
        ("splits.held_out=0.6", "splits.held_out=0.6 is not between 0 and 0.4"),
        ("topics.labeller=endpoint", "topics.labeller=endpoint needs topics.base_url and topics.model"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_its_value(override, message):
    with pytest.raises(ConfigError) as error:
        load_config(overrides=[override])
    assert message in str(error.value)


def test_a_missing_key_is_named(tmp_path):
    values = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    del values["clean"]["crisis"]
    (tmp_path / "corpus.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"clean\.key 'crisis' is missing"):
        load_config(tmp_path / "corpus.yaml")


@pytest.mark.parametrize("content", ["[1]", "clean: 3", "clean: {", "\xff"])
def test_a_file_that_holds_no_settings_is_named(tmp_path, content):
    (tmp_path / "corpus.yaml").write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"corpus\.yaml"):
        load_config(tmp_path / "corpus.yaml")
