"""For all tests: several processes share each core, so MPI ranks that wait give theirs away.

A rank of MPICH waits by looking again and again. Beside two other processes on two cores, two ranks
took three times as long as where they sleep in between.
"""

import os

os.environ.setdefault("MPIR_CVAR_ENABLE_HEAVY_YIELD", "1")
