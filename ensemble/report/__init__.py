"""The report of a campaign: one HTML page that needs nothing else, and its figures as files.

``write_report``
    The door.
``content``
    What a report consists of, and what it is made from.
``verdict``, ``conductivity``, ``onsager``, ``driven``, ``lengths``, ``heat_flux``, ``energies``,
``diffusion``
    Sections about κ and what is behind it, each a function of `content.Source`.
``health``, ``provenance``
    Sections about the runs and where the numbers come from.
``style``, ``marks``, ``picture``
    How figures look, what they are put together from, and what belongs to one.
``page``, ``files``
    The sections as a page; page and figures put in place.

Every number is one of `ensemble.results`; nothing is computed here.
"""

from __future__ import annotations

from pathlib import Path

from ensemble.report.conductivity import conductivities
from ensemble.report.content import Section, Source
from ensemble.report.diffusion import diffusion
from ensemble.report.driven import direct, profiles
from ensemble.report.energies import energies
from ensemble.report.files import Written, write_files
from ensemble.report.health import durations, health, progress_words
from ensemble.report.heat_flux import correlations
from ensemble.report.onsager import onsager
from ensemble.report.page import as_html, rendered
from ensemble.report.provenance import provenance
from ensemble.report.verdict import verdict
from ensemble.results import Results, Selection
from ensemble.store import ledger
from ensemble.store.status import Status, read_status

__all__ = ["Written", "sections_of", "write_report"]

SECTIONS = (
    verdict,
    conductivities,
    onsager,
    direct,
    profiles,
    correlations,
    energies,
    diffusion,
)
"""Of the numbers, in their order."""


def sections_of(source: Source, status: Status) -> list[Section]:
    """The sections of a report, the verdict first."""
    found = [make(source) for make in SECTIONS]
    return [*found, health(source, status), durations(source), provenance(source)]


def write_report(
    results: Results, output: Path | None = None, selection: Selection | None = None
) -> Written:
    """Write the report of what is in a store now, whether all runs are done or not.

    Parameters
    ----------
    results
        Of the store.
    output
        A folder, in which the page is ``index.html`` and the figures are in ``figures``; or the
        name of the page, with ``.html`` at its end, and the figures are in ``NAME-figures`` beside
        it. ``STORE/report`` where not given.
    selection
        Of the groups of runs; all where not given. Health and provenance are of the whole store.

    Raises
    ------
    StoreError
        The store cannot be read, or the report not be written.
    OSError
        Likewise.
    """
    from importlib.metadata import version

    info = results.info
    source = Source(results, selection or Selection())
    status = read_status(info.root)
    sections = sections_of(source, status)
    pictures = rendered(sections)
    target = output or info.paths.report
    latest = max((event.time for event in ledger.events(info.paths)), default="")
    heading = {
        "name": source.campaign.name,
        "description": source.campaign.header.description,
        "text": info.campaign,
        "state": progress_words(status),
        "latest": latest[:16].replace("T", " "),
        "version": version("ensemble"),
    }
    return write_files(
        target,
        pictures,
        lambda figures: as_html(sections, pictures, figures=figures, heading=heading),
    )
