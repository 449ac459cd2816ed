"""Repositories: created, listed, described, moved, deleted; and who the caller is."""

from huggingface_hub import HfApi
from place import Place, refused


def whoami_names_the_user(at: Place) -> None:
    user = at.api.whoami()
    assert (user["name"], user["type"], user["auth"]["accessToken"]["role"]) == ("local", "user", "write")


def a_bad_token_is_401_everywhere(at: Place) -> None:
    at.new()
    bad = HfApi(token="hf_real")
    refused(401, bad.whoami)
    refused(401, bad.model_info, at.repo)
    refused(401, bad.create_repo, at.repo + "-bad")
    refused(401, bad.hf_hub_download, at.repo, ".gitattributes")


def a_model_has_its_url(at: Place) -> None:
    url = at.api.create_repo(at.repo)
    assert (str(url), url.repo_id, url.repo_type) == (f"{at.endpoint}/{at.repo}", at.repo, "model")


def a_dataset_has_its_url(at: Place) -> None:
    url = at.api.create_repo(at.repo, repo_type="dataset")
    assert (str(url), url.repo_id, url.repo_type) == (f"{at.endpoint}/datasets/{at.repo}", at.repo, "dataset")


def a_space_has_its_url_and_sdk(at: Place) -> None:
    url = at.api.create_repo(at.repo, repo_type="space", space_sdk="gradio")
    assert (str(url), url.repo_type) == (f"{at.endpoint}/spaces/{at.repo}", "space")
    assert at.api.space_info(at.repo).sdk == "gradio"


def a_name_without_namespace_goes_to_the_user(at: Place) -> None:
    assert at.api.create_repo(at.name).repo_id == at.repo
    assert at.api.get_full_repo_name(at.name) == at.repo


def one_name_may_be_a_model_and_a_dataset(at: Place) -> None:
    at.new()
    at.new(repo_type="dataset")
    at.put("only-model.txt", "m")
    assert not at.api.file_exists(at.repo, "only-model.txt", repo_type="dataset")


def creating_twice_is_409(at: Place) -> None:
    at.new()
    refused(409, at.api.create_repo, at.repo)


def exist_ok_gives_the_same_url(at: Place) -> None:
    assert str(at.api.create_repo(at.repo)) == str(at.api.create_repo(at.repo, exist_ok=True))


def a_name_that_only_the_server_forbids_is_400(at: Place) -> None:
    refused(400, at.api.create_repo, at.repo + ".ipynb")


def a_repository_exists_until_deleted(at: Place) -> None:
    at.new()
    assert at.api.repo_exists(at.repo)
    at.api.delete_repo(at.repo)
    assert not at.api.repo_exists(at.repo)


def deleting_what_is_missing_is_404_or_ok(at: Place) -> None:
    assert refused(404, at.api.delete_repo, at.repo) == "RepositoryNotFoundError"
    at.api.delete_repo(at.repo, missing_ok=True)


def a_deleted_name_is_free_again_and_empty(at: Place) -> None:
    at.new()
    at.put("old.txt", "old")
    at.api.delete_repo(at.repo)
    at.new()
    assert at.files() == []


def private_is_hidden_from_strangers(at: Place) -> None:
    at.new(private=True)
    at.put("secret.txt", "secret")
    stranger = HfApi(token=False)
    assert at.api.model_info(at.repo).private
    assert refused(401, stranger.model_info, at.repo) == "RepositoryNotFoundError"
    assert refused(401, stranger.hf_hub_download, at.repo, "secret.txt") == "RepositoryNotFoundError"
    assert not stranger.repo_exists(at.repo)


def visibility_can_be_changed(at: Place) -> None:
    at.new()
    at.api.update_repo_settings(at.repo, private=True)
    assert at.api.model_info(at.repo).private
    at.api.update_repo_settings(at.repo, private=False)
    assert HfApi(token=False).model_info(at.repo).private is False


def a_moved_repository_keeps_its_files(at: Place) -> None:
    at.new("-old")
    at.put("kept.txt", "kept", at.repo + "-old")
    at.api.move_repo(at.repo + "-old", at.repo)
    assert at.files() == ["kept.txt"]


def moving_onto_another_is_409(at: Place) -> None:
    one, other = at.new("-one"), at.new("-other")
    refused(409, at.api.move_repo, one, other)


