"""Projects, builds, their logs and files."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from urllib.parse import quote

from engine.enums import ProjectStatus, RunStatus, Severity, Trigger
from engine.server.client import connection, files
from engine.server.client.asynchronous.transport import AsyncTransport
from engine.server.client.errors import ApiError
from engine.server.client.messages import LogText, StreamItem, stream_item
from engine.server.models.builds import (
    ArtifactAnswer,
    BuildAnswer,
    BuildSummary,
    FindingAnswer,
    FixAnswer,
    LogAnswer,
    LogLines,
    RetryRequest,
)
from engine.server.models.projects import (
    BuildRequest,
    BuildStarted,
    ProjectAnswer,
    ProjectImport,
    StatsAnswer,
    VariantAnswer,
)

_LOG_LINES = 2000


class AsyncBuilds(AsyncTransport):
    """Calls about projects and builds."""

    def projects(
        self, *, status: ProjectStatus | str | None = None, text: str | None = None
    ) -> AsyncGenerator[ProjectAnswer, None]:
        """Projects, all pages of them; ``text`` is in their name or source."""
        return self._pages(ProjectAnswer, "projects", {"status": status, "text": text})

    async def project(self, project: str) -> ProjectAnswer:
        """A project by its id or name."""
        return await self._get(ProjectAnswer, _project(project))

    async def import_project(
        self,
        source: str,
        *,
        name: str | None = None,
        branch: str | None = None,
        targets: Sequence[str] = (),
        app: str = "",
        configuration: str = "",
        timeout: float | None = None,
    ) -> ProjectAnswer:
        """Make a repository a project.

        Args:
            source: Git URL, or a path on the lab machine.
            timeout: seconds to wait until it is cloned; None answers at once.
        """
        asked = ProjectImport(
            source=source,
            name=name,
            branch=branch,
            targets=list(targets),
            app=app,
            configuration=configuration,
        )
        project = await self._post(ProjectAnswer, "projects", asked)
        return project if timeout is None else await self._settled(project, timeout)

    async def sync_project(self, project: str, *, timeout: float | None = None) -> ProjectAnswer:
        """Fetch from a project's source.

        Args:
            timeout: seconds to wait until that is done; None answers at once.
        """
        found = await self._post(ProjectAnswer, f"{_project(project)}/sync")
        return found if timeout is None else await self._settled(found, timeout)

    async def stats(self, project: str) -> StatsAnswer:
        """How the builds of a project went."""
        return await self._get(StatsAnswer, f"{_project(project)}/stats")

    async def variants(self, project: str) -> list[VariantAnswer]:
        """The chips and configurations of a project."""
        return await self._get(list[VariantAnswer], f"{_project(project)}/variants")

    async def start_build(
        self,
        project: str,
        commit_sha: str | None = None,
        *,
        trigger: Trigger = Trigger.MANUAL,
        target: str | None = None,
        configuration: str | None = None,
        flash_device: bool | None = None,
        run_qemu: bool | None = None,
        board: str | None = None,
        simulator: str | None = None,
    ) -> BuildStarted:
        """Start a build; it waits in the queue and runs by itself.

        Args:
            commit_sha: commit, branch or tag; None for the newest.
            flash_device: whether it runs on a board; None for where there is one, and the token
                may use it.
            run_qemu: whether it runs in a simulator; None for where there is one.
        """
        asked = BuildRequest.model_validate(
            {
                "commit_sha": commit_sha,
                "trigger": trigger,
                "target": target,
                "configuration": configuration,
                "flash_device": flash_device,
                "run_qemu": run_qemu,
                "board": board,
                "simulator": simulator,
            }
        )
        return await self._post(BuildStarted, f"{_project(project)}/build", asked)

    def builds(
        self,
        *,
        status: RunStatus | str | None = None,
        project: str | None = None,
        branch: str | None = None,
        target: str | None = None,
        commit_sha: str | None = None,
        text: str | None = None,
    ) -> AsyncGenerator[BuildSummary, None]:
        """Builds, all pages of them, the newest first."""
        filters = {
            "status": status,
            "project_id": project,
            "branch": branch,
            "target": target,
            "commit_sha": commit_sha,
            "text": text,
        }
        return self._pages(BuildSummary, "builds", filters)

    async def build(self, number: int) -> BuildAnswer:
        """A build."""
        return await self._get(BuildAnswer, f"builds/{number}")

    async def retry(self, number: int, stage: str | None = None) -> BuildAnswer:
        """Do a failed or cancelled build again, or from a stage on."""
        asked = RetryRequest(stage=stage)
        return await self._post(BuildAnswer, f"builds/{number}/retry", asked)

    async def cancel(self, number: int) -> BuildAnswer:
        """End a build."""
        return await self._post(BuildAnswer, f"builds/{number}/cancel")

    async def wait_for_build(self, number: int, timeout: float | None = None) -> BuildAnswer:
        """Wait until a build has ended, also while the server is started again.

        Args:
            timeout: seconds; None waits as long as it takes.

        Raises:
            ApiError: time is over, the build is unknown, or the server was away for too long.
        """

        def is_final(build: BuildAnswer) -> bool:
            return build.status.is_final

        what = f"build {number}"
        return await self._until(BuildAnswer, f"builds/{number}", is_final, timeout, what)

    def findings(
        self, number: int, *, severity: Severity | str | None = None, stage: str | None = None
    ) -> AsyncGenerator[FindingAnswer, None]:
        """What the stages of a build found."""
        filters = {"severity": severity, "stage": stage}
        return self._pages(FindingAnswer, f"builds/{number}/findings", filters)

    def artifacts(
        self, number: int, *, stage: str | None = None, superseded: bool = False
    ) -> AsyncGenerator[ArtifactAnswer, None]:
        """The files that a build kept.

        Args:
            superseded: those of earlier attempts as well.
        """
        chosen = {"stage": stage, "superseded": superseded or None}
        return self._pages(ArtifactAnswer, f"builds/{number}/artifacts", chosen)

    async def fix(self, number: int) -> FixAnswer:
        """What the repairs of a build come to; a 404 where there are none."""
        return await self._get(FixAnswer, f"builds/{number}/fix")

    async def download(self, number: int, path: str, to: str | Path) -> Path:
        """Copy a file of a build, and compare it with its SHA-256.

        What is there of an earlier try, in ``TO.part``, is gone on from.

        Args:
            path: among the build's artifacts.
            to: file, or folder that it comes into.

        Returns:
            The file.

        Raises:
            ApiError: there is no such file, or the connection breaks off again and again.
            UsageError: the file cannot be written.
        """
        url = f"builds/{number}/artifacts/{quote(path)}"
        with files.PartialFile(files.destination(Path(to), path)) as part:
            for tries in range(1, connection.TRIES + 1):
                headers = {"Accept": "*/*", "Accept-Encoding": "identity", **part.headers()}
                try:
                    async with self._stream(url, None, headers) as response:
                        part.begin(response)
                        async for chunk in response.aiter_raw():
                            part.write(chunk)
                    part.check()
                except ApiError as error:
                    if error.status == 416:
                        part.begin_anew()
                    elif not error.is_passing or tries == connection.TRIES:
                        raise
                else:
                    return part.finish()
        raise AssertionError("every try returns or raises")

    async def logs(self, number: int) -> list[LogAnswer]:
        """The logs of a build, in the order in which they began."""
        return await self._get(list[LogAnswer], f"builds/{number}/logs")

    async def log_lines(
        self, number: int, stage: str, *, attempt: int | None = None, stream: str = "log"
    ) -> AsyncGenerator[str, None]:
        """The lines of one log, as far as it is now. Untrusted."""
        parameters = {"attempt": attempt, "stream": stream, "count": _LOG_LINES, "format": "json"}
        path, first = f"builds/{number}/logs/{quote(stage, safe='')}", None
        while True:
            page = await self._get(LogLines, path, {**parameters, "first": first})
            for line in page.lines:
                yield line
            if not page.lines:
                return
            first = page.next

    async def follow_log(self, number: int) -> AsyncGenerator[LogText, None]:
        """Everything that a build and its firmware say, until it has ended; comes again by itself.

        Raises:
            ApiError: there is no such build, or the server was away for too long.
        """
        parameters = {"follow": True, "format": "events"}
        async with aclosing(self._follow(f"builds/{number}/log", parameters)) as messages:
            async for message in messages:
                data = message.json
                if message.name == "log":
                    place = (data["stage"], data["attempt"], data["stream"], data["first"])
                    yield LogText(*place, tuple(data["lines"]))
                elif message.name == "end":
                    status = data.get("status")
                    if status is not None and RunStatus(status).is_final:
                        return  # else the server ends, and is come back to

    async def events(
        self,
        *,
        project: str | None = None,
        build: int | None = None,
        board: str | None = None,
        types: Sequence[str] = (),
        logs: bool = False,
        after: str = "",
    ) -> AsyncGenerator[StreamItem, None]:
        """What happens, as it happens, without an end; it comes again by itself.

        Nothing is missed when the server is started again in between.

        Args:
            build: only of this build or task.
            types: only these, as the manual has them; all for none.
            logs: whether ``log`` and ``serial`` are among them.
            after: id of the last event that you have; ``0`` for all that are kept, empty for what
                comes from now on.

        Raises:
            ApiError: the server refuses, or was away for too long.
        """
        parameters = {
            "project": project,
            "build": build,
            "board": board,
            "type": ",".join(types) or None,
            "logs": logs or None,
        }
        async with aclosing(self._follow("events", parameters, after)) as messages:
            async for message in messages:
                item = stream_item(message)
                if item is not None:
                    yield item

    async def last_event_id(self) -> str:
        """Id of the newest event: ``events(after=…)`` goes on from there."""
        async with aclosing(self._follow("events", {"type": "problem"})) as messages:
            async for message in messages:
                if message.id:
                    return message.id
        raise AssertionError("it has no end")

    async def _settled(self, project: ProjectAnswer, timeout: float) -> ProjectAnswer:
        def is_final(found: ProjectAnswer) -> bool:
            return found.status is not ProjectStatus.PENDING and not found.syncing

        path, what = _project(str(project.id)), f"fetching {project.name}"
        return await self._until(ProjectAnswer, path, is_final, timeout, what)


def _project(project: str) -> str:
    return f"projects/{quote(project, safe='')}"
