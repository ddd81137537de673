"""What is done with a board that is held, by the real esptool, and when the cable is pulled."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.boards import flasher, reconnecting
from engine.boards.board_files import BoardFiles, Flashed, flashed
from engine.boards.board_session import BoardSession
from engine.boards.capabilities import FlashOptions
from engine.boards.esptool import Connection
from engine.boards.power import switch_power
from engine.boards.service import Boards
from engine.boards.virtual.board import VirtualBoard
from engine.cancel import CancelToken
from engine.enums import ArtifactKind
from engine.errors import (
    BoardError,
    BoardGoneError,
    CancelledError,
    FlashDiffersError,
    UsageError,
)
from engine.images.image import FlashPart, Image
from engine.settings import BoardSettings
from engine.store.database import Store
from tests.engine.boards.cable import Cable
from tests.engine.toolchains.tables import entry, whole

BuildSample = Callable[[str], Image]


@pytest.fixture
def cable(virtual_board: VirtualBoard) -> Iterator[Cable]:
    cable = Cable(virtual_board.url)
    yield cable
    cable.unplug()


@contextlib.contextmanager
def taken(
    url: str,
    folder: Path,
    settings: BoardSettings | None = None,
    on_note: Callable[[str], None] = lambda _line: None,
) -> Iterator[BoardSession]:
    boards = Boards(
        (), folder / "boards", Store(folder / "espdeck.db"), {url: settings} if settings else None
    )
    with boards.use(url, cancel=CancelToken(), on_wait=on_note, purpose="test") as board:
        yield board


def write(
    board: BoardSession,
    image: Image,
    options: FlashOptions | None = None,
    on_progress: Callable[[float, str], None] = lambda _percent, _what: None,
) -> None:
    board.flash.write(
        image,
        options or FlashOptions(),
        on_output=lambda _line: None,
        on_progress=on_progress,
        timeout=60,
    )


def with_data(image: Image, folder: Path, size: int = 300_000) -> Image:
    """The image with something at 0x20000 that takes a while to write."""
    data = folder / "data.bin"
    data.write_bytes(os.urandom(size))
    return replace(image, parts=(*image.parts, FlashPart(0x20000, data, ArtifactKind.DATA)))


@pytest.mark.slow
def test_a_cable_that_is_pulled_while_flashing_costs_a_second_try(
    cable: Cable, built_sample: BuildSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.05)
    image, notes = with_data(built_sample("hello"), tmp_path), list[str]()
    pulled = threading.Event()

    def pull(percent: float, _what: str) -> None:
        if percent > 40 and not pulled.is_set():
            pulled.set()
            cable.unplug()

    def note(line: str) -> None:
        notes.append(line)
        cable.plug()

    with taken(cable.url, tmp_path, on_note=note) as board:
        write(board, image, on_progress=pull)
        board.flash.verify(image, FlashOptions(), timeout=60)
    assert len(notes) == 1
    assert "the board vanished" in notes[0]


@pytest.mark.slow
def test_a_board_that_does_not_come_back_is_told(
    cable: Cable, built_sample: BuildSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.05)
    monkeypatch.setattr(reconnecting, "BACK_SECONDS", 0.5)
    image = with_data(built_sample("hello"), tmp_path)

    def pull(percent: float, _what: str) -> None:
        if percent > 40:
            cable.unplug()

    with (
        taken(cable.url, tmp_path) as board,
        pytest.raises(BoardGoneError, match="it did not come back"),
    ):
        write(board, image, on_progress=pull)


class PtyBoard:
    """A board whose device goes and comes as a chip's own USB port does."""

    def __init__(self, folder: Path) -> None:
        self.device = folder / "ttyACM0"
        self._end = -1
        self._boots = 0
        self._is_on = False
        self.plug()

    def plug(self) -> None:
        self._is_on = False
        self._end, port = os.openpty()
        tty.setraw(port)
        self.device.symlink_to(os.ttyname(port))
        os.close(port)

    def unplug(self) -> None:
        self.device.unlink()
        os.close(self._end)

    def boot(self, _seconds: float) -> bool:
        """Say so, once each time it is listened to: opening a port forgets what came before."""
        if not self._is_on:
            self._is_on = True
            os.write(self._end, b"boot %d\n" % self._boots)
            self._boots += 1
        return False


@pytest.fixture
def device(tmp_path: Path) -> Iterator[PtyBoard]:
    board = PtyBoard(tmp_path)
    yield board
    if board.device.is_symlink():
        board.unplug()


