"""Routes of projects: list, import, change, remove, sync, what holds before a build, statistics."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engine import Engine, Project, Run
from engine.enums import ProjectStatus, RunStatus, Scope
from engine.store import projects, runs
from engine.store.database import Store
from tests.engine.git_repos import commit
from tests.engine.server.conftest import ClientOf

IDF = {
    "CMakeLists.txt": "cmake_minimum_required(VERSION 3.16)\n"
    "include($ENV{IDF_PATH}/tools/cmake/project.cmake)\nproject(fw)\n",
    "main/CMakeLists.txt": 'idf_component_register(SRCS "main.c")\n',
    "main/main.c": "void app_main(void) {}\n",
    "sdkconfig.defaults": 'CONFIG_IDF_TARGET="esp32c3"\n',
}

BUSY = "build 1 of fw has not ended: wait for it or cancel it"


@pytest.fixture
def store(engine: Engine) -> Iterator[Store]:
    """The store of the engine, as another process has it."""
    store = Store(engine.settings.workspace / "espdeck.db")
    yield store
    store.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository of an ESP-IDF project."""
    commit(tmp_path / "fw", IDF, "First")
    return tmp_path / "fw"


def imported(admin: httpx.Client, source: Path | str, **fields: object) -> str:
    """Import a repository and wait until it is cloned; its id."""
    answer = admin.post("/api/projects", json={"source": str(source)} | fields)
    assert answer.status_code == 202, answer.text
    done = admin.get(f"/api/v1/projects/{answer.json()['id']}?wait=60").json()
    assert (done["status"], done["syncing"]) == ("active", False), done
    return str(done["id"])


def test_a_repository_is_imported(admin: httpx.Client, folder: Path) -> None:
    answer = admin.post("/api/projects", json={"source": f"file://{folder}"})

    assert answer.status_code == 202
    added = answer.json()
    assert (added["name"], added["status"], added["source"]) == ("fw", "pending", str(folder))
    assert answer.headers["location"].endswith(f"/api/v1/projects/{added['id']}")
    done = admin.get(answer.headers["location"], params={"wait": 60}).json()
    tip = commit(folder, {})
    assert done["status"] == "active"
    assert (done["branch"], done["target"], done["targets"]) == ("main", "esp32c3", ["esp32c3"])
    assert done["synced_at"].endswith("Z")
    assert len(done["tip"]) == len(tip)
    assert admin.get("/api/v1/projects/fw").json() == done


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("", "body.source: String should have at least 1 character"),
        ("http://example.org/fw", "http://example.org/fw is not accepted"),
        ("git://example.org/fw", "git://example.org/fw is not accepted"),
        ("ext::sh -c id", "named by its absolute path"),
        ("file://other/fw", "file:// reaches this machine only"),
        ("--upload-pack=id", "is not a repository"),
        ("/etc", "/etc: not a Git repository"),
        ("fw", "named by its absolute path"),
        ("./fw", "named by its absolute path"),
        ("~/fw", "named by its absolute path"),
        ("../fw", "named by its absolute path"),
        ("https://user:secret@/fw", "https://***@/fw: no valid host"),
    ],
)
def test_a_source_that_is_not_accepted_is_a_422(
    admin: httpx.Client, source: str, detail: str
) -> None:
    answer = admin.post("/api/v1/projects", json={"source": source})

    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert "secret" not in answer.text
    assert admin.get("/api/v1/projects").json() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"branch": "--upload-pack=id"},
        {"target": "esp99"},
        {"targets": ["esp32", "z80"]},
        {"app": "../.."},
        {"configuration": "a b"},
        {"name": "\x1b[31m"},
        {"nmae": "x"},
    ],
)
def test_a_choice_that_makes_no_sense_is_a_422(
    admin: httpx.Client, folder: Path, fields: dict[str, object]
) -> None:
    answer = admin.post("/api/v1/projects", json={"source": str(folder)} | fields)

    assert answer.status_code == 422
    assert admin.get("/api/v1/projects").json() == []


