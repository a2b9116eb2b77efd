"""The document: prose from a template, numbers from the committed tables, figures beside them.

Stores are not needed, so that it can be written again from a fresh clone, to the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError

from ensemble.reduction.intervals import Interval
from ensemble.report.page import LARGE_SVG
from ensemble.report.picture import Picture
from ensemble.reproduction import accounts, carried, conductivities, gauges, texts
from ensemble.reproduction.evidence import Evidence, read_evidence
from ensemble.reproduction.figures import conductivity_figures
from ensemble.reproduction.figures_of_atoms import atom_figures
from ensemble.reproduction.references import DIFFUSION
from ensemble.store.files import write_if_new

__all__ = ["FINDINGS", "document", "page_of", "write"]

FINDINGS = "findings.md.jinja"
"""Written by hand: likely causes of what disagrees. Numbers stand in it as placeholders of the
template, such as ``{{ raw[1].parts["raw κ"].factor | number(2) }}``."""

FIGURES = "figures"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A figure as a file of the document."""

    file: str
    content: bytes
    caption: str
    alt: str


def page_of(folder: Path) -> Path:
    """The document that belongs to a folder of tables: beside it, by its name."""
    return folder.with_name(f"{folder.name}.md")


def write(folder: Path) -> Path:
    """Write the document and its figures from the tables in a folder, and say where it is.

    Raises
    ------
    TableError
        A table is not there, or not what it has to be.
    ValueError
        The findings have a placeholder for something that there is not.
    StoreError, OSError
        A file cannot be written.
    """
    evidence = read_evidence(folder)
    found = (*conductivity_figures(evidence), *atom_figures(evidence))
    pictures = {picture.name: _shown(picture) for picture in found}
    for one in pictures.values():
        write_if_new(folder / FIGURES / one.file, one.content)
    _remove_others(folder / FIGURES, {one.file for one in pictures.values()})
    page = page_of(folder)
    write_if_new(page, document(evidence, pictures).encode())
    return page


def _shown(picture: Picture) -> Shown:
    """As vectors, unless pixels are smaller by far."""
    svg = picture.svg()
    small = len(svg) <= LARGE_SVG
    return Shown(
        file=f"{picture.name}.{'svg' if small else 'png'}",
        content=svg if small else picture.png(),
        caption=picture.caption,
        alt=picture.alt,
    )


def _remove_others(folder: Path, files: Iterable[str]) -> None:
    """Figures that an earlier document had, and this one has not."""
    for path in (*folder.glob("*.svg"), *folder.glob("*.png")):
        if path.name not in files:
            path.unlink()


def document(evidence: Evidence, pictures: dict[str, Shown]) -> str:
    """The document as Markdown.

    Parameters
    ----------
    evidence
        The tables.
    pictures
        Its figures by name, without which their places stay empty.

    Raises
    ------
    ValueError
        The findings have a placeholder for something that there is not.
    """
    environment = _environment()
    known = _context(evidence)
    path = evidence.folder / FINDINGS
    findings = path.read_text() if path.exists() else ""
    try:
        said = environment.from_string(findings).render(known)
    except TemplateError as error:
        raise ValueError(f"{path}: {error}; placeholders are those of the template") from error
    text = environment.get_template("reproduction.md").render(
        known,
        pictures=pictures,
        figures=f"{evidence.folder.name}/{FIGURES}",
        findings=said.strip(),
    )
    return _tidy(text)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ensemble.reproduction"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown
    )
    environment.filters |= {
        "value": texts.value,
        "number": texts.number,
        "percent": texts.percent,
        "chance": texts.chance,
        "count": texts.count,
        "ends": lambda ends: texts.between(*ends),
        "range": _range,
        "fits_table": conductivities.fits_table,
    }
    return environment


def _range(found: Sequence[Interval]) -> str:
    """The least and the most of some ratios, each with its interval."""
    ordered = sorted(found, key=lambda one: one.mean)
    ends = dict.fromkeys(texts.value(one) for one in (ordered[0], ordered[-1]))
    return " to ".join(ends)


def _context(evidence: Evidence) -> dict[str, Any]:
    """What the template speaks of."""
    raw = conductivities.raw(evidence)
    return {
        "campaigns": evidence.campaigns,
        "states": list(accounts.states(evidence)),
        "beside": conductivities.beside_the_papers(evidence),
        "raw": raw,
        "raw_table": conductivities.spread_table(
            (f"{one.case.title} ({one.case.study})", name, found)
            for one in raw
            for name, found in one.parts.items()
            if found is not None
        ),
        "direct": conductivities.direct(evidence),
        "corrected": list(conductivities.corrected(evidence)),
        "fixed": list(carried.fixed(evidence)),
        "motion": list(carried.motion(evidence)),
        "diffusion_of_paper": DIFFUSION,
        "gauge": list(gauges.gauge(evidence)),
        "virials": list(carried.virials(evidence)),
        "costs": accounts.costs(evidence),
        "checks": list(accounts.checks(evidence)),
        "swaps": list(accounts.swaps(evidence)),
        "doubts": accounts.doubts_table(evidence),
        "failures": accounts.failures_table(evidence),
    }


def _tidy(text: str) -> str:
    """One empty line where the template left several."""
    lines: list[str] = []
    for line in text.splitlines():
        line = line.rstrip()
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).rstrip("\n") + "\n"
