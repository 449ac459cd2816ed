"""Who may do what: gates, requests for access, other users and their tokens.

Other users' tokens come from `python -m local_hub token create`; asking for access is a button on the Hub's page, so
no client has it, and a check presses it by hand.
"""

from pathlib import Path

from huggingface_hub import HfApi, get_session
from place import Place, refused


def a_gated_model_shows_itself_and_not_its_files(at: Place) -> None:
    _gated(at, "auto")
    stranger = HfApi(token=False)
    assert stranger.model_info(at.repo).gated == "auto"
    assert "a.txt" in stranger.list_repo_files(at.repo)
    assert refused(401, stranger.hf_hub_download, at.repo, "a.txt") == "GatedRepoError"
    assert refused(401, stranger.auth_check, at.repo) == "GatedRepoError"


def a_gated_dataset_is_open_to_its_owner(at: Place) -> None:
    at.new(repo_type="dataset")
    at.put("a.txt", "a", repo_type="dataset")
    at.api.update_repo_settings(at.repo, repo_type="dataset", gated="manual")
    assert at.api.dataset_info(at.repo).gated == "manual"
    at.api.auth_check(at.repo, repo_type="dataset")
    at.api.hf_hub_download(at.repo, "a.txt", repo_type="dataset")


def a_gate_can_be_taken_away(at: Place) -> None:
    _gated(at, "manual")
    at.api.update_repo_settings(at.repo, gated=False)
    stranger = HfApi(token=False)
    assert stranger.model_info(at.repo).gated is False
    stranger.hf_hub_download(at.repo, "a.txt")


def auth_check_knows_missing_and_private(at: Place) -> None:
    assert refused(404, at.api.auth_check, at.repo) == "RepositoryNotFoundError"
    at.new(private=True)
    at.api.auth_check(at.repo)
    assert refused(401, at.api.auth_check, at.repo, token=False) == "RepositoryNotFoundError"


def another_user_is_who_the_token_says(at: Place) -> None:
    reader = at.user(_name(at), "read")
    user = reader.whoami()
    assert (user["name"], user["auth"]["accessToken"]["role"]) == (_name(at), "read")


def another_user_writes_in_their_own_namespace_only(at: Place) -> None:
    other = at.user(_name(at))
    assert other.create_repo("mine").repo_id == f"{_name(at)}/mine"
    other.upload_file(repo_id=f"{_name(at)}/mine", path_or_fileobj=at.noise(20_000), path_in_repo="a.bin")
    at.new()
    refused(403, other.create_repo, at.repo + "-theirs")
    refused(403, at.put, "a.txt", "a", token=other.token)
    refused(403, other.delete_repo, at.repo)
    refused(403, other.update_repo_settings, at.repo, private=True)


def a_read_token_cannot_write(at: Place) -> None:
    reader = at.user(_name(at), "read")
    refused(403, reader.create_repo, "mine")
    at.new()
    refused(403, at.put, "a.bin", at.noise(20_000), token=reader.token)
    refused(403, reader.create_branch, at.repo, branch="dev")
    assert reader.model_info(at.repo).id == at.repo


def private_is_missing_for_another_user(at: Place) -> None:
    other = at.user(_name(at))
    at.new(private=True)
    at.put("a.txt", "a")
    assert refused(404, other.model_info, at.repo) == "RepositoryNotFoundError"
    assert refused(404, other.hf_hub_download, at.repo, "a.txt") == "RepositoryNotFoundError"
    assert list(other.list_models(search=at.name)) == []


def access_that_is_automatic_is_given_when_asked_for(at: Place) -> None:
    other = at.user(_name(at))
    _gated(at, "auto")
    assert refused(403, other.hf_hub_download, at.repo, "a.txt") == "GatedRepoError"
    _ask(at, other)
    assert Path(other.hf_hub_download(at.repo, "a.txt")).read_text() == "a"
    assert [request.username for request in at.api.list_accepted_access_requests(at.repo)] == [_name(at)]


def access_by_hand_is_asked_for_accepted_and_cancelled(at: Place) -> None:
    other = at.user(_name(at))
    _gated(at, "manual")
    _ask(at, other)
    (pending,) = at.api.list_pending_access_requests(at.repo)
    assert (pending.username, pending.status) == (_name(at), "pending")
    assert refused(403, other.auth_check, at.repo) == "GatedRepoError"
    at.api.accept_access_request(at.repo, _name(at))
    other.auth_check(at.repo)
    assert list(at.api.list_pending_access_requests(at.repo)) == []
    at.api.cancel_access_request(at.repo, _name(at))
    assert [request.username for request in at.api.list_pending_access_requests(at.repo)] == [_name(at)]
    refused(403, other.auth_check, at.repo)


def access_is_rejected(at: Place) -> None:
    other = at.user(_name(at))
    _gated(at, "manual")
    _ask(at, other)
    at.api.reject_access_request(at.repo, _name(at), rejection_reason="No reason given")
    assert [request.username for request in at.api.list_rejected_access_requests(at.repo)] == [_name(at)]
    refused(403, other.hf_hub_download, at.repo, "a.txt")


def access_is_granted_without_a_request(at: Place) -> None:
    other = at.user(_name(at))
    at.new(repo_type="dataset")
    refused(400, at.api.grant_access, at.repo, _name(at), repo_type="dataset")  # there is no gate yet
    at.api.update_repo_settings(at.repo, repo_type="dataset", gated="manual")
    at.api.grant_access(at.repo, _name(at), repo_type="dataset")
    other.auth_check(at.repo, repo_type="dataset")
    refused(400, at.api.grant_access, at.repo, _name(at), repo_type="dataset")
    refused(404, at.api.grant_access, at.repo, "nobody-here", repo_type="dataset")


def only_who_writes_sees_and_decides_requests(at: Place) -> None:
    other = at.user(_name(at))
    _gated(at, "manual")
    _ask(at, other)
    refused(403, list, other.list_pending_access_requests(at.repo))
    refused(403, other.accept_access_request, at.repo, _name(at))


def _name(at: Place) -> str:
    return at.name.partition(".")[2][-40:].lstrip("-_.")


def _gated(at: Place, how: str) -> None:
    at.new()
    at.put("a.txt", "a")
    at.api.update_repo_settings(at.repo, gated=how)


def _ask(at: Place, other: HfApi) -> None:
    answer = get_session().post(
        f"{at.endpoint}/{at.repo}/ask-access", headers={"authorization": f"Bearer {other.token}"}
    )
    answer.raise_for_status()
