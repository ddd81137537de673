"""espdeck's engine: the whole product without a screen.

A front end imports its names from here, and enums, errors, events and text from the modules of
that name; no other module of the engine is for it (``pyproject.toml`` has import-linter say so).
Importing it is light: each name is loaded when it is first asked for (PEP 562), and what is heavy
comes with :meth:`Engine.open`::

    from engine import Engine, Settings

    with Engine(Settings.load()) as engine:
        project = engine.projects.add("https://github.com/me/firmware", targets=["esp32c3"])
        engine.projects.wait(project.id)
        build = engine.builds.wait(engine.builds.start(project.id).number)
        print(build.status, build.error)
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes longer to load than what starts before every program
if TYPE_CHECKING:
    from engine.access.audit_log import REFUSED_STATUSES as REFUSED_STATUSES
    from engine.access.principal import Principal as Principal
    from engine.access.service import LOGIN_LIFETIME as LOGIN_LIFETIME
    from engine.access.service import Access as Access
    from engine.access.tickets import TICKET_SECONDS as TICKET_SECONDS
    from engine.artifacts.service import DEFAULT_LINK_SECONDS as DEFAULT_LINK_SECONDS
    from engine.artifacts.service import LONGEST_LINK_SECONDS as LONGEST_LINK_SECONDS
    from engine.artifacts.service import Artifacts as Artifacts
    from engine.artifacts.service import StoreState as StoreState
    from engine.boards.board_files import DEFAULT_BAUD as DEFAULT_BAUD
    from engine.boards.board_files import BoardFiles as BoardFiles
    from engine.boards.board_info import BoardInfo as BoardInfo
    from engine.boards.board_session import BoardSession as BoardSession
    from engine.boards.capabilities import FlashOptions as FlashOptions
    from engine.boards.esptool import ESPTOOL_AFTER as ESPTOOL_AFTER
    from engine.boards.esptool import ESPTOOL_BEFORE as ESPTOOL_BEFORE
    from engine.boards.flasher import Efuse as Efuse
    from engine.boards.flasher import FlashResult as FlashResult
    from engine.boards.names import check_names as check_names
    from engine.boards.power import switch_power as switch_power
    from engine.boards.service import Boards as Boards
    from engine.bounded_queue import BoundedQueue as BoundedQueue
    from engine.builds.board_consoles import BoardConsoles as BoardConsoles
    from engine.builds.board_program import BoardProgram as BoardProgram
    from engine.builds.comparison import BuildComparison as BuildComparison
    from engine.builds.comparison import TestChange as TestChange
    from engine.builds.log_changes import LogChange as LogChange
    from engine.builds.pipeline import FIRMWARE_PIPELINE as FIRMWARE_PIPELINE
    from engine.builds.quality_gate import GateMeasurement as GateMeasurement
    from engine.builds.service import Builds as Builds
    from engine.builds.service import StartedBuilds as StartedBuilds
    from engine.builds.shared_console import ConsoleEvent as ConsoleEvent
    from engine.builds.shared_console import ConsoleWatch as ConsoleWatch
    from engine.builds.test_results import reports_of as reports_of
    from engine.cancel import CancelToken as CancelToken
    from engine.cancel import cancel_after as cancel_after
    from engine.checks.options import check_options as check_options
    from engine.checks.registry import FoundCheck as FoundCheck
    from engine.checks.schedule import CheckPlan as CheckPlan
    from engine.checks.service import CheckCell as CheckCell
    from engine.checks.service import Checks as Checks
    from engine.checks.service import ComingCheck as ComingCheck
    from engine.clock import show_utc as show_utc
    from engine.clock import shown_time as shown_time
    from engine.console_input import EOLS as EOLS
    from engine.console_input import ConsoleInput as ConsoleInput
    from engine.console_input import Lines as Lines
    from engine.console_input import ResetStep as ResetStep
    from engine.console_input import Restart as Restart
    from engine.console_input import send_file_with_notes as send_file_with_notes
    from engine.daemon import run_daemon as run_daemon
    from engine.daemon_control import ask_daemon as ask_daemon
    from engine.daemon_control import is_older_daemon as is_older_daemon
    from engine.daemon_control import older_version as older_version
    from engine.daemon_control import running_daemon as running_daemon
    from engine.daemon_doctor import look_at_daemons as look_at_daemons
    from engine.daemon_start import start_daemon as start_daemon
    from engine.daemon_start import stop_daemon as stop_daemon
    from engine.doctor import run_doctor as run_doctor
    from engine.engine import Engine as Engine
    from engine.findings import Finding as Finding
    from engine.images.flash_layout import FlashLayout as FlashLayout
    from engine.images.flash_layout import read_flash_layout as read_flash_layout
    from engine.images.partition_checks import find_partition_problems as find_partition_problems
    from engine.images.partition_csv import read_partition_file as read_partition_file
    from engine.images.partitions import PARTITION_TABLE_OFFSET as PARTITION_TABLE_OFFSET
    from engine.images.partitions import Partition as Partition
    from engine.llm.service import Models as Models
    from engine.llm.service import ModelState as ModelState
    from engine.logs.log_file import LOG_FILE as LOG_FILE
    from engine.logs.reader import LogRecord as LogRecord
    from engine.logs.reader import LogSelection as LogSelection
    from engine.logs.reader import follow_logs as follow_logs
    from engine.logs.reader import read_logs as read_logs
    from engine.maintenance import CleanupReport as CleanupReport
    from engine.mcp.permissions import McpAllow as McpAllow
    from engine.mcp.permissions import parse_mcp_allowed as parse_mcp_allowed
    from engine.mcp.stdio import serve_mcp as serve_mcp
    from engine.metrics.health import DaemonState as DaemonState
    from engine.metrics.health import check_fields as check_fields
    from engine.metrics.health import daemon_state as daemon_state
    from engine.metrics.project_metrics import ProjectMetrics as ProjectMetrics
    from engine.metrics.series import Metric as Metric
    from engine.metrics.series import Point as Point
    from engine.metrics.series import Series as Series
    from engine.metrics.service import Metrics as Metrics
    from engine.monitor.binary_log import BinaryLog as BinaryLog
    from engine.monitor.crash_watcher import CrashCounts as CrashCounts
    from engine.monitor.crash_watcher import CrashWatcher as CrashWatcher
    from engine.monitor.line_splitter import ColouredLine as ColouredLine
    from engine.monitor.line_splitter import LineCutter as LineCutter
    from engine.monitor.line_times import LineTimes as LineTimes
    from engine.monitor.log_lines import LineSelection as LineSelection
    from engine.monitor.log_lines import compile_pattern as compile_pattern
    from engine.monitor.log_lines import decoded_addresses as decoded_addresses
    from engine.monitor.log_lines import has_address as has_address
    from engine.monitor.log_lines import hex_rows as hex_rows
    from engine.monitor.log_lines import parse_log_line as parse_log_line
    from engine.monitor.panic import CrashedProgram as CrashedProgram
    from engine.monitor.plot import MAX_PLOT_SERIES as MAX_PLOT_SERIES
    from engine.monitor.plot import Plot as Plot
    from engine.monitor.sessions import SessionInfo as SessionInfo
    from engine.monitor.symbols import Symbols as Symbols
    from engine.monitor.symbols import load_symbols as load_symbols
    from engine.notify.service import ChannelInfo as ChannelInfo
    from engine.notify.service import Notifications as Notifications
    from engine.overview.changes import Changes as Changes
    from engine.overview.changes import changed_by as changed_by
    from engine.overview.order import PROJECT_ORDERS as PROJECT_ORDERS
    from engine.overview.order import Attention as Attention
    from engine.overview.order import attention as attention
    from engine.overview.records import BoardOverview as BoardOverview
    from engine.overview.records import ProjectOverview as ProjectOverview
    from engine.overview.records import WorkItem as WorkItem
    from engine.overview.service import Overview as Overview
    from engine.private_files import restrict_umask as restrict_umask
    from engine.projects.commit_locator import UNCOMMITTED as UNCOMMITTED
    from engine.projects.editor import ProjectEdits as ProjectEdits
    from engine.projects.editor import consequences as consequences
    from engine.projects.git_objects import CommitsBetween as CommitsBetween
    from engine.projects.project_options import check_targets as check_targets
    from engine.projects.project_sync import NO_CHIP as NO_CHIP
    from engine.projects.variants import Variant as Variant
    from engine.projects.variants import chips_of as chips_of
    from engine.quality.gate import GATE_REPORT as GATE_REPORT
    from engine.quality.result import GateResult as GateResult
    from engine.quality.result import GateVerdict as GateVerdict
    from engine.quality.result import Measure as Measure
    from engine.quality_requirements import Aspect as Aspect
    from engine.quality_requirements import Demands as Demands
    from engine.runs.changes import ChangeSet as ChangeSet
    from engine.runs.changes import ChangeSets as ChangeSets
    from engine.runs.changes import ChangeSetState as ChangeSetState
    from engine.runs.event_stream import EventStream as EventStream
    from engine.runs.event_stream import Subscription as Subscription
    from engine.runs.pipeline import Pipeline as Pipeline
    from engine.runs.service import RunService as RunService
    from engine.runs.service import who_asks as who_asks
    from engine.runs.stream_events import Notice as Notice
    from engine.runs.stream_events import StreamEvent as StreamEvent
    from engine.runs.stream_events import StreamFilter as StreamFilter
    from engine.runs.stream_events import sse_message as sse_message
    from engine.runs.told_findings import ToldFinding as ToldFinding
    from engine.runs.told_findings import count_findings as count_findings
    from engine.runs.told_findings import listed_findings as listed_findings
    from engine.samples.demo import DEMO_BOARD as DEMO_BOARD
    from engine.samples.demo import prepare_demo as prepare_demo
    from engine.server.client.asynchronous.client import AsyncClient as AsyncClient
    from engine.server.client.console import ConsoleSocket as ConsoleSocket
    from engine.server.client.errors import ApiError as ApiError
    from engine.server.client.messages import ConsoleMessage as ConsoleMessage
    from engine.server.client.messages import LabEvent as LabEvent
    from engine.server.client.messages import Lagged as Lagged
    from engine.server.client.messages import LogText as LogText
    from engine.server.client.messages import Resync as Resync
    from engine.server.client.synchronous.client import Client as Client
    from engine.server.models.builds import FixAnswer as FixAnswer
    from engine.serving import start_http_server as start_http_server
    from engine.settings import Settings as Settings
    from engine.settings import config_file as config_file
    from engine.settings.file_check import Mistake as Mistake
    from engine.settings.file_check import check_settings_file as check_settings_file
    from engine.settings.file_check import strange_variables as strange_variables
    from engine.settings.file_check import wrong_option as wrong_option
    from engine.settings.file_editor import create_settings_file as create_settings_file
    from engine.settings.file_editor import read_setting as read_setting
    from engine.settings.file_editor import set_setting as set_setting
    from engine.settings.file_editor import set_settings as set_settings
    from engine.settings.file_editor import unknown_key as unknown_key
    from engine.settings.file_editor import unset_setting as unset_setting
    from engine.settings.keys import choices_of as choices_of
    from engine.settings.keys import join_key as join_key
    from engine.settings.keys import split_key as split_key
    from engine.settings.keys import toml_text as toml_text
    from engine.settings.load import find_workspace as find_workspace
    from engine.settings.models import SettingsFile as SettingsFile
    from engine.settings.report import SettingRow as SettingRow
    from engine.settings.report import list_settings as list_settings
    from engine.settings.report import list_variables as list_variables
    from engine.sizes.tables import RegionRow as RegionRow
    from engine.sizes.tables import SizeGroup as SizeGroup
    from engine.sizes.tables import SizeRow as SizeRow
    from engine.sizes.tables import Sizes as Sizes
    from engine.stage_labels import stage_key as stage_key
    from engine.stage_labels import stage_label as stage_label
    from engine.store.backups import Backup as Backup
    from engine.store.busy_wait import describe_process as describe_process
    from engine.store.check_stats import CheckStats as CheckStats
    from engine.store.checks import NewestResult as NewestResult
    from engine.store.database import StoreError as StoreError
    from engine.store.logs import MAX_LOG_MATCHES as MAX_LOG_MATCHES
    from engine.store.logs import LogExtent as LogExtent
    from engine.store.logs import LogKey as LogKey
    from engine.store.logs import LogMatch as LogMatch
    from engine.store.projects import ProjectStats as ProjectStats
    from engine.store.service import back_up_databases as back_up_databases
    from engine.store.service import check_databases as check_databases
    from engine.store.service import known_backups as known_backups
    from engine.store.service import restore_databases as restore_databases
    from engine.store.tables import Artifact as Artifact
    from engine.store.tables import AuditRow as AuditRow
    from engine.store.tables import CheckResultRow as CheckResultRow
    from engine.store.tables import DeliveryRow as DeliveryRow
    from engine.store.tables import FindingRow as FindingRow
    from engine.store.tables import HookDelivery as HookDelivery
    from engine.store.tables import MuteRow as MuteRow
    from engine.store.tables import NotificationRow as NotificationRow
    from engine.store.tables import Project as Project
    from engine.store.tables import Retry as Retry
    from engine.store.tables import Run as Run
    from engine.store.tables import StageRow as StageRow
    from engine.store.tables import TokenRow as TokenRow
    from engine.systemd.unit import daemon_unit as daemon_unit
    from engine.systemd.unit import unit_folder as unit_folder
    from engine.systemd.unit import write_unit as write_unit
    from engine.tasks.context_object import render_context as render_context
    from engine.tasks.keys import ApiKey as ApiKey
    from engine.tasks.pipeline_library import PipelineEntry as PipelineEntry
    from engine.tasks.pipeline_library import read_pipeline_file as read_pipeline_file
    from engine.tasks.request import MAX_MATERIAL_CHARACTERS as MAX_MATERIAL_CHARACTERS
    from engine.tasks.request import TaskRequest as TaskRequest
    from engine.tasks.roles import model_purposes as model_purposes
    from engine.tasks.service import Tasks as Tasks
    from engine.tasks.state import StepState as StepState
    from engine.tasks.state import TaskMetrics as TaskMetrics
    from engine.tasks.state import TaskState as TaskState
    from engine.tasks.workflow import Workflow as Workflow
    from engine.toolchains.base import App as App
    from engine.toolchains.base import AppConfiguration as AppConfiguration
    from engine.toolchains.idf_menuconfig import ConfigurationEdit as ConfigurationEdit
    from engine.validation import explain_error as explain_error

_NAMES = {
    "engine.access.audit_log": "REFUSED_STATUSES",
    "engine.access.principal": "Principal",
    "engine.access.service": "Access LOGIN_LIFETIME",
    "engine.access.tickets": "TICKET_SECONDS",
    "engine.artifacts.service": ("Artifacts DEFAULT_LINK_SECONDS LONGEST_LINK_SECONDS StoreState"),
    "engine.boards.board_files": "BoardFiles DEFAULT_BAUD",
    "engine.boards.board_info": "BoardInfo",
    "engine.boards.board_session": "BoardSession",
    "engine.boards.capabilities": "FlashOptions",
    "engine.boards.esptool": "ESPTOOL_AFTER ESPTOOL_BEFORE",
    "engine.boards.flasher": "Efuse FlashResult",
    "engine.boards.names": "check_names",
    "engine.boards.power": "switch_power",
    "engine.boards.service": "Boards",
    "engine.bounded_queue": "BoundedQueue",
    "engine.builds.board_consoles": "BoardConsoles",
    "engine.builds.board_program": "BoardProgram",
    "engine.builds.comparison": "BuildComparison TestChange",
    "engine.builds.log_changes": "LogChange",
    "engine.builds.pipeline": "FIRMWARE_PIPELINE",
    "engine.builds.quality_gate": "GateMeasurement",
    "engine.builds.service": "Builds StartedBuilds",
    "engine.builds.shared_console": "ConsoleEvent ConsoleWatch",
    "engine.builds.test_results": "reports_of",
    "engine.cancel": "CancelToken cancel_after",
    "engine.checks.options": "check_options",
    "engine.checks.registry": "FoundCheck",
    "engine.checks.schedule": "CheckPlan",
    "engine.checks.service": "CheckCell Checks ComingCheck",
    "engine.clock": "show_utc shown_time",
    "engine.console_input": "ConsoleInput EOLS Lines ResetStep Restart send_file_with_notes",
    "engine.daemon": "run_daemon",
    "engine.daemon_control": "ask_daemon is_older_daemon older_version running_daemon",
    "engine.daemon_doctor": "look_at_daemons",
    "engine.daemon_start": "start_daemon stop_daemon",
    "engine.doctor": "run_doctor",
    "engine.engine": "Engine",
    "engine.findings": "Finding",
    "engine.images.flash_layout": "FlashLayout read_flash_layout",
    "engine.images.partition_checks": "find_partition_problems",
    "engine.images.partition_csv": "read_partition_file",
    "engine.images.partitions": "PARTITION_TABLE_OFFSET Partition",
    "engine.llm.service": "ModelState Models",
    "engine.logs.log_file": "LOG_FILE",
    "engine.logs.reader": "LogRecord LogSelection follow_logs read_logs",
    "engine.maintenance": "CleanupReport",
    "engine.mcp.permissions": "McpAllow parse_mcp_allowed",
    "engine.mcp.stdio": "serve_mcp",
    "engine.metrics.health": "DaemonState check_fields daemon_state",
    "engine.metrics.project_metrics": "ProjectMetrics",
    "engine.metrics.series": "Metric Point Series",
    "engine.metrics.service": "Metrics",
    "engine.monitor.binary_log": "BinaryLog",
    "engine.monitor.crash_watcher": "CrashCounts CrashWatcher",
    "engine.monitor.line_splitter": "ColouredLine LineCutter",
    "engine.monitor.line_times": "LineTimes",
    "engine.monitor.log_lines": (
        "LineSelection compile_pattern decoded_addresses has_address hex_rows parse_log_line"
    ),
    "engine.monitor.panic": "CrashedProgram",
    "engine.monitor.plot": "MAX_PLOT_SERIES Plot",
    "engine.monitor.sessions": "SessionInfo",
    "engine.monitor.symbols": "Symbols load_symbols",
    "engine.notify.service": "ChannelInfo Notifications",
    "engine.overview.changes": "Changes changed_by",
    "engine.overview.order": "Attention PROJECT_ORDERS attention",
    "engine.overview.records": "BoardOverview ProjectOverview WorkItem",
    "engine.overview.service": "Overview",
    "engine.private_files": "restrict_umask",
    "engine.projects.commit_locator": "UNCOMMITTED",
    "engine.projects.editor": "ProjectEdits consequences",
    "engine.projects.git_objects": "CommitsBetween",
    "engine.projects.project_options": "check_targets",
    "engine.projects.project_sync": "NO_CHIP",
    "engine.projects.variants": "Variant chips_of",
    "engine.quality.gate": "GATE_REPORT",
    "engine.quality.result": "GateResult GateVerdict Measure",
    "engine.quality_requirements": "Aspect Demands",
    "engine.runs.changes": "ChangeSet ChangeSetState ChangeSets",
    "engine.runs.event_stream": "EventStream Subscription",
    "engine.runs.pipeline": "Pipeline",
    "engine.runs.service": "RunService who_asks",
    "engine.runs.told_findings": "ToldFinding count_findings listed_findings",
    "engine.runs.stream_events": "Notice StreamEvent StreamFilter sse_message",
    "engine.samples.demo": "DEMO_BOARD prepare_demo",
    "engine.server.client.asynchronous.client": "AsyncClient",
    "engine.server.client.console": "ConsoleSocket",
    "engine.server.client.errors": "ApiError",
    "engine.server.client.messages": "ConsoleMessage LabEvent Lagged LogText Resync",
    "engine.server.client.synchronous.client": "Client",
    "engine.server.models.builds": "FixAnswer",
    "engine.serving": "start_http_server",
    "engine.settings": "Settings config_file",
    "engine.settings.file_check": "Mistake check_settings_file strange_variables wrong_option",
    "engine.settings.file_editor": (
        "create_settings_file read_setting set_setting set_settings unknown_key unset_setting"
    ),
    "engine.settings.keys": "choices_of join_key split_key toml_text",
    "engine.settings.load": "find_workspace",
    "engine.settings.models": "SettingsFile",
    "engine.settings.report": "SettingRow list_settings list_variables",
    "engine.sizes.tables": "RegionRow SizeGroup SizeRow Sizes",
    "engine.stage_labels": "stage_key stage_label",
    "engine.store.backups": "Backup",
    "engine.store.busy_wait": "describe_process",
    "engine.store.check_stats": "CheckStats",
    "engine.store.checks": "NewestResult",
    "engine.store.database": "StoreError",
    "engine.store.logs": "LogExtent LogKey LogMatch MAX_LOG_MATCHES",
    "engine.store.projects": "ProjectStats",
    "engine.store.service": "back_up_databases check_databases known_backups restore_databases",
    "engine.store.tables": (
        "Artifact AuditRow CheckResultRow DeliveryRow FindingRow HookDelivery MuteRow "
        "NotificationRow Project Retry Run StageRow TokenRow"
    ),
    "engine.systemd.unit": "daemon_unit unit_folder write_unit",
    "engine.tasks.context_object": "render_context",
    "engine.tasks.keys": "ApiKey",
    "engine.tasks.pipeline_library": "PipelineEntry read_pipeline_file",
    "engine.tasks.request": "MAX_MATERIAL_CHARACTERS TaskRequest",
    "engine.tasks.roles": "model_purposes",
    "engine.tasks.service": "Tasks",
    "engine.tasks.state": "StepState TaskMetrics TaskState",
    "engine.tasks.workflow": "Workflow",
    "engine.toolchains.base": "App AppConfiguration",
    "engine.toolchains.idf_menuconfig": "ConfigurationEdit",
    "engine.validation": "explain_error",
}
"""The public names of each module; type checkers read them above."""

_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)

if not TYPE_CHECKING:  # else every name would be known to type checkers

    def __getattr__(name: str) -> object:
        module = _MODULE_OF.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
