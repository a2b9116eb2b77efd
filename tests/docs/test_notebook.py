"""The notebook runs from top to bottom on a store of the quickstart, and is kept small."""

from __future__ import annotations

import nbformat
import pytest
from doc_blocks import ROOT
from doc_checks import Workplace
from nbclient import NotebookClient

NOTEBOOK = ROOT / "docs" / "examples" / "explore.ipynb"

MOST_BYTES = 400_000
"""Pictures included: it is in the history for good."""


def test_it_runs(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it shows is what the store has: pictures, and tables of all models."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(place.folder))  # not in whoever's home
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(place.folder / "docs" / "examples")}},
    )
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert {output.output_type for output in outputs} <= {"display_data", "execute_result"}
    assert sum("image/png" in output.data for output in outputs) == 7
    tables = " ".join(output.data.get("text/html", "") for output in outputs)
    for model in ("mtp2", "mtp4", "mtp8"):
        assert model in tables


def test_what_is_kept_of_it() -> None:
    """Pictures of the whole quickstart, no trace of the machine that made them."""
    text = NOTEBOOK.read_text()
    assert len(text) < MOST_BYTES
    notebook = nbformat.reads(text, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not any("execution" in cell.metadata for cell in code)
    for word in ("/home/", "/root/", "/tmp/", "site-packages"):
        assert word not in text
