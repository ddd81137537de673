"""What is done with a board by hand: ``flash``, ``verify``, ``read-flash``, ``erase``,
``partitions``, ``efuses``, ``reset``, ``power``, ``name`` and ``lab``.
"""

from __future__ import annotations

import contextlib
import getpass
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine import PARTITION_TABLE_OFFSET, FlashLayout, read_flash_layout
from engine.errors import EspdeckError, UsageError
from engine.text import clean, count
from tui.cli.command_line import Commands
from tui.cli.common import open_engine, print_error, print_line, run_number, table
from tui.cli.common import progress as progress_bar
from tui.cli.exit_codes import FAILED
from tui.cli.json_output import AsJson, print_json
from tui.cli.remote import not_remote, open_lab
from tui.presentation.tables import efuse_rows, partition_fields, partition_rows

if TYPE_CHECKING:
    from engine import BoardSession, Engine, FlashOptions, FlashResult, Partition

cli = Commands()

_Board = Annotated[str, typer.Argument(help="A board as `espdeck boards` names it.")]
_Boards = Annotated[list[str], typer.Argument(help="Boards as `espdeck boards` names them.")]
_Build = Annotated[str, typer.Argument(help="Number of a build that succeeded to build.")]
_AppOnly = Annotated[
    bool, typer.Option("--app-only", help="Only the program, not bootloader and partitions.")
]
_Before = Annotated[str, typer.Option(help="How to enter the bootloader: no-reset, usb-reset, …")]
_After = Annotated[str, typer.Option(help="How to leave it: no-reset, watchdog-reset, …")]
_Baud = Annotated[int | None, typer.Option(min=9600, help="Bits a second. [default: settings]")]


@cli.command()
def flash(
    context: typer.Context,
    build: _Build,
    boards: _Boards,
    app_only: _AppOnly = False,
    baud: _Baud = None,
    before: _Before = "",
    after: _After = "",
    secure: Annotated[
        bool, typer.Option("--secure", help="Also an image whose start burns eFuses.")
    ] = False,
) -> None:
    """Flash what a build made, on one board or on several at once."""
    from tui.remote.lab import RemoteLab

    number = run_number(build)
    with open_lab(context) as engine:
        if isinstance(engine, RemoteLab):
            if secure:
                raise not_remote("--secure")
            for board in dict.fromkeys(boards):
                with progress_bar() as progress:
                    said = engine.boards.flash(
                        board,
                        number,
                        app_only=app_only,
                        baud=baud,
                        before=before,
                        after=after,
                        progress=progress,
                    )
                print_line(f"{board}: {said}")
            return
        image = engine.builds.image(number)
        options = _options(engine, app_only, baud, before, after, secure=secure)
        runs = engine.builds.flashed(number, image, app_only=app_only)

        def write(board: BoardSession, progress: Callable[[float, str], None]) -> str:
            written = board.flash.write(
                image,
                options,
                on_output=lambda _line: None,
                on_progress=progress,
                timeout=engine.settings.flash_timeout,
                flashed=runs,
            )
            return written_as(written)

        _on_each(engine, boards, write)


@cli.command()
def verify(
    context: typer.Context,
    build: _Build,
    boards: _Boards,
    app_only: _AppOnly = False,
    baud: _Baud = None,
) -> None:
    """Compare what is in flash with what a build made."""
    with open_engine(context) as engine:
        number = run_number(build)
        image = engine.builds.image(number)
        options = _options(engine, app_only, baud, "", "", secure=True)
        runs = engine.builds.flashed(number, image, app_only=app_only)

        def compare(board: BoardSession, _progress: Callable[[float, str], None]) -> str:
            board.flash.verify(image, options, timeout=engine.settings.flash_timeout, flashed=runs)
            return f"holds build {build}"

        _on_each(engine, boards, compare)


