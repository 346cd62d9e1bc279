"""Puts a data set of reviews in folders (train/pos, train/neg, test/pos, test/neg, unsup) into one table for the task
imdb: imdb_csv.py FOLDER OUT writes OUT/texts.csv. Texts of test are for validation. Standard library only.
"""
import csv
import sys
from pathlib import Path

PARTS = [("train/pos", "positive", False), ("train/neg", "negative", False), ("test/pos", "positive", True),
         ("test/neg", "negative", True), ("unsup", "unsup", False)]

if __name__ == "__main__":
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "texts.csv", "w", newline="", encoding="utf-8") as f:
        table = csv.writer(f)
        table.writerow(["label", "text", "is_valid"])
        for part, label, valid in PARTS:
            for file in sorted((folder / part).glob("*.txt")):
                table.writerow([label, file.read_text(encoding="utf-8"), valid])
