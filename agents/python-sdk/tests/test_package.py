"""What is shipped: typed, with two dependencies, for Python 3.9 and newer."""

from __future__ import annotations

import ast
from pathlib import Path
from zipfile import ZipFile

import pytest
from flit_core.wheel import make_wheel_in

import agentops

PACKAGE = Path(__file__).resolve().parents[1]


def test_the_wheel_is_typed_and_needs_two_packages(tmp_path: Path) -> None:
    wheel = make_wheel_in(PACKAGE / "pyproject.toml", tmp_path).file

    with ZipFile(wheel) as files:
        names = files.namelist()
        folder = next(name for name in names if name.endswith("METADATA"))
        metadata = files.read(folder).decode().splitlines()
    assert "agentops/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"agentops", f"hearth_agentops-{agentops.__version__}.dist-info"}
    needed = sorted(line.split(": ")[1].split()[0] for line in metadata if line.startswith("Requires-Dist: "))
    assert [name.rstrip("<>=0123456789.,") for name in needed] == ["httpx", "websockets"]
    assert "Requires-Python: >=3.9" in metadata
    assert f"Version: {agentops.__version__}" in metadata


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("src/agentops/*.py")), ids=lambda path: str(path.name))
def test_a_file_is_in_the_language_of_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))

    # What annotations say is not evaluated then, so that it may be newer.
    imports = [node.module for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert "__future__" in imports or path.name == "__init__.py"
