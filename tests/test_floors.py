"""The house: imports only point down, and the light modules stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"safety", "local_hub", "dataset_builder", "training", "model_card", "space"}
PROMPT = "training.prompt"
# What each package may import of ours; training.prompt is on the lowest floor, under everything but local_hub.
ALLOWED = {
    "safety": {PROMPT},
    "local_hub": set(),
    "dataset_builder": {"safety", "local_hub", PROMPT},
    "training": {"safety", PROMPT},  # it reads the corpus with load_dataset, as any user would
    "model_card": {"safety", "local_hub", "dataset_builder", "training"},
    "space": {"safety", "local_hub", "dataset_builder", "training", "model_card"},
}


def imports(path):
    """The modules that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_imports_only_point_down(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for path in files:
        for module in imports(path):
            top = module.split(".")[0]
            if top in PACKAGES - {package}:
                allowed = any(module == name or module.startswith(name + ".") for name in ALLOWED[package])
                assert allowed or (module == "training" and PROMPT in ALLOWED[package]), f"{path} imports {module}"


def test_the_prompt_imports_nothing_of_ours():
    assert not [name for name in imports(ROOT / "training" / "prompt.py") if name.split(".")[0] in PACKAGES]


@pytest.mark.parametrize("module", ["training.prompt", "safety"])
def test_light_modules_load_no_heavy_library(module):
    heavy = ("torch", "transformers", "gradio", "numpy", "datasets", "opencc")
    code = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_nothing_at_the_root_shadows_the_built_corpus():
    assert not (ROOT / "soulchat.py").exists()
    assert not (ROOT / "soulchat" / "__init__.py").exists()
