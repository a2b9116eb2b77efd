"""What every table of a campaign file is, and the one that appears in two places."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from ensemble.campaign.types import Command, Count, Environment


class Table(BaseModel):
    """A TOML table: unknown keys are refused, nothing is converted, nothing changes afterwards."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


class Engine(Table):
    """How LAMMPS is started. It does not change what is computed."""

    command: Command | None = None
    """Such as `srun --exact -n {ranks} lmp`; the embedded LAMMPS and MPI where not given. What the
    input script needs is added behind it."""

    ranks: Count = 1
    """MPI ranks of a run."""

    environment: Environment = Field(default_factory=dict)
    """Environment variables for LAMMPS. Kept in the store: no place for a secret."""