def listen(
    board: BoardSession,
    on_output: Callable[[bytes], None],
    until: Callable[[float], bool] = lambda _seconds: False,
    seconds: float = 20,
) -> None:
    board.console.listen(
        baud=115200, on_output=on_output, until=until, seconds=seconds, reset=False
    )


def test_a_port_that_goes_at_each_reset_is_listened_to_when_it_is_back(
    device: PtyBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.01)
    seen, notes, boots = bytearray(), list[str](), 5

    def take(data: bytes) -> None:
        seen.extend(data)
        if data.endswith(b"\n") and seen.count(b"\n") < boots:
            device.unplug()

    def note(line: str) -> None:
        notes.append(line)
        device.plug()

    def is_enough(seconds: float) -> bool:
        return device.boot(seconds) or seen.count(b"\n") == boots

    with taken(str(device.device), tmp_path, on_note=note) as board:
        listen(board, take, is_enough)
    assert seen == b"".join(b"boot %d\n" % number for number in range(boots))
    assert len(notes) == boots - 1
    assert all(line.endswith("; waiting up to 30 s for it") for line in notes)


@pytest.mark.slow
def test_a_cable_that_is_pulled_while_listening_is_waited_for(
    cable: Cable, built_sample: BuildSample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.05)
    seen, notes, times = bytearray(), list[str](), list[float]()
    pulled = threading.Event()

    def take(data: bytes) -> None:
        seen.extend(data)
        if not pulled.is_set():
            pulled.set()
            cable.unplug()

    def note(line: str) -> None:
        notes.append(line)
        seen.clear()
        cable.plug()

    def is_enough(seconds: float) -> bool:
        times.append(seconds)
        return bool(notes) and b"Guru Meditation" in seen

    with taken(cable.url, tmp_path, on_note=note) as board:
        write(board, built_sample("crash"))  # it boots again and again
        listen(board, take, is_enough)
    assert b"Guru Meditation" in seen
    assert len(notes) == 1
    assert "the board vanished" in notes[0]
    assert times == sorted(times)


def test_how_long_a_board_was_away_is_told_before_it_is_heard_again(
    device: PtyBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.01)
    seen = list[bytes | float]()

    def take(data: bytes) -> None:
        seen.append(data)
        if len(seen) == 1:
            device.unplug()

    with taken(str(device.device), tmp_path, on_note=lambda _line: device.plug()) as board:
        board.console.listen(
            baud=115200,
            on_output=take,
            until=lambda seconds: device.boot(seconds) or len(seen) == 3,
            seconds=20,
            reset=False,
            on_return=seen.append,
        )
    first, away, second = seen
    assert (first, second) == (b"boot 0\n", b"boot 1\n")
    assert isinstance(away, float)
    assert 0 < away < 20


def test_a_board_that_stays_away_ends_the_listening(
    device: PtyBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.01)
    monkeypatch.setattr(reconnecting, "BACK_SECONDS", 0.05)
    with (
        taken(str(device.device), tmp_path) as board,
        pytest.raises(BoardGoneError, match="it did not come back"),
    ):
        listen(board, lambda _data: device.unplug(), device.boot)


def test_a_board_that_comes_only_to_go_is_given_up(
    device: PtyBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconnecting, "REPLUG_POLL_SECONDS", 0.01)

    def note(_line: str) -> None:
        device.plug()

    with (
        taken(str(device.device), tmp_path, on_note=note) as board,
        pytest.raises(BoardGoneError, match="vanished 4 times"),
    ):
        listen(board, lambda _data: device.unplug(), device.boot, 2)


def test_a_port_that_was_never_there_is_not_waited_for(tmp_path: Path) -> None:
    with (
        taken(str(tmp_path / "ttyACM0"), tmp_path) as board,
        pytest.raises(BoardError, match="no such port"),
    ):
        listen(board, lambda _data: None)


