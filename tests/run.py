"""What must hold before a change is taken: ``./csirtlab test``, or ``./csirtlab test quick``.

Formatting, lint, types, floors, the wheel in a clean environment, then every test. The tests come
last, so that pytest's closing line is the last line.
"""

import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
WORKERS = 2  # more would outrun what tests wait for: browsers, cells, kills at a moment


def step(name: str, *command: str | Path, cwd: Path = ROOT) -> None:
    """Run one step; stop at the first that fails."""
    print(f"--- {name}", flush=True)
    started = time.monotonic()
    code = subprocess.run([str(word) for word in command], cwd=cwd, check=False).returncode
    print(f"    {time.monotonic() - started:.0f} s", flush=True)
    if code != 0:
        sys.exit(f"csirtlab: {name} failed. Run it alone: {' '.join(str(word) for word in command)}")


def check_code(*, is_quick: bool) -> None:
    """Check formatting, lint, types and floors."""
    step("formatting", BIN / "ruff", "format", "--check", ".")
    step("lint", BIN / "ruff", "check", ".")
    step("floors", BIN / "lint-imports", "--no-cache")
    step("types (mypy)", BIN / "mypy")
    if not is_quick:
        step("types (pyright)", BIN / "pyright", "--pythonpath", sys.executable)


def check_wheel() -> None:
    """Build the sdist, the wheel from it, and use that in an environment that has nothing else."""
    with tempfile.TemporaryDirectory(prefix="csirtlab-wheel-") as folder:
        aside = Path(folder)
        step("wheel, built from the sdist", sys.executable, "-m", "build", "--no-isolation", "--outdir", aside, ROOT)
        (wheel,) = aside.glob("*.whl")
        clean = aside / "clean"
        venv.create(clean, with_pip=True)
        pip = (clean / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        step("clean environment", *pip, "--require-hashes", "-r", ROOT / "requirements" / "runtime.txt")
        step("wheel, installed", *pip, "--no-deps", wheel)
        program = clean / "bin" / "csirtlab"
        step("wheel, its labs", program, "labs", "check", cwd=aside)
        step(
            "wheel, its evidence",
            program,
            "evidence",
            "make",
            "c2-beacon",
            "--seed",
            "1",
            "--out",
            aside / "case",
            cwd=aside,
        )


def main() -> None:
    """Run the steps; ``quick`` leaves out what takes minutes. Further arguments go to pytest."""
    arguments = sys.argv[1:]
    is_quick = arguments[:1] == ["quick"]
    check_code(is_quick=is_quick)
    if not is_quick:
        check_wheel()
    chosen = ["-m", "not slow and not browser", *arguments[1:]] if is_quick else arguments
    # A file's tests stay together: they share a hub, a browser, a cohort.
    spread = ["--numprocesses", str(WORKERS), "--dist", "loadfile"]
    print("--- tests", flush=True)
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *spread, *chosen])


if __name__ == "__main__":
    main()
