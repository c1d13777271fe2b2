"""The sample study, rendered whole by the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

STUDY = Path(__file__).resolve().parents[1] / "configs" / "sample.yml"


def rendered(out: Path, *more: str, timeout: int = 600) -> Path:
    """The published folder of one run into `out`; `more`: further options."""
    command = [
        sys.executable,
        "-m",
        "segment_lab",
        "run",
        str(STUDY),
        "--out",
        str(out),
    ]
    done = subprocess.run(
        [*command, *more],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (out / "sample" / "latest").resolve()
