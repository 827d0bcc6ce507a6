"""Files stay small: reports the median and the large ones, and fails for one that is too large."""  # noqa: INP001 - a script

import sys
from pathlib import Path
from statistics import median

MEDIAN = 150
LARGE = 400
TOO_LARGE = 600


def main(folder: Path) -> int:
    # a revision is generated, and as long as what it changes
    written = (path for path in folder.rglob("*.py") if path.parent.name != "versions")
    sizes = {path: len(path.read_text().splitlines()) for path in written}
    middle = median(size for size in sizes.values() if size)
    sys.stdout.write(f"{len(sizes)} files, median {middle:.0f} lines (at most {MEDIAN} is meant)\n")
    for path, size in sorted(sizes.items(), key=lambda item: -item[1]):
        if size > LARGE:
            limit = f"over {TOO_LARGE}: split it" if size > TOO_LARGE else f"over {LARGE}"
            sys.stdout.write(f"{path}: {size} lines, {limit}\n")
    return int(max(sizes.values()) > TOO_LARGE or middle > MEDIAN)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
