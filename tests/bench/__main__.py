"""What a daily check costs as the number of shops grows: `make bench`. Ratios count, not seconds.

For each size, in a database of its own with demonstration data: the first check of an alliance, which
files, and one more, which finds everything filed; and the peak memory of its process.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SIZES = [int(size) for size in os.environ.get("SIZES", "10000 100000").split()]
ALLIANCE = "douyin-featured"


def run(*command: str, data: str) -> tuple[str, float, float]:
    """Standard output, seconds, and peak memory in MB of one manage.py command."""
    read, write = os.pipe()
    # A process of its own between us and it: what getrusage says of children is the largest of all so far.
    pid = os.fork()
    if pid == 0:
        began = time.monotonic()
        environment = {**os.environ, "OPSDESK_DATA": data}
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=CHECKOUT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        seconds = time.monotonic() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        os.write(write, json.dumps([done.stdout, seconds, peak]).encode())
        os._exit(done.returncode)
    os.close(write)
    with os.fdopen(read) as answer:
        text = answer.read()
    _pid, status = os.waitpid(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} failed")
    output, seconds, peak = json.loads(text)
    return output, seconds, peak


FIRST_CHECK = f"""
from rules.models import Sweep
first = Sweep.objects.filter(alliance__code={ALLIANCE!r}).order_by("id").first()
print(first.checked, first.filed, first.seconds)
"""


def measure(shops: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="opsdesk-bench-") as data:
        os.chmod(data, 0o755)
        try:
            run("migrate", "--verbosity", "0", data=data)
            _out, load, _peak = run("createdemo", "--shops", str(shops), "--days", "3", data=data)
            told, _seconds, _peak = run("shell", "--verbosity", "0", "--command", FIRST_CHECK, data=data)
            checked, filed, first = told.split()[-3:]
            answer, _seconds, peak = run("sweep", "--alliance", ALLIANCE, "--json", data=data)
            again = json.loads(answer)
        finally:
            subprocess.run(
                [sys.executable, "-m", "opsdesk.local_services", "down"],
                cwd=CHECKOUT,
                env={**os.environ, "OPSDESK_DATA": data},
                check=False,
            )
    return {
        "shops": shops,
        "createdemo s": round(load, 1),
        "checked": int(checked),
        "filed": int(filed),
        "first check s": float(first),
        "again s": float(again["seconds"]),
        "peak MB": round(peak),
    }


def main() -> None:
    rows = [measure(size) for size in SIZES]
    print(" | ".join(rows[0]))
    for row in rows:
        print(" | ".join(str(value) for value in row.values()))
    small, large = rows[0], rows[-1]
    for what in ("shops", "first check s", "again s", "peak MB"):
        print(f"{what}: {large[what] / small[what]:.2f} ×")


if __name__ == "__main__":
    main()
