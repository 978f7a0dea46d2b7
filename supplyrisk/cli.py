"""The command line: simulate a case, check one, score one or a commodity, list the bundled ones."""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supplyrisk import _validation
from supplyrisk.casefile.bundled import cases, load_case
from supplyrisk.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from supplyrisk.engine.outlook import Outlook
    from supplyrisk.model.case import Case

OK, INTERNAL, USER, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; those of the process when omitted.

    Returns
    -------
    int
        0 if all went well, 2 if the user can mend it, 130 if it was interrupted. A fault of the
        library itself ends in a traceback and status 1.
    """
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show is no fault
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough; the interpreter must not flush into the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        named = error.filename is not None and error.strerror is not None
        said = f"{error.filename}: {error.strerror}" if named else str(error)
        print(f"supplyrisk: {said}", file=sys.stderr)
        return USER
    except (InvalidInputError, UserFaultError) as error:
        print(f"supplyrisk: {error}", file=sys.stderr)
        return USER
    return status


class UserFaultError(ValueError):
    """Something on the command line that the user can mend."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="supplyrisk", description="Mineral supply-chain risk, simulated."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    run = commands.add_parser(
        "run", help="simulate a case; print, and write tables, pictures and a page"
    )
    _takes_case(run)
    _takes_futures(run)
    run.add_argument(
        "--workers", type=_whole_from(1), default=1, metavar="W", help="processes, default 1"
    )
    run.add_argument("--out", type=Path, metavar="DIR", help="default: supplyrisk-out/<case>")
    run.set_defaults(run=_run)

    check = commands.add_parser("check", help="check a case and explain it; every fault at once")
    _takes_case(check)
    check.set_defaults(run=_check)

    score = commands.add_parser("score", help="score the supply risk of a commodity or a case")
    score.add_argument(
        "what", metavar="COMMODITY|CASE", help="a commodity, a bundled case, or a .toml file"
    )
    _takes_futures(score)
    score.add_argument("--region", metavar="R", help="region or country of the indicators")
    score.add_argument("--composite", action="store_true", help="one number too, from 0 to 100")
    score.set_defaults(run=_score)

    listing = commands.add_parser("cases", help="list the cases that come with the library")
    listing.set_defaults(run=_cases)

    data = commands.add_parser("data", help="list the bundled tables, or print one as CSV")
    data.add_argument("table", nargs="?", metavar="TABLE", help="one to print")
    data.set_defaults(run=_data)
    return parser


def _takes_case(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case", metavar="CASE", help="name of a bundled case, or a .toml file")


def _takes_futures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scenarios",
        type=_whole_from(2),
        default=10_000,
        metavar="N",
        help="simulated futures, default 10000",
    )
    parser.add_argument(
        "--seed",
        type=_whole_from(0),
        default=0,
        metavar="S",
        help="seed of the random numbers, default 0",
    )