def test_a_source_is_imported_once_unless_named(admin: httpx.Client, folder: Path) -> None:
    imported(admin, folder)

    again = admin.post("/api/v1/projects", json={"source": str(folder)})
    same = admin.post("/api/v1/projects", json={"source": str(folder), "name": "fw"})

    assert (again.status_code, same.status_code) == (409, 409)
    assert "is the project fw already" in again.json()["detail"]
    assert same.json()["detail"] == "a project named 'fw' already exists"
    imported(admin, folder, name="second", target="esp32")


def test_only_admins_change_projects(client_of: ClientOf, store: Store, folder: Path) -> None:
    add(store, "fw")
    client = client_of(Scope.FLASH)
    source = {"source": str(folder)}

    assert client.post("/api/v1/projects", json=source).status_code == 403
    assert client.patch("/api/v1/projects/fw", json={"name": "x"}).status_code == 403
    assert client.put("/api/v1/projects/fw", json={"name": "x"}).status_code == 403
    assert client.delete("/api/v1/projects/fw").status_code == 403
    assert client_of(Scope.READ).post("/api/v1/projects/fw/sync").status_code == 403
    assert client_of(None).get("/api/v1/projects").status_code == 401


def add(store: Store, name: str, status: ProjectStatus = ProjectStatus.ACTIVE) -> Project:
    return projects.add_project(
        store, Project(name=name, source=f"/{name}", target="esp32", status=status)
    )


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [project["name"] for project in answer.json()]


def test_projects_are_filtered_sorted_and_paged(admin: httpx.Client, store: Store) -> None:
    for name in ("beta", "Alpha", "gamma"):
        add(store, name)
    add(store, "delta", ProjectStatus.ERROR)

    assert names(admin.get("/api/projects")) == ["Alpha", "beta", "delta", "gamma"]
    assert names(admin.get("/api/v1/projects?status=error")) == ["delta"]
    assert names(admin.get("/api/v1/projects?text=ETA")) == ["beta"]
    assert names(admin.get("/api/v1/projects?target=esp32c3")) == []
    assert names(admin.get("/api/v1/projects?sort=-created_at&limit=1")) == ["delta"]
    for sort, expected in (
        ("name", ["Alpha", "beta", "delta", "gamma"]),
        ("-name", ["gamma", "delta", "beta", "Alpha"]),
        ("created_at", ["beta", "Alpha", "gamma", "delta"]),
    ):
        seen: list[str] = []
        url = f"/api/v1/projects?sort={sort}&limit=1"
        while url:
            answer = admin.get(url)
            seen += names(answer)
            url = answer.links.get("next", {}).get("url", "")
        assert seen == expected


def test_a_project_that_is_not_there_is_a_404(admin: httpx.Client) -> None:
    answer = admin.get(f"/api/projects/{uuid.UUID(int=1)}/stats")

    assert answer.status_code == 404
    assert "no project '00000000-" in answer.json()["detail"]


def test_a_project_is_changed(admin: httpx.Client, folder: Path) -> None:
    project = imported(admin, folder)

    patched = admin.patch(f"/api/v1/projects/{project}", json={"name": "blink"})
    assert patched.status_code == 200, patched.text
    assert (patched.json()["name"], patched.json()["target"]) == ("blink", "esp32c3")

    nowhere = admin.patch("/api/v1/projects/blink", json={"branch": "nowhere"})
    assert nowhere.status_code == 422
    assert admin.get("/api/v1/projects/blink").json()["branch"] == "main"

    put = admin.put("/api/v1/projects/blink", json={"name": "fw", "targets": ["esp32", "esp32c3"]})
    assert put.status_code == 200, put.text
    assert (put.json()["name"], put.json()["targets"]) == ("fw", ["esp32", "esp32c3"])

    nothing = admin.patch("/api/v1/projects/fw", json={"source": "/nowhere"})
    assert nothing.status_code == 422, nothing.text
    assert admin.get("/api/v1/projects/fw").json()["source"] == str(folder)