@cli.command("read-flash")
def read_flash(
    context: typer.Context,
    board: _Board,
    file: Annotated[Path, typer.Argument(help="Where to; must not be there yet.")],
    offset: Annotated[str, typer.Option(help="First byte, such as 0x10000.")] = "0",
    size: Annotated[
        str | None, typer.Option(help="How many bytes, such as 0x1000. [default: all]")
    ] = None,
    partition: Annotated[
        str | None, typer.Option(help="This partition instead, by its label.")
    ] = None,
    baud: _Baud = None,
) -> None:
    """Copy flash into a file: all of it, a region or a partition."""
    if file.exists():
        raise UsageError(f"{file} already exists: give another name")
    with open_engine(context) as engine:

        def read(session: BoardSession, progress: Callable[[float, str], None]) -> str:
            first, length = _region(engine, session, offset, size, partition)
            session.flash.read(
                file,
                offset=first,
                size=length,
                baud=baud or engine.settings.flash_baud,
                on_progress=progress,
            )
            return f"{length} bytes from {first:#x} are in {file}"

        _on_each(engine, [board], read)


@cli.command()
def erase(
    context: typer.Context,
    board: _Board,
    offset: Annotated[str | None, typer.Option(help="Erase from here, such as 0x9000.")] = None,
    size: Annotated[str | None, typer.Option(help="How many bytes, such as 0x6000.")] = None,
    partition: Annotated[
        str | None, typer.Option(help="Only this partition, by its label.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Erase flash: all of it, a region or a partition."""
    if (offset is None) != (size is None):
        raise UsageError("give --offset and --size, or neither")
    with open_engine(context) as engine:
        engine.boards.named(board)  # asks nothing about a board that is none
        if not yes and _typed_name(f"This erases {partition or 'flash'} of {board}") != board:
            raise UsageError("another name: nothing was erased (--yes does not ask)")

        def wipe(session: BoardSession, _progress: Callable[[float, str], None]) -> str:
            is_all = offset is None and partition is None
            region = None if is_all else _region(engine, session, offset or "0", size, partition)
            session.flash.erase(region)
            return "erased" if region is None else f"erased {region[1]:#x} from {region[0]:#x}"

        _on_each(engine, [board], wipe)


@cli.command()
def partitions(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="BOARD", help="A board, the number of a build, or a file (binary or CSV)."
        ),
    ],
    offset: Annotated[
        str | None,
        typer.Option(
            help="Where a board has its table. [default: where its build has it, else found]"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a partition table, and what of it ESP-IDF would refuse."""
    from engine import find_partition_problems

    layout, found = _table_of(context, what, offset)
    if not found:
        print_error(f"{what}: no partition table at {layout.table:#x}")
        raise typer.Exit(FAILED)
    if as_json:
        for each in found:
            print_json(partition_fields(each))
    else:
        if layout.table != PARTITION_TABLE_OFFSET:
            print_line(f"partition table at {layout.table:#x}")
        table(*partition_rows(found))
    wrong = find_partition_problems(found, layout)
    for problem in wrong:
        print_error(problem)
    if wrong:
        raise typer.Exit(FAILED)


def _table_of(
    context: typer.Context, what: str, offset: str | None
) -> tuple[FlashLayout, Sequence[Partition]]:
    """The partition table of a file, a build or a board, and where it is."""
    from engine import read_partition_file

    at = _number(offset) if offset is not None else None
    if Path(what).is_file():
        layout = read_flash_layout(Path(what).parent)
        return layout, read_partition_file(Path(what), layout)
    with open_engine(context) as engine:
        if what.removeprefix("#").isdigit():
            number = run_number(what)
            return engine.builds.layout(number), engine.builds.partitions(number)
        with _session_of(engine, what) as session:
            expected = engine.programs.table_offset(session.name)
            found = session.flash.partition_table(at=at, expected=expected)
            if found is None and (protection := session.chip.identity().protection).encryption:
                raise UsageError(
                    f"{what}: the chip has {protection}, which hides its partition table: "
                    "ask for a build's (espdeck partitions 12)"
                )
    if found is None:
        return FlashLayout(PARTITION_TABLE_OFFSET if at is None else at), ()
    return FlashLayout(found.offset), found.partitions


@cli.command()
def efuses(
    context: typer.Context,
    board: _Board,
    every: Annotated[bool, typer.Option("--all", help="Also those that are zero.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a board's eFuses; none is ever written."""
    with open_engine(context) as engine:
        with _session_of(engine, board) as session:
            found = session.chip.efuses()
        shown = [each for each in found if every or each.value.strip("0 ") not in ("", "False")]
        if as_json:
            for each in shown:
                print_json(each)
            return
        table(*efuse_rows(shown))
        if len(shown) < len(found):
            print_line(f"{count(len(found) - len(shown), 'eFuse')} more of zero (--all)")


@cli.command()
def reset(context: typer.Context, board: _Board) -> None:
    """Start a board's program anew."""
    from tui.remote.lab import RemoteLab

    with open_lab(context) as lab:
        if isinstance(lab, RemoteLab):
            lab.boards.reset(board)
        else:
            with _session_of(lab, board) as session:
                session.reset.into_program()
        print_line(f"{board}: reset")


@cli.command()
def power(
    context: typer.Context,
    board: _Board,
    word: Annotated[str, typer.Argument(help="on, off or cycle.")] = "cycle",
) -> None:
    """Switch a board's power by the command that the settings give for it."""
    from engine import switch_power

    with open_engine(context) as engine, _session_of(engine, board) as session:
        switch_power(session.power, word)
        print_line(f"{board}: power {word}")


@cli.command("name")
def name_command(
    context: typer.Context,
    board: _Board,
    label: Annotated[str, typer.Argument(help="Its name; empty takes it back.")],
    note: Annotated[str, typer.Option(help="Anything worth knowing about it.")] = "",
) -> None:
    """Give a board a name of your own, which can be used wherever a board is named."""
    with open_engine(context) as engine:
        name = engine.boards.named(board)
        engine.boards.call(name, label=label, remark=note)
        print_line(f"{name} is called {label}" if label else f"{name} has no name of yours now")


@cli.command()
def lab(
    context: typer.Context,
    boards: Annotated[int, typer.Option(min=1, max=32, help="How many.")] = 4,
    chip: Annotated[
        str,
        typer.Option(
            help="Which chip they are; ?package=, revision=, flash=, security= may follow it, "
            "joined by &."
        ),
    ] = "esp32c3",
    share: Annotated[
        bool, typer.Option("--share", help="For every user of this machine, not for you alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run virtual boards until Ctrl-C: for espdeck beside it, and for any other tool."""
    from engine import CancelToken

    with open_engine(context) as engine, contextlib.suppress(KeyboardInterrupt):
        started = engine.boards.start_lab(chip, boards, CancelToken(), share=share)
        if as_json:
            for name, url in started.items():
                print_json({"board": name, "url": url})
        else:
            _print_lab(started, share=share)
        say = print_error if as_json else print_line
        engine.boards.keep_lab(
            list(started),
            CancelToken(),
            share=share,
            on_start=lambda name: say(f"{name}: started here, its process has ended"),
        )


def _print_lab(started: Mapping[str, str], *, share: bool) -> None:
    """Say what boards there are now, and for whom."""
    table(("BOARD", "URL"), list(started.items()))
    print_line(f"{count(len(started), 'board')} until Ctrl-C; esptool takes the URL as --port")
    print_line(
        "every user of this machine may read and flash them by their URLs"
        if share
        else "what starts here is for you alone, not even for root; --share lets every user in"
    )


def written_as(written: FlashResult) -> str:
    """How flashing went, for people."""
    if written.verified:
        return f"flashed and verified in {written.seconds:.1f} s"
    protection = written.identity.protection
    return f"flashed in {written.seconds:.1f} s, not compared: the chip has {protection}"


def _typed_name(question: str) -> str:
    """What a person types; empty where nobody is there to type."""
    try:
        return str(typer.prompt(f"{question}. Type its name"))
    except typer.Abort:
        print_line("")
        return ""


def _options(
    engine: Engine, app_only: bool, baud: int | None, before: str, after: str, *, secure: bool
) -> FlashOptions:
    from engine import ESPTOOL_AFTER, ESPTOOL_BEFORE, FlashOptions

    for word, known in ((before, ESPTOOL_BEFORE), (after, ESPTOOL_AFTER)):
        if word and word not in known:
            raise UsageError(f"{word!r}: esptool knows {', '.join(known)}")
    return FlashOptions(
        baud=baud or engine.settings.flash_baud,
        app_only=app_only,
        before=before,
        after=after,
        secure=secure or engine.settings.flash_secure,
    )


@contextlib.contextmanager
def _session_of(
    engine: Engine, board: str, say: Callable[[str], None] = print_line
) -> Iterator[BoardSession]:
    from engine import CancelToken

    user, cancel = getpass.getuser(), CancelToken()
    try:
        with engine.boards.use(
            engine.boards.named(board), cancel=cancel, on_wait=say, purpose=user, holder=user
        ) as session:
            yield session
    except KeyboardInterrupt:
        cancel.cancel()
        raise


def _on_each(
    engine: Engine,
    boards: Sequence[str],
    work: Callable[[BoardSession, Callable[[float, str], None]], str],
) -> None:
    """Do the same with several boards at once, each with its progress; say how each ended."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    from engine import CancelToken

    names = list(dict.fromkeys(engine.boards.named(board) for board in boards))
    user, cancel = getpass.getuser(), CancelToken()
    columns = (
        TextColumn("{task.fields[board]}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with (
        Progress(
            *columns,
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        ) as bars,
        ThreadPoolExecutor(len(names)) as threads,
    ):

        def one(name: str) -> str:
            bar = bars.add_task("waiting", board=clean(name), total=100)

            def progress(percent: float, what: str) -> None:
                bars.update(bar, completed=percent, description=clean(what))

            with engine.boards.use(
                name,
                cancel=cancel,
                on_wait=lambda line: bars.console.print(clean(line), markup=False, soft_wrap=True),
                purpose=user,
                holder=user,
            ) as session:
                progress(0, "connecting")
                return work(session, progress)

        futures = {name: threads.submit(one, name) for name in names}
        done, wrong = [], []
        try:
            for name, future in futures.items():
                try:
                    done.append(f"{name}: {future.result()}")
                except EspdeckError as error:
                    wrong.append(f"{name}: {str(error).removeprefix(f'{name}: ')}")
        except BaseException:  # Ctrl-C, or a signal that ends us: the threads are waited for
            cancel.cancel()
            raise
    for line in done:  # once the bars are gone: they draw over other lines
        print_line(line)
    for line in wrong:
        print_error(line)
    if wrong:
        raise typer.Exit(FAILED)


def _region(
    engine: Engine, board: BoardSession, offset: str, size: str | None, partition: str | None
) -> tuple[int, int]:
    """First byte and length of what is meant."""
    if partition is not None:
        found = board.flash.partition_table(expected=engine.programs.table_offset(board.name))
        for each in found.partitions if found else ():
            if each.label == partition:
                return each.offset, each.size
        labels = [each.label for each in found.partitions] if found else []
        known = ", ".join(labels) or "no partition table"
        raise UsageError(f"{board.name}: no partition {partition} (there are: {known})")
    first = _number(offset)
    if size is not None:
        return first, _number(size)
    total = board.chip.identity().flash_size
    if total is None:
        raise UsageError(f"{board.name} does not say how large its flash is: give --size")
    return first, total - first


def _number(text: str) -> int:
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 32:
        raise UsageError(f"{text!r}: give a number such as 0x10000")
    return value
