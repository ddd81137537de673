"""What a look at the boards of a lab finds; boards answer in esptool's place."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine.boards import flasher
from engine.boards.board_files import Flashed
from engine.boards.esptool import Connection
from engine.boards.identity import BoardIdentity, Protection
from engine.cancel import CancelToken
from engine.checks import power_proof
from engine.checks.base import CheckResult
from engine.checks.board_check import BoardCheck
from engine.clock import shown_time
from engine.enums import CheckStatus
from engine.errors import BoardError, CancelledError
from engine.settings import BoardSettings
from engine.store import boards as board_rows
from tests.engine.checks.lab_yard import LabYard

CHECK = BoardCheck()


class Ports:
    """What is plugged in where, and the MD5 of what is asked for of its flash."""

    def __init__(self) -> None:
        self.chips: dict[str, BoardIdentity | BoardError] = {}
        self.md5 = "aa"
        self.asked: list[str] = []

    def plug(self, port: str, protection: Protection | None = None) -> None:
        self.chips[port] = BoardIdentity(
            "esp32c3", "v0.4", "", None, (), protection=protection or Protection()
        )

    def look_at(
        self, connection: Connection, region: tuple[int, int] | None, *, cancel: CancelToken
    ) -> tuple[BoardIdentity, str]:
        cancel.check()
        self.asked.append(connection.port)
        found = self.chips[connection.port]
        if isinstance(found, BoardError):
            raise found
        return found, self.md5 if region else ""


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> Ports:
    ports = Ports()
    monkeypatch.setattr(flasher, "look_at", ports.look_at)
    return ports


@pytest.fixture
def yard(tmp_path: Path, ports: Ports) -> Iterator[LabYard]:
    yard = LabYard(tmp_path / "workspace", ["/dev/a", "/dev/b"])
    ports.plug("/dev/a")
    ports.plug("/dev/b")
    yield yard
    yard.close()


def state_of(result: CheckResult, board: str = "/dev/a") -> str:
    return str(next(each["state"] for each in result.details["boards"] if each["board"] == board))


def test_boards_that_answer_are_well(yard: LabYard, ports: Ports) -> None:
    found = yard.look(CHECK)
    assert (found.status, found.message) == (CheckStatus.SUCCESS, "2 of 2 boards answer")
    assert yard.look(CHECK) == found
    assert sorted(ports.asked) == ["/dev/a", "/dev/a", "/dev/b", "/dev/b"]
    assert all(board.asked_at is not None for board in yard.boards.list())


def test_a_lab_without_boards_is_well(tmp_path: Path) -> None:
    yard = LabYard(tmp_path)
    assert yard.look(CHECK).message == "no boards"
    yard.close()


def test_a_board_that_does_not_answer_is_told_with_when_it_did(yard: LabYard, ports: Ports) -> None:
    yard.look(CHECK)
    ports.chips["/dev/a"] = BoardError("/dev/a: no such port; is the board plugged in?")
    found = yard.look(CHECK)
    assert found.status is CheckStatus.ERROR
    assert found.message.startswith(
        "1 of 2 boards answer; /dev/a does not answer: no such port; is the board plugged in? "
        "(answered last 2"
    )


def test_who_has_a_board_keeps_it(yard: LabYard, ports: Ports) -> None:
    yard.boards.reserve("/dev/b", holder="ada", note="soak", hours=8)
    with yard.boards.use("/dev/a", cancel=CancelToken(), on_wait=pytest.fail, purpose="build 7"):
        found = yard.look(CHECK)
    assert ports.asked == []
    assert found.message == "0 of 2 boards answer, 1 in use, 1 reserved"
    assert state_of(found).startswith("in use by build 7")
    assert state_of(found, "/dev/b").startswith("reserved by ada until")


def test_resets_since_the_last_look_are_told_once(yard: LabYard) -> None:
    yard.boards.count_resets("/dev/a", brownouts=4, watchdogs=0)
    assert yard.look(CHECK).status is CheckStatus.SUCCESS  # nobody knows since when
    yard.boards.count_resets("/dev/a", brownouts=1, watchdogs=2)
    found = yard.look(CHECK)
    assert found.status is CheckStatus.WARNING
    assert "/dev/a 1 brownout since the last look" in found.message
    assert "/dev/a 2 watchdog resets since the last look" in found.message
    assert yard.look(CHECK).status is CheckStatus.SUCCESS


def test_a_board_that_is_used_past_its_reservation_is_told(yard: LabYard) -> None:
    until = yard.now - timedelta(hours=1)
    board_rows.reserve_board(yard.store, "/dev/a", holder="ada", note="", until=until)
    assert yard.look(CHECK).status is CheckStatus.SUCCESS  # it is just over
    with yard.boards.use(
        "/dev/a", cancel=CancelToken(), on_wait=pytest.fail, purpose="monitor of ada"
    ):
        found = yard.look(CHECK)
    assert found.status is CheckStatus.WARNING
    assert f"reserved by ada until {shown_time(until)}, which is over" in found.message


def flashed(yard: LabYard, build: int = 12) -> None:
    kept = Flashed(build, 115200, project="blink", commit="abc1234", sample=(32, 64), md5="aa")
    yard.boards.board_files("/dev/a").remember_flashed(kept)


def test_a_board_that_holds_something_else_is_told_until_it_is_flashed_again(
    yard: LabYard, ports: Ports
) -> None:
    flashed(yard)
    assert yard.look(CHECK).status is CheckStatus.SUCCESS
    ports.md5 = "bb"
    for _look in range(2):
        found = yard.look(CHECK)
        assert found.status is CheckStatus.WARNING
        assert "/dev/a does not hold blink #12 abc1234" in found.message
    ports.md5 = "aa"
    flashed(yard)
    assert yard.look(CHECK).status is CheckStatus.SUCCESS


def test_a_person_who_flashes_something_knows_what(yard: LabYard, ports: Ports) -> None:
    flashed(yard)
    yard.look(CHECK)
    ports.md5 = "bb"
    yard.look(CHECK)
    board_rows.note_by_hand(yard.store, "/dev/a")
    assert yard.look(CHECK).status is CheckStatus.SUCCESS


# The pool.


def known_good(yard: LabYard, text: str = "blink") -> None:
    yard.set(board={"/dev/a": BoardSettings(known_good=text)})


def test_builds_do_not_take_a_board_that_left_the_pool_and_a_person_can(yard: LabYard) -> None:
    yard.look(CHECK)
    yard.boards.take_from_pool("/dev/a", "blink #12 printed nothing", yard.now)
    yard.boards.take_from_pool("/dev/b", "blink #12 panics", yard.now)
    assert yard.boards.choose("auto", "esp32c3") == ()
    assert yard.boards.out_of_pool("esp32c3") == {
        "/dev/a": "blink #12 printed nothing",
        "/dev/b": "blink #12 panics",
    }
    yard.boards.take_from_pool("/dev/b", "", yard.now)
    assert yard.boards.choose("auto", "esp32c3") == ("/dev/b",)
    assert yard.boards.out_of_pool("esp32s3") == {}


def test_a_silent_board_with_a_known_good_image_leaves_the_pool_until_it_answers(
    yard: LabYard, ports: Ports
) -> None:
    known_good(yard)
    yard.look(CHECK)
    ports.chips["/dev/a"] = BoardError("/dev/a: does not answer")
    yard.look(CHECK)
    assert yard.boards.choose("auto", "esp32c3") == ("/dev/b",)
    ports.plug("/dev/a")
    yard.look(CHECK)
    assert set(yard.boards.choose("auto", "esp32c3")) == {"/dev/a", "/dev/b"}


def test_a_board_without_a_known_good_image_any_more_is_in_the_pool(yard: LabYard) -> None:
    yard.boards.take_from_pool("/dev/a", "blink #12 panics", yard.now)
    yard.look(CHECK)
    assert all(not board.out_of_pool for board in yard.boards.list())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("blink", "known_good 'blink': no project 'blink'"),
        ("blink#12", "known_good 'blink#12': no project 'blink'"),
        ("", ""),
    ],
)
def test_a_known_good_image_that_is_not_there_is_a_warning(
    yard: LabYard, text: str, why: str
) -> None:
    known_good(yard, text)
    found = yard.look(CHECK)
    assert found.status is (CheckStatus.WARNING if why else CheckStatus.SUCCESS)
    assert why in found.message
    assert not board_rows.get_board(yard.store, "/dev/a").out_of_pool


# Power.


def powered(folder: Path, script: str, ports: Ports) -> LabYard:
    port = folder / "ttyUSB0"
    port.touch()
    ports.plug(str(port))
    command = ("sh", "-c", f"cd {folder}; {script}")
    board = {str(port): BoardSettings(power_command=command)}
    return LabYard(folder / "workspace", [str(port)], board=board)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("if [ $0 = off ]; then rm ttyUSB0; else touch ttyUSB0; fi", ""),
        ("true", "power_command off left the port there for 0.3 s"),
        ("[ $0 = on ] || rm ttyUSB0", "power_command on did not bring the port back within 0.3 s"),
        ("echo no hub there; exit 3", "exit code 3: no hub there"),
    ],
)
def test_what_switches_the_power_is_proven_when_that_is_asked_for(
    tmp_path: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    monkeypatch.setattr(power_proof, "VANISHES_WITHIN_SECONDS", 0.3)
    monkeypatch.setattr(power_proof, "BACK_WITHIN_SECONDS", 0.3)
    yard = powered(tmp_path, f"echo $0 >> calls; {script}", ports)
    assert yard.look(CHECK).status is CheckStatus.SUCCESS
    assert not (tmp_path / "calls").exists()

    found = yard.look(CHECK, prove_power=True)
    yard.close()

    assert found.status is (CheckStatus.WARNING if why else CheckStatus.SUCCESS)
    assert why in found.message
    assert (tmp_path / "calls").read_text().split()[-1] == "on"


@pytest.mark.slow
def test_power_that_works_is_not_proven_each_time(tmp_path: Path, ports: Ports) -> None:
    script = "echo $0 >> calls; if [ $0 = off ]; then rm ttyUSB0; else touch ttyUSB0; fi"
    yard = powered(tmp_path, script, ports)
    for _look in range(3):
        yard.look(CHECK, after=60, prove_power=True)
    assert (tmp_path / "calls").read_text() == "off\non\n"
    yard.look(CHECK, after=60 * 24, prove_power=True)
    yard.close()
    assert (tmp_path / "calls").read_text() == "off\non\n" * 2


@pytest.mark.slow
def test_a_board_is_switched_on_again_when_the_look_is_cancelled(
    tmp_path: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = CancelToken()
    yard = powered(tmp_path, "echo $0 >> calls", ports)

    def told_to_stop(_board: object) -> bool:
        cancel.cancel()
        return True

    monkeypatch.setattr(power_proof, "_is_there", told_to_stop)
    with pytest.raises(CancelledError):
        yard.look(CHECK, cancel=cancel, prove_power=True)
    yard.close()
    assert (tmp_path / "calls").read_text() == "off\non\n"


def test_what_fails_at_one_board_keeps_no_other_from_being_looked_at(
    tmp_path: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / "ttyA", tmp_path / "ttyB"]
    for path in paths:
        path.touch()
        ports.plug(str(path))

    def look_at(
        connection: Connection, region: tuple[int, int] | None, *, cancel: CancelToken
    ) -> tuple[BoardIdentity, str]:
        if connection.port == str(paths[0]):
            raise OSError(errno.EIO, "Input/output error")
        return ports.look_at(connection, region, cancel=cancel)

    monkeypatch.setattr(flasher, "look_at", look_at)
    yard = LabYard(tmp_path / "workspace", [str(path) for path in paths])
    found = yard.look(CHECK)
    yard.close()

    assert found.status is CheckStatus.ERROR
    assert "1 of 2 boards answer" in found.message
    assert "ttyA not looked at: " in found.message


def test_a_look_that_is_cancelled_ends(yard: LabYard) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        yard.look(CHECK, cancel=cancel)
