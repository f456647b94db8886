"""Who may import whom, and how long a file or a function may be: the module map as a test."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAX_FILE, MAX_FUNCTION, MAX_PARAMETERS = 400, 70, 10
HEAVY = {"torch", "gensim", "modAL", "onnx", "onnxruntime", "onnxscript", "sklearn", "scipy"}
UI = {"streamlit", "plotly", "pages"}
STORAGE = {"db", "sqlite3", "sqlite_utils"}

# For each part of the tree: what it must never import. The first pattern that fits a file counts.
RULES: tuple[tuple[str, set[str]], ...] = (
    ("db/*", HEAVY | UI | {"core", "web", "numpy", "pandas"}),
    ("core/worker/*", UI | {"web"}),
    ("core/__main__.py", UI | {"web", "torch", "core.models", "core.distill", "core.train"}),
    (
        "core/services/*",
        HEAVY | UI | {"web", "core.models", "core.distill", "core.train", "core.worker", "core.losses"},
    ),
    ("core/export/bundle_files/*", STORAGE | UI | {"core", "web", "torch"}),
    ("core/export/bundle*.py", STORAGE | UI | {"web", "core.services", "core.worker"}),
    ("core/active/modal_bridge.py", STORAGE | UI | {"web", "core.services", "core.worker"}),
    ("core/models/svm.py", STORAGE | UI | {"web", "torch", "core.services", "core.worker"}),
    ("core/models/linear.py", STORAGE | UI | {"web", "torch", "core.services", "core.worker"}),
    ("core/[mldt]*/*", STORAGE | UI | {"web", "core.services", "core.worker", "core.active", "core.export"}),
    ("core/encoders/*", STORAGE | UI | {"web", "core.services", "core.worker", "core.active"}),
    ("core/reproduce/*", STORAGE | UI | {"web", "core.services", "core.worker", "core.active"}),
    ("core/xmc/nets/*", STORAGE | UI | {"web", "core.services", "core.worker", "core.active", "core.export"}),
    ("core/xmc/*", STORAGE | UI | {"web", "torch", "core.services", "core.worker", "core.distill", "core.active"}),
    ("core/simulate/*", UI | {"web", "torch", "sqlite3"}),  # it runs the worker's stages, as the worker does
    ("core/*", STORAGE | UI | {"web", "torch", "core.services", "core.worker", "core.models", "core.distill"}),
    ("web/*", HEAVY | {"core.worker", "core.models", "core.distill", "core.train", "plotly"}),
    ("app.py", HEAVY | {"core.worker", "core.models", "core.distill", "core.train"}),
    ("pages/*", HEAVY | {"core.worker", "core.models", "core.distill", "core.train", "core.losses", "sqlite3"}),
)
# The writers of db: pages may read, only services and the worker may write.
DB_READERS_FOR_PAGES = {"db.connect", "db.pool", "db.errors", "db.records", "db.users", "db.events"}


def sources() -> list[Path]:
    found = [ROOT / "app.py"]
    for part in ("core", "db", "pages", "web", "bench"):
        found += sorted((ROOT / part).rglob("*.py"))
    return found


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, in functions too; ``from a import b`` counts as a and a.b."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sources(), ids=name)
def test_a_file_imports_only_what_its_place_allows(path: Path) -> None:
    forbidden = next((bad for pattern, bad in RULES if fnmatch(name(path), pattern)), set())
    wrong = {each for each in imports(path) if any(each == bad or each.startswith(bad + ".") for bad in forbidden)}
    assert not wrong, f"{name(path)} must not import {sorted(wrong)}"


@pytest.mark.parametrize("path", [p for p in sources() if name(p).startswith("pages/")], ids=name)
def test_a_page_reads_the_database_and_never_writes_it(path: Path) -> None:
    used = {each for each in imports(path) if each.startswith("db.") and each.count(".") == 1}
    assert used <= DB_READERS_FOR_PAGES, f"{name(path)} uses {sorted(used - DB_READERS_FOR_PAGES)}"
    assert "writing" not in path.read_text(encoding="utf-8").split("import")[0]
    assert not {each for each in imports(path) if each == "db.connect.writing"}


@pytest.mark.parametrize("path", sources(), ids=name)
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MAX_FILE, f"{name(path)} has {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno
            assert length <= MAX_FUNCTION, f"{name(path)}: {node.name} has {length} lines"
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            assert len(given) <= MAX_PARAMETERS, f"{name(path)}: {node.name} takes {len(given)} parameters"


def test_all_sql_is_in_db() -> None:
    """A statement outside db/ is a door that nobody watches."""
    for path in sources():
        if not name(path).startswith(("db/", "bench/")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert not node.value.startswith(("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "PRAGMA ")), name(
                        path
                    )


@pytest.mark.parametrize(
    "module", ["core.services.annotating", "core.services.reporting", "core.services.curating", "core.__main__", "app"]
)
def test_what_people_wait_for_never_loads_torch(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'sklearn', 'modAL', 'gensim'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]"), done.stdout


def test_the_product_never_names_a_place_of_its_making() -> None:
    """No path or host that a user does not have."""
    bad = ("/" + "work/", "../" + "shared", "file:///opt")
    for path in [*sources(), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.t*")]:
        text = path.read_text(encoding="utf-8")
        assert not [word for word in bad if word in text], name(path)