def test_a_project_follows_another_source(
    admin: httpx.Client, store: Store, folder: Path, tmp_path: Path
) -> None:
    before = admin.get(f"/api/v1/projects/{imported(admin, folder)}").json()
    build = runs.add_run(store, Run(project_id=uuid.UUID(before["id"]), commit_sha=before["tip"]))
    tip = commit(tmp_path / "moved", IDF | {"main/other.c": ""}, "Moved")
    asked = {"source": str(tmp_path / "moved"), "name": "blink"}

    busy = admin.patch("/api/v1/projects/fw", json=asked)
    runs.finish_run(store, build.number, status=RunStatus.SUCCESS)
    done = admin.patch("/api/v1/projects/fw", json=asked)

    assert (busy.status_code, busy.json()["detail"]) == (409, BUSY)
    assert done.status_code == 200, done.text
    after = admin.get("/api/v1/projects/blink").json()
    assert (after["id"], after["source"]) == (before["id"], asked["source"])
    assert (after["status"], after["target"], after["tip"]) == ("active", "esp32c3", tip)
    assert admin.get("/api/v1/builds/1").json()["project_id"] == before["id"]


def test_a_project_is_not_changed_while_it_is_cloned(admin: httpx.Client, store: Store) -> None:
    add(store, "fw", ProjectStatus.PENDING)

    answer = admin.patch("/api/v1/projects/fw", json={"name": "x"})

    assert answer.status_code == 409
    assert answer.json()["detail"] == "fw is being cloned: change it when that is done"


def test_a_project_is_removed_when_nothing_runs(admin: httpx.Client, store: Store) -> None:
    project = add(store, "fw")
    build = runs.add_run(store, Run(project_id=project.id, status=RunStatus.RUNNING))

    busy = admin.delete("/api/v1/projects/fw")
    runs.finish_run(store, build.number, status=RunStatus.SUCCESS)
    done = admin.delete("/api/v1/projects/fw")

    assert (busy.status_code, busy.json()["detail"]) == (409, BUSY)
    assert (done.status_code, done.content) == (204, b"")
    assert admin.get("/api/v1/projects/fw").status_code == 404
    assert admin.get("/api/v1/builds/1").status_code == 404


def test_a_project_is_synced(admin: httpx.Client, folder: Path) -> None:
    project = imported(admin, folder)
    tip = commit(folder, {"main/main.c": "void app_main(void) { }\n"}, "Second")

    answer = admin.post(f"/api/v1/projects/{project}/sync")

    assert answer.status_code == 202
    assert admin.get(f"/api/v1/projects/{project}?wait=60").json()["tip"] == tip


def test_statistics_of_a_project(admin: httpx.Client, store: Store) -> None:
    project = add(store, "fw")
    before = admin.get(f"/api/projects/{project.id}/stats").json()
    for status, duration in (
        (RunStatus.SUCCESS, 2.0),
        (RunStatus.SUCCESS, 3.0),
        (RunStatus.SUCCESS, 4.0),
        (RunStatus.FAILED, 7.0),
        (RunStatus.RUNNING, None),
        (RunStatus.PENDING, None),
        (RunStatus.CANCELLED, 1.0),
    ):
        runs.add_run(store, Run(project_id=project.id, status=status, duration=duration))

    assert (before["total_builds"], before["success_rate"]) == (0, None)
    assert admin.get(f"/api/projects/{project.id}/stats").json() == {
        "project_id": str(project.id),
        "total_builds": 7,
        "successful": 3,
        "failed": 1,
        "pending": 1,
        "running": 1,
        "cancelled": 1,
        "success_rate": 75.0,
        "average_duration": 4.0,
    }


def test_the_ways_to_build_a_project(admin: httpx.Client, folder: Path) -> None:
    commit(folder, {"sdkconfig.ci.small": ""}, "Small")
    project = imported(admin, folder)

    assert admin.get(f"/api/v1/projects/{project}/variants").json() == [
        {"target": "esp32c3", "configuration": ""},
        {"target": "esp32c3", "configuration": "small"},
    ]


