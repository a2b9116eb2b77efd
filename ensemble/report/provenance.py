"""Where the numbers come from: campaign, studies, files by their hashes, versions, hosts, hours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from ensemble.plan.recipe import cells_text, number_text
from ensemble.report.content import Part, Section, Source, Table, section
from ensemble.report.style import unit
from ensemble.store import ledger

__all__ = ["provenance"]

SECONDS_PER_HOUR = 3600.0

MOST_LABELS = 12
"""Of an axis, in words."""


def provenance(source: Source) -> Section:
    """Tables; the campaign file itself stands below them."""
    return section(
        "provenance",
        "Provenance",
        ["Everything below is from the store's own record."],
        [*_tables(source)],
    )


def _tables(source: Source) -> Iterator[Part]:
    info = source.results.info
    yield _studies(source)
    hashes = [
        (name, kind.removesuffix("s"), digest)
        for kind, files in info.fingerprints.items()
        for name, digest in files.items()
    ]
    if hashes:
        yield Table(
            caption="Fingerprints of potentials and structures: SHA-256 of what they say",
            headings=("name", "what", "hash"),
            rows=tuple(hashes),
            texts=3,
        )
    yield Table(
        caption="Versions launched here, the last one last",
        headings=("ensemble", "LAMMPS"),
        rows=tuple(
            (version.get("ensemble", "–"), version.get("lammps", "–")) for version in info.versions
        ),
        texts=2,
    )
    yield from _hosts(source)


def _studies(source: Source) -> Table:
    info = source.results.info
    time = "τ" if source.system.reduced else "ps"
    rows = []
    for name, study in info.studies.items():
        axes = study.axes
        rows.append(
            (
                name,
                study.method,
                study.material,
                _some(axes.models),
                _some(map(number_text, axes.temperatures)),
                _some(map(cells_text, axes.supercells)),
                _some(f"{atoms:,}" for atoms in study.atoms),
                str(len(axes.seeds)),
                f"{study.sample_segments * study.rows_per_segment * study.row_time:.6g}",
            )
        )
    degrees = unit(source.system.temperature_symbol)
    return Table(
        caption="Studies",
        headings=(
            *("study", "method", "material", "models", f"T ({degrees})", "supercells", "atoms"),
            *("seeds", f"sampling ({time})"),
        ),
        rows=tuple(rows),
        texts=4,
    )


def _some(labels: Iterable[str]) -> str:
    listed = list(labels)
    if len(listed) > MOST_LABELS:
        listed = [*listed[: MOST_LABELS - 2], "…", listed[-1]]
    return ", ".join(listed)


def _hosts(source: Source) -> Iterator[Part]:
    """Attempts and core-hours by host, from the ledger."""
    campaign, paths = source.campaign, source.results.info.paths
    ranks = {study.name: campaign.engine_of(study).ranks for study in campaign.studies}
    attempts, seconds = defaultdict[str, int](int), defaultdict[str, float](float)
    for event in ledger.events(paths):
        if event.kind != "retry":
            attempts[event.host] += 1
            seconds[event.host] += event.wall * ranks.get(event.study, 1)
    if not attempts:
        yield "Hosts and core-hours are left out: no attempt at a run has ended yet."
        return
    rows = [
        (host, f"{count:,}", f"{seconds[host] / SECONDS_PER_HOUR:,.3g}")
        for host, count in attempts.items()
    ]
    if len(rows) > 1:
        total = sum(seconds.values()) / SECONDS_PER_HOUR
        rows.append(("all", f"{sum(attempts.values()):,}", f"{total:,.3g}"))
    yield Table(
        caption="Attempts that ended by themselves, and core-hours: wall time × MPI ranks",
        headings=("host", "attempts", "core-hours"),
        rows=tuple(rows),
    )
