"""Runs a command and says what it took: `measured.py COMMAND ...`.

Prints one JSON object: what the command printed on its standard output, seconds of the wall's clock and of the processor
(its own and its children's), and the most memory that it held at once.
Absent: what it says on its standard error, unless it fails; then that and its exit code are passed on.
"""

import json
import resource
import subprocess
import sys
import time

begun = time.monotonic()
command = subprocess.run(sys.argv[1:], capture_output=True, check=False)
wall = time.monotonic() - begun
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if command.returncode != 0:
    sys.stderr.buffer.write(command.stderr)
    sys.exit(command.returncode if command.returncode > 0 else 1)
print(json.dumps({
    "printed": command.stdout.decode("utf-8"),
    "wall_s": wall,
    "cpu_s": used.ru_utime + used.ru_stime,
    "peak_bytes": used.ru_maxrss * 1024,
}))
