"""The two tables of zoo-localization: how good gains are, and the filters that use them.

Table 1: the error of localized gains against those of a large ensemble, on the published snapshot
and on fresh pairs of two truth runs, and what a gain costs. Table 2: cycling, Lorenz-05 and
Lorenz-96, every arm tuned on other truths than those reported. What cannot run is left out, and
says so. Run as `make science`, or `make science-quick` to see that all of it works.
"""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import zoo
from benchmarks.science.book import Book, LeftOut
from benchmarks.science.cycling import cycling_table
from benchmarks.science.gains import cost_table, fresh_table, snapshot_table
from benchmarks.science.networks import CELF, CLF, LORENZ05, LORENZ96, load_models, some
from benchmarks.science.sizes import FULL, QUICK, Sizes
from zoo.errors import ZooError
from zoo_localization.extras import numba_is_there
from zoo_localization.lorenz05_datasets import lorenz05_gains

ROOT = Path(__file__).resolve().parents[2]


def need_numba() -> None:
    if not numba_is_there():
        raise LeftOut('Lorenz-05 takes hours without Numba: pip install "zoo-localization[sim]"')


def science(sizes: Sizes, published: Path, root: Path, book: Book) -> None:
    """Compute and print all tables."""
    models, data = load_models(published, root, book), None
    with book.piece("table 1a, published snapshot"):
        snapshot_table(published, some(models, (CLF, CELF, *LORENZ05)), book)
    with book.piece("table 1b, fresh pairs"):
        need_numba()
        data = lorenz05_gains(with_mean=True, validation_pairs=0, **sizes.pairs)
        fresh_table(data, sizes.every, some(models, (CLF, *LORENZ05)), book)
    with book.piece("table 1c, time"):
        cost_table(sizes.repeats, book)
    with book.piece("table 2, Lorenz-05"):
        need_numba()
        arms = ["gaspari_cohn", "elf", *(["lrlf"] if data else [])]
        networks = some(models, (CLF, *LORENZ05))
        cycling_table("lorenz05", arms, networks, sizes.lorenz05, book, sizes.networks, data)
    with book.piece("table 2, Lorenz-96"):
        arms, networks = ["gaspari_cohn", "nice"], some(models, LORENZ96)
        cycling_table("lorenz96", arms, networks, sizes.lorenz96, book)


def write_setting(sizes: Sizes, book: Book) -> None:
    setting = {"cores": os.cpu_count(), "machine": platform.machine(), "zoo": zoo.__version__}
    setting |= {key: json.dumps(value) for key, value in asdict(sizes).items()}
    setting["seconds"] = round(book.seconds)
    book.tables.table("setting", {"what": list(setting), "value": list(setting.values())})


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="The two tables of zoo-localization: gains, and cycled filters.",
        epilog="Example: python -m benchmarks.science --quick --out runs/quick",
    )
    parser.add_argument("--quick", action="store_true", help="minutes; too little for figures")
    place = ROOT.parent / "shared" / "data" / "paper"
    help_text = "folder of the published files (default: ../shared/data/paper)"
    parser.add_argument("--published", type=Path, default=place, metavar="DIR", help=help_text)
    help_text = "where tables go as CSV and JSON (default: runs/science, runs/science-quick)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=help_text)
    options = parser.parse_args()
    options.out = options.out or ROOT / "runs" / f"science{'-quick' if options.quick else ''}"
    return options


def main() -> None:
    options = read_options()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sizes = QUICK if options.quick else FULL
    try:
        book = Book(options.out)
        write_setting(sizes, book)
        science(sizes, options.published, ROOT, book)
        write_setting(sizes, book)
        print(f"science: done after {book.elapsed}; tables in {options.out}", file=sys.stderr)
    except ZooError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        print(f"\nscience: stopped; finished tables are in {options.out}", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