@pytest.mark.slow
def test_another_chip_is_refused_before_a_byte_is_written(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    image = built_sample("hello")
    with taken(virtual_board.url, tmp_path) as board:
        write(board, image)
        other = replace(with_data(image, tmp_path), target="esp32s3")
        with pytest.raises(BoardError, match="the board is an ESP32-C3, the image is for ESP32-S3"):
            write(board, other)
        board.flash.verify(image, FlashOptions(), timeout=60)


@pytest.mark.slow
def test_only_the_app_leaves_the_rest_as_it_is(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    image = with_data(built_sample("hello"), tmp_path, 5000)
    with taken(virtual_board.url, tmp_path) as board:
        board.flash.erase((0x20000, 0x2000))
        write(board, image, FlashOptions(app_only=True))
        board.flash.verify(image, FlashOptions(app_only=True), timeout=60)
        with pytest.raises(BoardError, match="holds something else"):
            board.flash.verify(image, FlashOptions(), timeout=60)
        data = replace(image, parts=image.parts[1:])
        with pytest.raises(UsageError, match="has no app"):
            write(board, data, FlashOptions(app_only=True))


@pytest.mark.slow
def test_what_a_board_runs_is_known_until_something_else_is_in_flash(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    image, other = built_sample("hello"), built_sample("crash")
    runs = flashed(image, 7, project="node", commit="0123456789")
    files, notes = BoardFiles(tmp_path / "boards" / "desks", virtual_board.url), list[str]()
    with taken(virtual_board.url, tmp_path, on_note=notes.append) as board:
        board.flash.write(
            image,
            FlashOptions(),
            on_output=lambda _line: None,
            on_progress=lambda _percent, _what: None,
            timeout=60,
            flashed=runs,
        )
        board.chip.identify()
        board.flash.erase((0x200000, 0x1000))
        assert files.flashed == runs

        foreign = Connection(virtual_board.url)
        flasher.flash(
            foreign,
            other,
            on_output=lambda _line: None,
            on_progress=lambda _percent, _what: None,
            cancel=CancelToken(),
        )
        assert board.chip.identify().chip == "esp32c3"
        assert files.flashed is None
        assert notes == [f"{virtual_board.url} no longer holds {runs}"]

        files.remember_flashed(runs)
        with pytest.raises(FlashDiffersError, match="holds something else"):
            board.flash.verify(image, FlashOptions(), timeout=60, flashed=runs)
        assert files.flashed is None
        board.flash.verify(other, FlashOptions(), timeout=60, flashed=runs)
        assert files.flashed == runs

        board.flash.erase((0x0, 0x1000))
        assert files.flashed is None


@pytest.mark.slow
def test_a_flash_that_did_not_end_leaves_a_board_of_which_nothing_is_known(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    files = BoardFiles(tmp_path / "boards" / "desks", virtual_board.url)
    image = with_data(built_sample("hello"), tmp_path)
    cancel = CancelToken()
    boards = Boards((), tmp_path / "boards", Store(tmp_path / "espdeck.db"))
    files.remember_flashed(Flashed(1, 115200))
    with (
        pytest.raises(CancelledError),
        boards.use(virtual_board.url, cancel=cancel, on_wait=pytest.fail, purpose="test") as board,
    ):
        with pytest.raises(BoardError, match="the image is for ESP32-S3"):
            write(board, replace(image, target="esp32s3"))
        assert files.flashed == Flashed(1, 115200)
        write(
            board,
            image,
            on_progress=lambda percent, _what: cancel.cancel() if percent > 20 else None,
        )
    assert files.flashed is None


def signed(data: bytes) -> bytes:
    """An app with a signature block as Secure Boot v2 appends it."""
    padded = data + b"\xff" * (-len(data) % 4096)
    return padded + b"\xe7\x02\0\0" + b"\xaa" * 4092


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "reason"),
    [(signed, "signed for Secure Boot"), (lambda data: b"\x17" + data[1:], "encrypted")],
)
def test_an_image_that_may_burn_efuses_is_refused_unless_asked_for(
    make: Callable[[bytes], bytes],
    reason: str,
    virtual_board: VirtualBoard,
    built_sample: BuildSample,
    tmp_path: Path,
) -> None:
    plain = built_sample("hello")
    app = tmp_path / "app.bin"
    app.write_bytes(make(plain.parts[0].path.read_bytes()))
    image = replace(plain, parts=(replace(plain.parts[0], path=app),))
    with taken(virtual_board.url, tmp_path) as board:
        write(board, plain)
        with pytest.raises(BoardError, match=rf"app\.bin is {reason}.*may burn eFuses"):
            write(board, image)
        board.flash.verify(plain, FlashOptions(), timeout=60)
        write(board, image, FlashOptions(secure=True, after="no-reset"))


@pytest.mark.slow
def test_flash_is_read_back_and_erased_by_sectors(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    image, back = built_sample("hello"), tmp_path / "back.bin"
    size = image.parts[0].path.stat().st_size
    with taken(virtual_board.url, tmp_path) as board:
        write(board, image)
        percents = list[float]()
        board.flash.read(
            back, offset=0, size=size, on_progress=lambda percent, _what: percents.append(percent)
        )
        assert back.read_bytes() == image.parts[0].path.read_bytes()
        assert percents[0] == 0
        assert percents[-1] == 100
        with pytest.raises(UsageError, match="0x1001: flash is erased in sectors"):
            board.flash.erase((0x1001, 0x1000))
        board.flash.erase(None)
        board.flash.read(back, offset=0, size=4096, on_progress=lambda _percent, _what: None)
        assert back.read_bytes() == b"\xff" * 4096
        assert board.flash.partition_table() is None


@pytest.mark.slow
def test_an_app_alone_goes_into_the_slot_that_is_started(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    app, contents = built_sample("hello").parts[0], tmp_path / "slot.bin"
    table, records = tmp_path / "table.bin", tmp_path / "otadata.bin"
    table.write_bytes(
        whole(
            entry(1, 0, 0xE000, 0x2000, "otadata"),
            entry(0, 0x10, 0x10000, 0x100000, "ota_0"),
            entry(0, 0x11, 0x110000, 0x100000, "ota_1"),
        )
    )
    # Two updates were installed: esp_ota_select_entry_t, CRC32 of the number 2.
    records.write_bytes(
        struct.pack("<L20sLL", 2, b"\xff" * 20, 2, 0x55F63774).ljust(0x2000, b"\xff")
    )
    image = replace(
        built_sample("hello"),
        parts=(
            FlashPart(0x8000, table, ArtifactKind.PARTITION_TABLE),
            FlashPart(0xE000, records, ArtifactKind.DATA),
            replace(app, offset=0x10000),
        ),
    )
    with taken(virtual_board.url, tmp_path) as board:
        write(board, replace(image, parts=image.parts[:2]), FlashOptions(after="no-reset"))
        write(board, image, FlashOptions(app_only=True, after="no-reset"))
        board.flash.verify(image, FlashOptions(app_only=True), timeout=60)
        board.flash.read(
            contents,
            offset=0x110000,
            size=app.path.stat().st_size,
            on_progress=lambda _percent, _what: None,
        )
    assert contents.read_bytes() == app.path.read_bytes()


@pytest.mark.slow
def test_efuses_are_read(virtual_board: VirtualBoard, tmp_path: Path) -> None:
    with taken(virtual_board.url, tmp_path) as board:
        found = {each.name: each for each in board.chip.efuses()}
    assert found["DIS_USB_JTAG"].value == "False"
    assert found["BLOCK_KEY0"].category == "security"


def recorder(folder: Path) -> tuple[str, ...]:
    """A program that writes down what it is told."""
    script = folder / "told.py"
    script.write_text(
        "import sys\nwith open(sys.argv[1], 'a') as log: log.write(sys.argv[2] + '\\n')\n"
    )
    return (sys.executable, str(script), str(folder / "told.txt"))


@pytest.mark.slow
def test_a_board_without_dtr_and_rts_is_reset_by_a_command(
    virtual_board: VirtualBoard, built_sample: BuildSample, tmp_path: Path
) -> None:
    settings = BoardSettings(reset_command=recorder(tmp_path))
    with taken(virtual_board.url, tmp_path, settings) as board:
        write(board, built_sample("hello"))
        board.reset.into_program()
    assert (tmp_path / "told.txt").read_text().split() == ["bootloader", "run", "run"]


@pytest.mark.slow
def test_power_is_switched_by_a_command(virtual_board: VirtualBoard, tmp_path: Path) -> None:
    settings = BoardSettings(power_command=recorder(tmp_path))
    with taken(virtual_board.url, tmp_path, settings) as board:
        board.power.cycle()
        board.power.on()
        with pytest.raises(UsageError, match="give on, off or cycle"):
            switch_power(board.power, "up")
    assert (tmp_path / "told.txt").read_text().split() == ["off", "on", "on"]


@pytest.mark.parametrize(
    ("command", "reason"),
    [(("/nowhere/relay",), "not found"), ((sys.executable, "-c", "exit('stuck')"), "stuck")],
)
def test_a_command_that_fails_is_told(
    command: tuple[str, ...], reason: str, virtual_board: VirtualBoard, tmp_path: Path
) -> None:
    settings = BoardSettings(reset_command=command)
    with (
        taken(virtual_board.url, tmp_path, settings) as board,
        pytest.raises(BoardError, match=f"reset_command .*{reason}"),
    ):
        board.reset.into_program()


def test_without_a_command_there_is_no_power_to_switch(
    virtual_board: VirtualBoard, tmp_path: Path
) -> None:
    with (
        taken(virtual_board.url, tmp_path) as board,
        pytest.raises(UsageError, match="no power_command in the settings"),
    ):
        board.power.cycle()
