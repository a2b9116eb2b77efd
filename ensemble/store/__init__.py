"""What is kept on disk: the labelled hypercube of samples, and the folders that runs work in.

``layout``
    Where everything lies; paths and nothing else.
``info``
    What a store says of itself, as plain JSON.
``arrays``
    Creating a store and growing it, by the launcher alone; not imported here, since it needs Zarr.
``commit``
    A segment's record, restart file and chunk, put in place whole.
``lease``
    Who may work on a run.
``progress``, ``ledger``
    How far the runs are; which attempts were made and how they ended.
``errors``
    What can go wrong, each with the path and what would do.

Two rules carry all of this. **The chunk is the commit**: a segment is done when the file with its
rows is there, and a file is only ever put in place whole. **The root's metadata is the commit of
the labels**: a label that it does not have, no run has worked under.
"""

from ensemble.store.commit import clear_attempts, commit_segment, new_attempt, read_chunk
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
)
from ensemble.store.files import write_atomically, write_if_new
from ensemble.store.info import StoreInfo, StudyInfo, check_physics, read_store
from ensemble.store.layout import StorePaths
from ensemble.store.lease import Lease, is_held
from ensemble.store.ledger import Event, History
from ensemble.store.progress import (
    Start,
    State,
    committed,
    committed_of,
    next_segment,
    states,
    tidy,
)

__all__ = [
    "DiskFull",
    "Event",
    "History",
    "Lease",
    "LeaseHeld",
    "LeaseLost",
    "NoPlace",
    "NotReproducible",
    "PhysicsChanged",
    "ReadOnly",
    "Start",
    "State",
    "StoreError",
    "StoreInfo",
    "StoreMissing",
    "StorePaths",
    "StoreUnreadable",
    "StudyInfo",
    "check_physics",
    "clear_attempts",
    "commit_segment",
    "committed",
    "committed_of",
    "is_held",
    "new_attempt",
    "next_segment",
    "read_chunk",
    "read_store",
    "states",
    "tidy",
    "write_atomically",
    "write_if_new",
]
