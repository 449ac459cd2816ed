"""Cards: pushed, read, merged, and refused where their YAML is broken."""

from pathlib import Path

from huggingface_hub import (
    DatasetCard,
    DatasetCardData,
    EvalResult,
    ModelCard,
    ModelCardData,
    metadata_eval_result,
    metadata_load,
    metadata_update,
)
from place import Place, refused


def a_model_card_is_pushed_and_loaded(at: Place) -> None:
    at.new()
    data = ModelCardData(license="mit", language="zh", tags=["counselling"], library_name="transformers")
    ModelCard.from_template(data, model_id="SoulChat", model_description="心理咨询").push_to_hub(at.repo)
    card = ModelCard.load(at.repo)
    assert (card.data.license, card.data.language, card.data.tags) == ("mit", "zh", ["counselling"])
    assert "心理咨询" in card.text


def a_dataset_card_is_pushed_and_loaded(at: Place) -> None:
    at.new(repo_type="dataset")
    data = DatasetCardData(license="cc-by-4.0", task_categories=["text-generation"], size_categories=["1K<n<10K"])
    DatasetCard.from_template(data, pretty_name="Corpus").push_to_hub(at.repo)
    assert DatasetCard.load(at.repo).data.task_categories == ["text-generation"]


def a_card_is_validated_by_the_server(at: Place) -> None:
    ModelCard("---\nlicense: mit\n---\n# Good\n").validate()
    try:
        ModelCard("---\nlicense: mit\n---\n# Good\n", ignore_metadata_errors=True).validate(repo_type="dataset")
    except ValueError as error:
        raise AssertionError from error


def a_broken_card_is_refused_and_nothing_is_committed(at: Place) -> None:
    at.new()
    try:
        at.put("README.md", "---\ntags: [unclosed\n---\n# Broken\n")
    except ValueError as error:
        assert "Invalid metadata in README.md" in str(error)
    else:
        raise AssertionError
    assert at.files() == []


def a_card_in_a_pull_request(at: Place) -> None:
    at.new()
    ModelCard("---\nlicense: mit\n---\n# Card\n").push_to_hub(at.repo, create_pr=True)
    assert (at.files(), at.files(revision="refs/pr/1")) == ([], ["README.md"])


def metadata_is_updated_in_place(at: Place) -> None:
    at.new()
    at.put("README.md", "---\nlicense: mit\n---\n# Text stays\n")
    metadata_update(at.repo, {"tags": ["one"], "license": "apache-2.0"}, overwrite=True)
    path = Path(at.api.hf_hub_download(at.repo, "README.md"))
    assert metadata_load(path) == {"license": "apache-2.0", "tags": ["one"]}
    assert "# Text stays" in path.read_text()
    assert "license:apache-2.0" in at.api.model_info(at.repo).tags


def metadata_is_not_overwritten_unasked(at: Place) -> None:
    at.new()
    at.put("README.md", "---\nlicense: mit\n---\n")
    try:
        metadata_update(at.repo, {"license": "apache-2.0"})
    except ValueError:
        assert ModelCard.load(at.repo).data.license == "mit"
        return
    raise AssertionError


def results_are_added_to_a_card(at: Place) -> None:
    at.new()
    results = metadata_eval_result(
        model_pretty_name="SoulChat",
        task_pretty_name="Text Generation",
        task_id="text-generation",
        metrics_pretty_name="BLEU-4",
        metrics_id="bleu",
        metrics_value=8.5,
        dataset_pretty_name="Corpus",
        dataset_id="local/corpus",
    )
    at.put("README.md", "---\nlicense: mit\n---\n")
    metadata_update(at.repo, results)
    (found,) = ModelCard.load(at.repo).data.eval_results
    assert isinstance(found, EvalResult) and (found.metric_type, found.metric_value) == ("bleu", 8.5)


def a_card_of_a_missing_repository_is_404(at: Place) -> None:
    assert refused(404, ModelCard.load, at.repo) == "RepositoryNotFoundError"


def dates_and_numbers_in_a_card_survive(at: Place) -> None:
    at.new(repo_type="dataset")
    at.put("README.md", "---\nreleased: 2026-11-22\n1: one\nsize: 1.5\n---\n", repo_type="dataset")
    card = at.api.dataset_info(at.repo).card_data
    assert (card["released"], card["1"], card["size"]) == ("2026-11-22", "one", 1.5)
