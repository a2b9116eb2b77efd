"""For all tests: what the processes that they start have from the one that runs them.

Several of them share each core, so MPI ranks that wait give theirs away. A rank of MPICH waits by
looking again and again: beside two other processes on two cores, two ranks took three times as long
as where they sleep in between.

Ctrl-C is heard by them even where the tests run in the background, as `make test &` of a script: a
shell has such commands ignore SIGINT, all that they start inherits this, and Python leaves a signal
alone that is ignored when it starts.
"""

import os
import signal

os.environ.setdefault("MPIR_CVAR_ENABLE_HEAVY_YIELD", "1")
signal.signal(signal.SIGINT, signal.default_int_handler)