def an_author_has_models_datasets_and_spaces(at: Place) -> None:
    author = at.name[-40:].lstrip("-_.")
    at.api.create_repo(f"{author}/m")
    at.api.create_repo(f"{author}/d", repo_type="dataset")
    at.api.create_repo(f"{author}/s", repo_type="space", space_sdk="static")
    assert [repo.id for repo in at.api.list_models(author=author)] == [f"{author}/m"]
    assert [repo.id for repo in at.api.list_datasets(author=author)] == [f"{author}/d"]
    assert [repo.id for repo in at.api.list_spaces(author=author)] == [f"{author}/s"]


def lists_can_be_searched_and_limited(at: Place) -> None:
    for suffix in ("-a", "-b", "-c"):
        at.new(suffix)
    assert {repo.id for repo in at.api.list_models(search=at.name.upper())} == {
        f"{at.repo}-{letter}" for letter in "abc"
    }
    assert len(list(at.api.list_models(search=at.name, limit=2))) == 2


def lists_can_be_filtered_by_tag(at: Place) -> None:
    tag = at.name.replace(".", "-").lower()
    at.new(repo_type="dataset")
    at.put("README.md", f"---\nlicense: mit\ntags: [{tag}]\n---\n", repo_type="dataset")
    at.new("-other", repo_type="dataset")
    assert [repo.id for repo in at.api.list_datasets(filter=tag)] == [at.repo]
    assert [repo.id for repo in at.api.list_datasets(filter=[tag, "license:mit"])] == [at.repo]


def lists_are_sorted_by_last_change(at: Place) -> None:
    first, second = at.new("-a"), at.new("-b")
    at.put("later.txt", "later", first)
    found = list(at.api.list_models(search=at.name, sort="last_modified"))
    assert {repo.id for repo in found} == {first, second}
    times = [repo.last_modified for repo in found]
    assert times == sorted(times, reverse=True)


def lists_show_private_only_to_their_owner(at: Place) -> None:
    at.new(private=True)
    assert [repo.id for repo in at.api.list_models(search=at.name)] == [at.repo]
    assert list(HfApi(token=False).list_models(search=at.name)) == []


def a_full_list_has_files_and_cards(at: Place) -> None:
    at.new()
    at.put("README.md", "---\nlicense: mit\n---\n")
    (found,) = at.api.list_models(search=at.name, full=True, cardData=True)
    assert "README.md" in {file.rfilename for file in found.siblings}
    assert found.card_data["license"] == "mit"


def info_has_sha_times_and_siblings(at: Place) -> None:
    at.new()
    oid = at.put("note.txt", "hello")
    info = at.api.model_info(at.repo)
    assert (info.id, info.author, info.sha, info.private, info.gated) == (at.repo, "local", oid, False, False)
    assert info.created_at <= info.last_modified
    assert {file.rfilename for file in info.siblings} == {".gitattributes", "note.txt"}


def info_with_files_metadata_has_sizes_and_hashes(at: Place) -> None:
    at.new()
    data = at.noise(3_000)
    at.put("note.txt", "hello")
    at.put("weights.bin", data)
    found = {file.rfilename: file for file in at.api.model_info(at.repo, files_metadata=True).siblings}
    assert (found["note.txt"].size, found["note.txt"].lfs) == (5, None)
    assert (found["weights.bin"].size, found["weights.bin"].lfs.size) == (3_000, 3_000)
    assert len(found["note.txt"].blob_id) == 40 and len(found["weights.bin"].lfs.sha256) == 64


def info_of_an_old_revision(at: Place) -> None:
    at.new()
    old = at.put("a.txt", "a")
    at.put("b.txt", "b")
    info = at.api.repo_info(at.repo, revision=old)
    assert info.sha == old and "b.txt" not in {file.rfilename for file in info.siblings}


def info_of_what_is_missing_is_404(at: Place) -> None:
    assert refused(404, at.api.model_info, at.repo) == "RepositoryNotFoundError"
    at.new()
    assert refused(404, at.api.model_info, at.repo, revision="absent") == "RevisionNotFoundError"
    assert not at.api.revision_exists(at.repo, "absent") and at.api.revision_exists(at.repo, "main")


def card_data_become_tags(at: Place) -> None:
    at.new()
    at.put("README.md", "---\nlicense: mit\nlibrary_name: transformers\npipeline_tag: text-generation\n---\n")
    info = at.api.model_info(at.repo)
    assert {"license:mit", "transformers", "text-generation"} <= set(info.tags)
    assert (info.library_name, info.pipeline_tag, info.card_data.license) == (
        "transformers",
        "text-generation",
        "mit",
    )