def test_the_apps_of_a_repository(admin: httpx.Client, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    apps = {f"{app}/{name}": text for app in ("blink", "wifi") for name, text in IDF.items()}
    commit(folder, apps)
    project = imported(admin, folder)

    first = admin.get(f"/api/v1/projects/{project}/apps?limit=1")

    assert first.json() == [
        {"app": "blink", "toolchain": "idf", "targets": ["esp32c3"], "configurations": []}
    ]
    assert [each["app"] for each in admin.get(first.links["next"]["url"]).json()] == ["wifi"]
    none = admin.post(f"/api/v1/projects/{project}/build")
    assert none.status_code == 409
    assert none.json()["detail"].endswith("add the project with one of its apps: blink, wifi")
    chosen = admin.patch(f"/api/v1/projects/{project}", json={"app": "wifi"})
    assert (chosen.status_code, chosen.json()["target"]) == (200, "esp32c3")


@pytest.mark.parametrize(
    ("status", "told", "detail"),
    [
        (
            ProjectStatus.PENDING,
            "waits to be cloned",
            "Project status is 'pending', must be 'active'",
        ),
        (
            ProjectStatus.ERROR,
            "no such repository",
            "Project status is 'error', must be 'active': no such repository",
        ),
    ],
)
def test_a_project_that_is_not_active_is_not_built(
    admin: httpx.Client, store: Store, status: ProjectStatus, told: str, detail: str
) -> None:
    project = add(store, "fw", status)
    projects.update_project(store, project.id, status=status, detail=told)

    answer = admin.post(f"/api/projects/{project.id}/build")

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == detail


def test_a_commit_that_has_nothing_to_build_is_not_built(admin: httpx.Client, folder: Path) -> None:
    project = imported(admin, folder, target="esp32c3")
    commit(folder, {"README.md": "x"})
    (folder / "CMakeLists.txt").unlink()
    commit(folder, {"README.md": "y"}, "No build")

    answer = admin.post(f"/api/v1/projects/{project}/build", json={"trigger": "manual"})

    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        "no CMakeLists.txt with a project, platformio.ini or sketch at the root of the repository"
    )


def test_a_clone_that_is_gone_with_its_source_is_no_5xx(
    admin: httpx.Client, engine: Engine, folder: Path
) -> None:
    project = imported(admin, folder)
    clone = Path(engine.projects.get(project).clone_path)
    clone.rename(clone.with_name("away"))
    folder.rename(folder.with_name("moved"))

    answer = admin.post(f"/api/v1/projects/{project}/build")

    assert answer.status_code == 409
    assert "Project status is 'error'" in answer.json()["detail"]


_NO_SENSE: list[tuple[dict[str, object], str]] = [
    ({"commit_sha": "0" * 40}, "no commit, branch or tag '0000"),
    ({"commit_sha": "--all"}, "'--all' is not a branch, tag or commit"),
    ({"commit_sha": "main..x"}, "names several commits"),
    ({"commit": "main"}, "body.commit: no such field"),
    ({"trigger": "schedule"}, "body.trigger"),
    ({"target": "esp99"}, "target 'esp99' is not one of"),
    ({"configuration": "large"}, "fw has no configuration 'large' (there are: none)"),
    ({"simulator": "bochs"}, "simulator 'bochs' is not one of"),
    ({"flash_device": False, "board": "auto"}, "flash_device is false, and board is 'auto'"),
    ({"flash_device": True, "board": "none"}, "flash_device is true"),
    ({"run_qemu": False, "simulator": "qemu"}, "run_qemu is false"),
    ({"run_qemu": True, "simulator": "none"}, "run_qemu is true"),
]


def test_a_build_that_makes_no_sense_is_a_422(admin: httpx.Client, folder: Path) -> None:
    project = imported(admin, folder)

    for asked, detail in _NO_SENSE:
        answer = admin.post(f"/api/v1/projects/{project}/build", json=asked)

        assert (asked, answer.status_code) == (asked, 422), answer.text
        assert detail in answer.json()["detail"]
    assert admin.get("/api/v1/builds").json() == []


@pytest.mark.parametrize("asked", [{"flash_device": True}, {"board": "auto"}])
def test_a_board_needs_the_scope_for_it(
    client_of: ClientOf, store: Store, asked: dict[str, object]
) -> None:
    add(store, "fw")

    answer = client_of(Scope.BUILD).post("/api/v1/projects/fw/build", json=asked)

    assert answer.status_code == 403
    assert answer.json()["detail"] == (
        "token 'build 0' has the scope build: flash is needed to use a board"
    )


def test_a_body_says_that_it_is_json(admin: httpx.Client, store: Store) -> None:
    add(store, "fw")
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = admin.post("/api/v1/projects/fw/build", content='{"commit_sha": "x"}', headers=form)

    assert answer.status_code == 415
    assert answer.json()["detail"] == "the body is JSON: send 'Content-Type: application/json'"
