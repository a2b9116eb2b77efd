"""The page docs/campaign-file.md, made from the schema.

``python -P -m ensemble.campaign.reference > docs/campaign-file.md`` writes it anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from ensemble.campaign import clusters, schema, studies, table
from ensemble.campaign.errors import show
from ensemble.campaign.translate import said, types_of, words
from ensemble.campaign.types import Unit
from ensemble.prototypes import PROTOTYPES

INTRODUCTION = """\
# The campaign file

A campaign is one TOML file. Unknown keys are refused; a message about a key names the file, the
key, what was found and what is allowed. Paths start from the folder of the file. Numbers are in the
units of the tables below; under `units = "lj"` all are in reduced units, and no time has a default.

A store that exists may grow: by models, temperatures, supercells, seeds, studies, materials and
sampling time. Everything else under `[material]`, `[models]` and `[[study]]` decides the numbers of
a run, except `engine`, `host` and `window`, and cannot change under it.

This page is made from the schema by `python -P -m ensemble.campaign.reference`.
"""

SECTIONS: dict[str, tuple[type[BaseModel], ...]] = {
    "[campaign]": (schema.Header,),
    "[material.NAME]": (schema.Material,),
    "material.NAME.vacancies": (schema.Vacancies,),
    '[models], style = "mtp"': (schema.MtpModels,),
    '[models], style = "lammps"': (schema.LammpsModels,),
    "[[models.model]]": (schema.LammpsModel,),
    "[engine]": (table.Engine,),
    '[[study]], method = "emd"': (studies.Emd,),
    'study.NAME.sample, method = "emd"': (studies.Sample,),
    "study.NAME.equilibrate": (studies.Npt, studies.Nvt, studies.Nve),
    '[[study]], method = "nemd"': (studies.Nemd,),
    'study.NAME.sample, method = "nemd"': (studies.BlockSample,),
    "study.NAME.swap": (studies.Swap,),
    '[[study]], method = "rerun"': (studies.Rerun,),
    "study.NAME.source": (studies.Source,),
    '[cluster], kind = "local"': (clusters.Local,),
    "[cluster], every job queue": (clusters.Queue,),
    "[cluster], every job queue but HTCondor": (clusters.TimedQueue,),
    **{f'[cluster], kind = "{name}"': (table,) for name, table in clusters.QUEUES.items()},
    '[cluster], kind = "address"': (clusters.Existing,),
    "[convergence]": (schema.Convergence,),
    "[[experiment]]": (schema.Experiment,),
}


Appendix = Callable[[str], Iterable[str]]


def reference() -> str:
    """The page, in Markdown."""
    return page_of(INTRODUCTION, SECTIONS, _appendix)


def page_of(
    introduction: str,
    sections: Mapping[str, tuple[type[BaseModel], ...]],
    appendix: Appendix = lambda title: (),
) -> str:
    """A page in Markdown about the tables of a file.

    Parameters
    ----------
    introduction
        Stands first.
    sections
        The tables, by the heading that they come under.
    appendix
        Lines behind the tables of a heading.
    """
    return "\n".join(_lines(introduction, sections, appendix))


def _lines(
    introduction: str, sections: Mapping[str, tuple[type[BaseModel], ...]], appendix: Appendix
) -> Iterator[str]:
    yield introduction
    shown = {kind for tables in sections.values() for kind in tables}
    for title, tables in sections.items():
        yield f"## `{title}`\n"
        for kind in tables:
            yield f"{_one_line(kind.__doc__)}\n"
            yield "| key | allowed | default | meaning |\n|---|---|---|---|"
            told = {key for base in kind.__mro__[1:] if base in shown for key in types_of(base)}
            yield from (_row(kind, key) for key in types_of(kind) if key not in told)
            yield ""
        yield from appendix(title)


def _row(table: type[BaseModel], key: str) -> str:
    information = table.model_fields[key]
    annotation, unit = types_of(table)[key], ""
    if (given := said(annotation, Unit)) is not None:
        unit = f" ({given.symbol})"
    default = "required"
    if not information.is_required():
        default = _default(information.get_default(call_default_factory=True))
    meaning = _one_line(information.description)
    cells = (f"`{key}`", words(annotation) + unit, default, meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"`{value:g}`"
    return f"`{show(_plain(value), longest=1000)}`"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(part) for name, part in value if part is not None}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _appendix(title: str) -> Iterator[str]:
    if title == "[material.NAME]":
        yield "Prototypes, with the sites of each species in the conventional cell:\n"
        for name, prototype in PROTOTYPES.items():
            sites = " + ".join(map(str, prototype.site_counts))
            constants = " or ".join({1: "a", 2: "[a, c]"}[n] for n in prototype.constants)
            yield f"* `{name}` ({prototype.example}): {sites} sites, lattice {constants}"
        yield ""


def _one_line(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "").strip()


if __name__ == "__main__":
    print(reference(), end="")
