"""The page docs/training-file.md, made from the settings.

``python -P -m ensemble.training.reference > docs/training-file.md`` writes it anew.
"""

from __future__ import annotations

from pydantic import BaseModel

from ensemble.campaign import schema
from ensemble.campaign.reference import page_of
from ensemble.training import settings
from ensemble.training.checks import settings as checks

INTRODUCTION = """\
# The training file

What `ensemble train` does is in one TOML file. Unknown keys are refused; a message about a key
names the file, the key, what was found and what is allowed. Paths start from the folder of the
file, which is also where training set and models are put. How a training goes: see
[training.md](training.md).

This page is made from the schema by `python -P -m ensemble.training.reference`.
"""

SECTIONS: dict[str, tuple[type[BaseModel], ...]] = {
    "[training]": (settings.Header,),
    "[material.NAME]": (schema.Material,),
    "material.NAME.vacancies": (schema.Vacancies,),
    "[teacher]": (settings.Teacher,),
    "[explore]": (settings.Explore,),
    "[committee]": (settings.Committee,),
    "[fit]": (settings.Fit,),
    "fit.weights": (settings.Weights,),
    "[test]": (settings.Test,),
    "[[model]]": (settings.Model,),
    "[checks]": (checks.Checks,),
    "checks.phonon": (checks.Phonon,),
    "checks.long, checks.hot": (checks.Stretch,),
}


def reference() -> str:
    """The page, in Markdown."""
    return page_of(INTRODUCTION, SECTIONS)


if __name__ == "__main__":
    print(reference(), end="")
