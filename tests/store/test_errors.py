"""Errors travel from the workers to the launcher."""

import errno
import pickle
from pathlib import Path

import pytest

from ensemble.store.errors import (
    DiskFull,
    LeaseHeld,
    LeaseLost,
    NoPlace,
    NotReproducible,
    PhysicsChanged,
    ReadOnly,
    StoreError,
    StoreMissing,
    StoreUnreadable,
    explained,
)

STORE = Path("runs/quickstart")


@pytest.mark.parametrize(
    "error",
    [
        StoreError(STORE, "this", "that"),
        StoreMissing(STORE),
        NoPlace(STORE, "a file"),
        StoreUnreadable(STORE, "not the metadata of a store"),
        DiskFull(STORE, "no space left on device"),
        ReadOnly(STORE, "permission denied"),
        PhysicsChanged(STORE, ["units: was 1, is now 2", "material.a: was 3, is now 4"]),
        NotReproducible(STORE, "emd-gk-a", 7),
        LeaseHeld(STORE, "process 1 on node7"),
        LeaseLost(STORE, "process 1 on node7"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_sent(error: StoreError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert str(error).startswith("runs/quickstart: ")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EFBIG, DiskFull),
        (errno.EROFS, ReadOnly),
        (errno.EACCES, ReadOnly),
        (errno.EIO, OSError),
    ],
)
def test_what_the_system_says_is_explained(number: int, kind: type[Exception]) -> None:
    with pytest.raises(kind), explained(STORE):
        raise OSError(number, "words of the system")
