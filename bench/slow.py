"""The server with every outbox so many milliseconds late, as on a busy machine: ``python -m bench.slow 600``."""

from __future__ import annotations

import runpy
import sys
import time
from pathlib import Path
from typing import Any

from core.services import annotating

APP = Path(__file__).resolve().parents[1] / "app.py"


def main() -> None:
    delay_s, carry_out = float(sys.argv[1]) / 1000, annotating.apply

    def late(*arguments: Any, **options: Any) -> annotating.ApplyResult:
        time.sleep(delay_s)
        return carry_out(*arguments, **options)

    annotating.apply = late
    runpy.run_path(str(APP), run_name="__main__")


if __name__ == "__main__":
    main()
