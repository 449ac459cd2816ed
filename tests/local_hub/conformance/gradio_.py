"""`gradio deploy`, answered by pipe, and the Space that comes of it."""

import os
import sys
from pathlib import Path

from place import Place, run

APP = "import gradio as gr\n\ngr.Interface(lambda text: text, 'text', 'text').launch()\n"


def deploy_asks_and_makes_a_space(at: Place) -> None:
    folder = at.folder({"app.py": APP})
    # title, app file, hardware, secrets: one, named and given, and no more; requirements; GitHub action
    output = _deploy(folder, f"{at.name}\napp.py\ncpu-basic\ny\nKEY\ndo-not-show\n\ny\ntorch\n\nn\n")
    assert f"spaces/{at.repo}" in output.replace("\n", "")
    assert at.files(repo_type="space") == ["README.md", "app.py", "requirements.txt"]
    info = at.api.space_info(at.repo)
    assert (info.sdk, info.card_data["sdk"], info.card_data["app_file"]) == ("gradio", "gradio", "app.py")
    assert list(at.api.get_space_secrets(at.repo)) == ["KEY"]
    assert Path(at.api.hf_hub_download(at.repo, "requirements.txt", repo_type="space")).read_text() == "torch\n"


def deploy_takes_title_and_app_from_options(at: Place) -> None:
    folder = at.folder({"main.py": APP, "requirements.txt": "gradio\n"})
    _deploy(folder, "\nn\nn\n", "--title", at.name, "--app-file", "main.py")
    assert at.api.space_info(at.repo).card_data["app_file"] == "main.py"


def deploy_again_updates_the_space(at: Place) -> None:
    folder = at.folder({"app.py": APP, "requirements.txt": "gradio\n"})
    _deploy(folder, f"{at.name}\napp.py\n\nn\nn\n")
    (folder / "app.py").write_text(APP + "# changed\n")
    (folder / "notes.txt").write_text("more")
    _deploy(folder, "")  # the README knows the answers by now
    assert at.files(repo_type="space") == ["README.md", "app.py", "notes.txt", "requirements.txt"]
    assert Path(at.api.hf_hub_download(at.repo, "app.py", repo_type="space")).read_text().endswith("# changed\n")


def a_deployed_space_is_downloaded_and_imports(at: Place) -> None:
    folder = at.folder({"app.py": APP.replace(".launch()", ""), "requirements.txt": "gradio\n"})
    _deploy(folder, f"{at.name}\napp.py\n\nn\nn\n")
    root = at.api.snapshot_download(at.repo, repo_type="space")
    run([sys.executable, os.path.join(root, "app.py")])


def flagged_rows_are_committed_by_the_scheduler(at: Place) -> None:
    from huggingface_hub import CommitScheduler

    folder = at.folder({"data.csv": "input,output\n"})
    scheduler = CommitScheduler(
        repo_id=at.repo, repo_type="dataset", folder_path=folder, every=60, private=True, hf_api=at.api
    )
    with scheduler.lock:
        (folder / "data.csv").write_text("input,output\n你好,你好\n")
    scheduler.trigger().result(timeout=60)
    scheduler.stop()
    assert at.api.dataset_info(at.repo).private
    stored = at.api.hf_hub_download(at.repo, "data.csv", repo_type="dataset")
    assert Path(stored).read_text() == "input,output\n你好,你好\n"


def _deploy(folder: Path, answers: str, *options: str) -> str:
    command = [str(Path(sys.executable).with_name("gradio")), "deploy", *options]
    return run(command, cwd=folder, answers=answers, GRADIO_ANALYTICS_ENABLED="False")
