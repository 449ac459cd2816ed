"""Spaces: what they are told, what they answer, and copies of whole repositories."""

import warnings
from pathlib import Path

from huggingface_hub import HfApi, SpaceHardware
from place import Place, refused

APP = "import gradio as gr\n\ngr.Interface(lambda x: x, 'text', 'text').launch()\n"


def a_space_takes_an_app(at: Place) -> None:
    _space(at)
    folder = at.folder({"app.py": APP, "requirements.txt": "gradio\n"})
    at.api.upload_folder(repo_id=at.repo, repo_type="space", folder_path=folder)
    info = at.api.space_info(at.repo)
    assert info.sdk == "gradio"
    assert {"app.py", "requirements.txt"} <= {file.rfilename for file in info.siblings}


def every_sdk_is_kept(at: Place) -> None:
    for sdk in ("gradio", "docker", "static"):
        at.new(f"-{sdk}", repo_type="space", space_sdk=sdk)
        assert at.api.space_info(f"{at.repo}-{sdk}").sdk == sdk


def a_space_without_sdk_is_refused_by_the_client(at: Place) -> None:
    try:
        at.api.create_repo(at.repo, repo_type="space")
    except ValueError:
        return
    raise AssertionError


def secrets_are_named_and_never_shown(at: Place) -> None:
    _space(at)
    at.api.add_space_secret(at.repo, "KEY", "do-not-show", description="of the model")
    secret = at.api.get_space_secrets(at.repo)["KEY"]
    assert (secret.key, secret.description) == ("KEY", "of the model")
    assert "do-not-show" not in repr(secret)
    at.api.delete_space_secret(at.repo, "KEY")
    assert at.api.get_space_secrets(at.repo) == {}


def variables_are_set_changed_and_deleted(at: Place) -> None:
    _space(at)
    assert at.api.add_space_variable(at.repo, "MODEL", "a/b", description="which")["MODEL"].value == "a/b"
    at.api.add_space_variable(at.repo, "MODEL", "c/d")
    variable = at.api.get_space_variables(at.repo)["MODEL"]
    assert (variable.value, variable.updated_at is not None) == ("c/d", True)
    assert at.api.delete_space_variable(at.repo, "MODEL") == {}


def a_key_that_is_no_name_is_400(at: Place) -> None:
    _space(at)
    refused(400, at.api.add_space_variable, at.repo, "NOT A NAME", "x")


def secrets_and_variables_come_with_the_space(at: Place) -> None:
    at.new(
        repo_type="space",
        space_sdk="gradio",
        space_hardware=SpaceHardware.T4_SMALL,
        space_sleep_time=600,
        space_secrets=[{"key": "KEY", "value": "hidden"}],
        space_variables=[{"key": "MODEL", "value": "a/b"}],
    )
    assert at.api.get_space_variables(at.repo)["MODEL"].value == "a/b"
    assert list(at.api.get_space_secrets(at.repo)) == ["KEY"]
    assert at.api.get_space_runtime(at.repo).requested_hardware == "t4-small"


def runtime_says_that_nothing_runs(at: Place) -> None:
    _space(at)
    runtime = at.api.get_space_runtime(at.repo)
    assert (runtime.stage, runtime.hardware) == ("STOPPED", None)
    assert HfApi(token=False).get_space_runtime(at.repo).stage == "STOPPED"


def hardware_can_be_asked_for(at: Place) -> None:
    _space(at)
    runtime = at.api.request_space_hardware(at.repo, SpaceHardware.T4_MEDIUM, sleep_time=3600)
    assert (runtime.requested_hardware, runtime.sleep_time) == ("t4-medium", 3600)
    assert at.api.get_space_runtime(at.repo).requested_hardware == "t4-medium"


def sleep_time_can_be_set(at: Place) -> None:
    _space(at)
    at.api.request_space_hardware(at.repo, SpaceHardware.T4_SMALL)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the client warns where the hardware is still the free one
        assert at.api.set_space_sleep_time(at.repo, 300).sleep_time == 300


def restart_and_pause_are_accepted(at: Place) -> None:
    _space(at)
    at.api.restart_space(at.repo)
    at.api.restart_space(at.repo, factory_reboot=True)
    at.api.pause_space(at.repo)


def strangers_change_no_space(at: Place) -> None:
    _space(at)
    refused(401, at.api.add_space_secret, at.repo, "KEY", "x", token=False)
    refused(401, at.api.request_space_hardware, at.repo, SpaceHardware.T4_SMALL, token=False)
    refused(401, at.api.restart_space, at.repo, token=False)


def a_space_is_duplicated(at: Place) -> None:
    _space(at)
    at.put("app.py", APP, repo_type="space")
    at.api.add_space_variable(at.repo, "MODEL", "a/b")
    url = at.api.duplicate_repo(at.repo, f"{at.repo}-copy", repo_type="space", private=True)
    assert (url.repo_id, url.repo_type) == (f"{at.repo}-copy", "space")
    copy = at.api.space_info(f"{at.repo}-copy")
    assert (copy.private, copy.sdk) == (True, "gradio")
    assert Path(at.api.hf_hub_download(copy.id, "app.py", repo_type="space")).read_text() == APP


def a_dataset_is_duplicated_with_its_large_files(at: Place) -> None:
    at.new(repo_type="dataset")
    at.put("data.bin", at.noise(80_000), repo_type="dataset")
    at.api.duplicate_repo(at.repo, f"{at.repo}-copy", repo_type="dataset")
    at.api.delete_repo(at.repo, repo_type="dataset")
    copied = at.api.hf_hub_download(f"{at.repo}-copy", "data.bin", repo_type="dataset")
    assert Path(copied).read_bytes() == at.noise(80_000)


def duplicating_onto_another_is_409_or_ok(at: Place) -> None:
    at.new()
    at.new("-copy")
    refused(409, at.api.duplicate_repo, at.repo, f"{at.repo}-copy", repo_type="model")
    url = at.api.duplicate_repo(at.repo, f"{at.repo}-copy", repo_type="model", exist_ok=True)
    assert url.repo_id == f"{at.repo}-copy"


def _space(at: Place) -> None:
    at.new(repo_type="space", space_sdk="gradio")
