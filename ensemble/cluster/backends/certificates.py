"""Temporary certificates: a key for one launch, in a file that only its user can read.

Whoever holds the key may run programs as the user who launched. So it is in no job script and on no
command line: those name the file, which lies in the store and is removed when the launch ends. One
whose launcher was killed opens nothing, for its scheduler is gone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from distributed import Security

CERTIFICATE, KEY = "certificate.pem", "key.pem"


@contextmanager
def temporary_certificates(folder: Path) -> Iterator[Security]:
    """Certificates of all roles in files of a folder of their own in `folder`.

    Raises
    ------
    OSError
        They cannot be written.
    """
    from distributed import Security

    made = Security.temporary()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = Path(mkdtemp(dir=folder, prefix="tls-"))  # of mode 700
    try:
        _write(own / CERTIFICATE, made.tls_client_cert)
        _write(own / KEY, made.tls_client_key)
        yield Security(require_encryption=True, **certificate_files(own))
    finally:
        shutil.rmtree(own, ignore_errors=True)
        with suppress(OSError):  # another launch has its own in there
            folder.rmdir()


def certificate_files(folder: Path) -> dict[str, str]:
    """The files of all roles, as Dask's ``Security`` takes them. There is one certificate, which
    vouches for itself.
    """
    certificate, key = str(folder / CERTIFICATE), str(folder / KEY)
    files = {"tls_ca_file": certificate}
    for role in ("client", "scheduler", "worker"):
        files |= {f"tls_{role}_cert": certificate, f"tls_{role}_key": key}
    return files


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.write(text)