class _whole_from:  # noqa: N801 - stands where argparse wants a function
    """A whole number of at least `least`, for argparse."""

    def __init__(self, least: int) -> None:
        self.least = least

    def __call__(self, text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = self.least - 1
        if value < self.least:
            raise argparse.ArgumentTypeError(
                f"must be a whole number >= {self.least}, got {text!r}"
            )
        return value


def _load(name: str) -> Case:
    try:
        return load_case(name)
    except InvalidInputError:
        raise
    except ValueError as error:  # no bundled case of that name
        raise UserFaultError(str(error)) from None


def _run(options: argparse.Namespace) -> int:
    # Only here, so that "check" and "--help" answer at once.
    from supplyrisk import _files, report  # noqa: PLC0415
    from supplyrisk.casefile.write import save_case  # noqa: PLC0415
    from supplyrisk.engine.run import simulate  # noqa: PLC0415
    from supplyrisk.io import write_tables  # noqa: PLC0415

    case = _load(options.case)
    folder = options.out or Path("supplyrisk-out") / case.name
    with _files.whole_folder(folder) as draft:
        outlook = simulate(
            case, options.scenarios, rng=options.seed, workers=options.workers, keep="events"
        )
        if outlook.n_scenarios < options.scenarios:  # a notebook may use what there is
            raise KeyboardInterrupt
        _print_outlook(outlook)
        write_tables(outlook, draft)
        save_case(case, draft / "case.toml")
        report.save_pictures(outlook, draft)
        report.write(outlook, draft / "report.html")
    print(f"\nTables, pictures and report.html are in {folder}{os.sep}")
    return OK


def _print_outlook(outlook: Outlook) -> None:
    from supplyrisk import _text  # noqa: PLC0415
    from supplyrisk.explanation import (  # noqa: PLC0415
        driver_words,
        ongoing_table,
        outlook_words,
        way_words,
    )

    paid = outlook.policies()  # first: a policy that is refused leaves nothing half said
    print(repr(outlook).strip("<>"))
    for sentence in (*way_words(outlook.case), *outlook_words(outlook)):
        print(sentence)
    ongoing = ongoing_table(outlook.case)
    if len(ongoing):
        print(f"\nHow long (days left, given the days elapsed)\n{_text.table(ongoing)}")
    print(f"\nHow much, and which price (90 % intervals)\n{_text.table(outlook.summary())}")
    parts = outlook.contributions("site").head(8)
    print(f"\nWhere it comes from (t, mean and worst 5 %)\n{_text.table(parts, index=True)}")
    if outlook.case.commodity in outlook.result.markets:
        quarters = _text.table(outlook.market_balance(), index=True)
        print(f"\nSurplus or deficit of refined metal (mean)\n{quarters}")
    for buyer_id, row in outlook.exposures.iterrows():
        print(f"\nWhat it costs: {row['name']} ({buyer_id})\n{_text.table(_measures(row))}")
        print(
            f"days until the stock is gone without the largest source, nothing replaced: "
            f"{_text.shown(row['time_to_survive_days'])}"
        )
        for sentence in driver_words(outlook, str(buyer_id)):
            print(sentence)
    for policy_id, row in paid.iterrows():
        print(f"\nWhat it pays: {row['name']} ({policy_id})\n{_text.table(_measures(row))}")
        print(
            f"rate on line: {_text.shown(row['rate_on_line'])}; "
            f"expected over premium: {_text.shown(row['expected_over_premium'])}"
        )


def _measures(row: pd.Series[Any]) -> pd.DataFrame:
    """Return those figures of a row that have an interval, one below the other."""
    import pandas as pd  # noqa: PLC0415

    names = [name for name in row.index if f"{name}_ci_low" in row.index]
    ends = {"value": "", "ci_low": "_ci_low", "ci_high": "_ci_high"}
    columns = {column: [row[name + end] for name in names] for column, end in ends.items()}
    return pd.DataFrame({"measure": names, **columns})


def _check(options: argparse.Namespace) -> int:
    case = _load(options.case)
    from supplyrisk.engine.policies import check_policies  # noqa: PLC0415
    from supplyrisk.explanation import explain  # noqa: PLC0415

    check_policies(case)
    print(explain(case))
    print("\nNo faults.")
    return OK


def _score(options: argparse.Namespace) -> int:
    from supplyrisk.data.market_tables import commodities  # noqa: PLC0415
    from supplyrisk.data.vocabulary import commodity_of  # noqa: PLC0415
    from supplyrisk.scorecard.scoring import score  # noqa: PLC0415

    name: str = options.what
    is_case = name.endswith(".toml") or name in cases()
    try:
        what: str | Case = _load(name) if is_case else commodity_of(name)
    except InvalidInputError:
        if is_case:
            raise
        known = [*cases(), *commodities()["commodity"]]
        rule = f"must be a bundled case or a commodity{_validation.nearest(name, known)}"
        raise UserFaultError(f"{name!r} {rule}: {', '.join(known)}") from None
    card = score(
        what,
        region=options.region,
        composite=options.composite,
        n_scenarios=options.scenarios,
        rng=options.seed,
    )
    print(card)
    return OK


def _cases(_: argparse.Namespace) -> int:
    width = max(map(len, cases()))
    for name in cases():
        case = load_case(name)
        print(f"{name:{width}}  {case.start}  {case.commodity}, {len(case.sites)} sites")
    return OK


def _data(options: argparse.Namespace) -> int:
    from supplyrisk.data.tables import table, table_names  # noqa: PLC0415

    if options.table is not None:
        table(options.table).to_csv(sys.stdout, index=False, lineterminator="\n")
        return OK
    width = max(map(len, table_names()))
    for name in table_names():
        frame = table(name)
        print(f"{name:{width}}  {len(frame):5,} rows: {', '.join(frame.columns[:6])}, ...")
    return OK
