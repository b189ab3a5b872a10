"""What a measurement was made on: processor, memory, system, versions, commit and day."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def machine() -> str:
    """Return one line about the machine, without its name."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    flags = set(re.search(r"^flags\s*:\s*(.+)$", text, re.MULTILINE)[1].split()) if found else set()
    simd = [
        name for name in ("avx2", "avx512f", "avx512_vnni", "avx512_vpopcntdq", "amx_int8") if name in flags
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = found[1] if found else platform.processor()
    return (
        f"{os.cpu_count()} cores of {model} ({', '.join(simd)}), {memory:.0f} GiB, "
        f"Linux {platform.release()}, Python {platform.python_version()}"
    )


def made() -> str:
    """Return the day, the commit and how busy the machine was."""
    commit = _git("rev-parse", "--short=10", "HEAD") or "no commit"
    changed = " with changes" if _git("status", "--porcelain", "--", "rust", "python") else ""
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}{changed}, load average {os.getloadavg()[0]:.1f}"


def _git(*arguments: str) -> str:
    root = Path(__file__).parent
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip()
