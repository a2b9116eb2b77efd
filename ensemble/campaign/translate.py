"""pydantic's errors in the words of this project."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ensemble.campaign.errors import CampaignError, Problem, bare, nearest, one_of, show
from ensemble.campaign.types import Says, Unit

Made = TypeVar("Made")
Remark = TypeVar("Remark", Says, Unit)


KEY_MARK = "[key]"
"""The last part of pydantic's location where a key of a dict is wrong, behind that key."""


def checked(
    make: Callable[[], Made],
    check: Callable[[Made], Iterable[Problem]],
    tables: Mapping[str, Any],
    root: type[BaseModel],
    path: Path,
) -> Made:
    """What is made of the tables of a file, with nothing wrong in it; `root` is what the file is.

    Raises
    ------
    CampaignError
        With all that pydantic finds wrong with the tables; where that is nothing, with all that
        `check` finds.
    """
    try:
        made = make()
    except ValidationError as error:
        raise CampaignError(path, problems_of(error, tables, root)) from error
    if problems := tuple(check(made)):
        raise CampaignError(path, problems)
    return made


def problems_of(
    error: ValidationError, tables: Mapping[str, Any], root: type[BaseModel]
) -> list[Problem]:
    """All that pydantic found wrong with the tables of a file; `root` is what the file is."""
    problems = (_problem(details, tables, root) for details in error.errors(include_url=False))
    return list(dict.fromkeys(problems))


def _problem(details: ErrorDetails, tables: Mapping[str, Any], root: type[BaseModel]) -> Problem:
    context, kind = details.get("ctx", {}), details["type"]
    place = _Place(tables, root, root)
    _locate(place, details["loc"], KEY_MARK if kind != "extra_forbidden" else None)
    if kind == "extra_forbidden":
        keys = keys_of(place.owner)
        near = nearest(str(details["loc"][-1]), keys)
        return Problem(place.key, "unknown key", one_of(keys), near)
    if kind.startswith("union_tag"):
        name = str(context["discriminator"]).strip("'")
        key, tags = f"{place.key}.{name}", list(tags_of(place.annotation))
        if kind == "union_tag_not_found":
            return Problem(key, "missing", one_of(tags))
        tag = details["input"].get(name)
        return Problem(key, f"found {show(tag)}", one_of(tags), nearest(tag, tags))
    allowed = words(place.annotation)
    if kind == "missing" and not place.short:
        return Problem(place.key, "missing", allowed)
    found = context.get("found", details["input"])
    choices = context.get("choices", choices_of(place.annotation))
    twice = " twice" if context.get("reason") == "twice" else ""
    near = nearest(context.get("word", found), choices)
    return Problem(place.key, f"found {show(found)}{twice}", allowed, near)


@dataclass
class _Place:
    """Where an error is: the way through the file, and the type that was expected at its end."""

    value: Any
    annotation: Any
    owner: type[BaseModel]
    parts: list[str] = field(default_factory=list)
    short: bool = False
    """Whether the way ends at a list with too few items."""

    @property
    def key(self) -> str:
        return ".".join(self.parts) or "the file"

    def enter(self, part: int | str) -> None:
        """One step further. A part that the file does not have (the list made of a number, say) is
        not shown.
        """
        if isinstance(self.value, Mapping):
            self.parts.append(bare(str(part)))
            self.value = self.value.get(part)
        elif isinstance(self.value, list) and isinstance(part, int):
            self._enter_list(part)

    def _enter_list(self, part: int) -> None:
        names = [item.get("name") if isinstance(item, Mapping) else None for item in self.value]
        name = names[part]
        if isinstance(name, str) and names.count(name) == 1:
            self.parts.append(bare(name))
        else:
            number = f" #{part + 1}"
            self.parts[-1:] = [self.parts[-1] + number] if self.parts else [number]
        self.value = self.value[part]


def _locate(place: _Place, location: tuple[int | str, ...], mark: str | None) -> None:
    """Go where pydantic's location means; `mark` as the last part of it means a key that is not
    allowed by itself.
    """
    keys: Any = Any
    for part in location:
        inner = _plain(place.annotation)
        origin, arguments = get_origin(inner), get_args(inner)
        if part == mark and part is location[-1] and keys is not Any:
            place.annotation = keys
            break
        keys = arguments[0] if origin is dict else Any
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            place.owner = inner
            place.enter(part)
            place.annotation = types_of(inner).get(str(part), Any)
        elif origin is dict:
            place.enter(part)
            place.annotation = arguments[1]
        elif origin is tuple and isinstance(part, int):
            if isinstance(place.value, list) and part >= len(place.value):
                place.short = True
                break
            place.enter(part)
            place.annotation = arguments[0]
        else:
            place.annotation = tags_of(inner).get(str(part), Any)


def said(annotation: Any, kind: type[Remark]) -> Remark | None:
    """The last remark of a kind that was made about a type."""
    remarks = [x for x in getattr(annotation, "__metadata__", ()) if isinstance(x, kind)]
    if remarks:
        return remarks[-1]
    optional = _of_optional(annotation)
    return None if optional is None else said(optional, kind)


def words(annotation: Any) -> str:
    """What is allowed, in words."""
    says = said(annotation, Says)
    if says is not None:
        return says.text
    inner = _plain(annotation)
    if get_origin(inner) is Literal:
        return one_of(get_args(inner))
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return f"a table with the keys {one_of(keys_of(inner)).replace(' or ', ' and ')}"
    tags = tags_of(inner)
    if tags:
        return f"a table of kind {one_of(tags)}"
    return "text"


def keys_of(table: type[BaseModel]) -> list[str]:
    """The keys of a table as the file writes them."""
    return list(types_of(table))


def choices_of(annotation: Any) -> Sequence[str]:
    """The words that a key chooses from; none where it holds something else."""
    inner = _plain(annotation)
    return get_args(inner) if get_origin(inner) is Literal else ()


def tags_of(annotation: Any) -> dict[str, type[BaseModel]]:
    """The tables that a key chooses from, by the word that chooses."""
    inner = _plain(annotation)
    members = get_args(inner) if get_origin(inner) in (Union, UnionType) else ()
    tags = {}
    for member in members:
        for kind in member.model_fields.values():
            if len(names := get_args(kind.annotation)) == 1 and isinstance(names[0], str):
                tags[names[0]] = member
    return tags


def _annotation_of(information: FieldInfo) -> Any:
    """The type of a field with all that was said about it."""
    if not information.metadata:
        return information.annotation
    return Annotated[information.annotation, *information.metadata]


def types_of(table: type[BaseModel]) -> dict[str, Any]:
    """The types of a table's keys, with all that was said about them."""
    fields = table.model_fields.items()
    return {kind.alias or name: _annotation_of(kind) for name, kind in fields}


def _plain(annotation: Any) -> Any:
    """Without what was said about it, and without the None of an optional key."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    optional = _of_optional(annotation)
    return annotation if optional is None else _plain(optional)


def _of_optional(annotation: Any) -> Any:
    """X of ``X | None``, otherwise None."""
    if get_origin(annotation) not in (Union, UnionType):
        return None
    members = [member for member in get_args(annotation) if member is not NoneType]
    return members[0] if len(members) == 1 else None
