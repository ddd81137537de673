"""Why firmware gives up: the lines that say so, what each is called, and what to do.

Taken from ESP-IDF's source: ``esp_system`` (``panic.c``, ``port/arch/*/panic_arch.c``,
``port/soc/*/cache_err_int.c``, ``esp_err.c``, ``stack_check.c``, ``ubsan.c``, ``kasan.c``,
``task_wdt/task_wdt.c``), ``esp_libc`` (``assert.c``, ``abort.c``), ``freertos`` (``port.c``),
``heap`` (``multi_heap_poisoning.c``, ``heap_caps.c``); from newlib, libstdc++ and Rust's standard
library. A new cause is a row more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """A line that a panic begins with.

    Args:
        code: of the finding, behind ``panic.``; empty where the reason itself names it.
        sign: what the line has in it, looked for first: most lines of a console have none.
        pattern: finds the line. Its named groups ``file``, ``line``, ``function``, ``expression``
            and ``task`` are kept.
        message: of the finding; ``{name}`` is a group, ``{all}`` the whole match, ``{error}`` an
            error code with its name. Empty as printed.
        hint: what a person might do.
        gives_up: whether the firmware ends with this for sure.
        machinery: functions that only notice what another has done; None for the usual ones.
    """

    code: str
    sign: str
    pattern: re.Pattern[str]
    message: str = ""
    hint: str = ""
    gives_up: bool = True
    machinery: re.Pattern[str] | None = None


_HEAP = re.compile(
    r"\b(?:multi_heap_|tlsf_|heap_caps_|block_|verify_|poison|subtract_poison|remove_free_block|"
    r"insert_free_block|heap_trace|__wrap_heap|assert_valid_block|"
    r"(?:__wrap_|__real_|_)?(?:free|malloc|calloc|realloc|memalign|cfree)(?:_r|_base|_default)?$|"
    r"operator (?:new|delete))"
)
_HEAP_HINT = (
    "something wrote past its block, used it after free() or freed it twice, maybe earlier and "
    "elsewhere: build with CONFIG_HEAP_POISONING_COMPREHENSIVE"
)
_ASSERT_HINT = "the program gave up by itself: see what it says"
_CONTROLLER_HINT = (
    "the Bluetooth controller gave up: see what the log says before, such as no memory"
)
_STACK_HINT = "give the task a larger stack, or keep large data off it"

GURU = Cause(
    "",
    "Guru Meditation Error",
    re.compile(
        r"Guru Meditation Error: Core\s{0,3}(?P<core>\S{1,3}) panic'ed \((?P<reason>[^)]{1,120})\)"
        # ESP-IDF before 3.0
        r"|Guru Meditation Error of type (?P<type>\w{1,60}) occurred on core\s{1,3}(?P<on>\d)"
    ),
)
ABORT = Cause(
    "abort",
    "abort() was called",
    re.compile(
        r"abort\(\) was called at PC (?P<at>0x[0-9a-fA-F]{8})(?: on core (?P<core>\d{1,2}))?"
    ),
    "abort()",
    _ASSERT_HINT,
)
TASK_WATCHDOG = Cause(
    "task-watchdog",
    "Task watchdog got triggered",
    re.compile(r"Task watchdog got triggered\."),
    "task watchdog",
    "a task kept the CPU, so that what is named could not run: let it block or call vTaskDelay()",
    gives_up=False,
)
NOT_ABORTED = Cause(
    "error-check-without-abort",
    "ESP_ERROR_CHECK_WITHOUT_ABORT failed",
    re.compile(
        r"ESP_ERROR_CHECK_WITHOUT_ABORT failed: esp_err_t (?P<value>0x[0-9a-fA-F]{1,8})"
        r"(?: \((?P<name>\w{1,80})\))?(?: at (?P<at>0x[0-9a-fA-F]{8}))?"
    ),
    "ESP_ERROR_CHECK_WITHOUT_ABORT failed: {error}",
    "see why the call gave this error; the program went on",
    gives_up=False,
)
UNKNOWN = Cause("unknown", "register dump:", re.compile(r"Core {1,3}\d register dump:"))
"""A dump of registers with no line before it that names a cause."""

HOST_ABORTED = "ERROR: Aborted"
"""What ESP-IDF's ``linux`` target says when a program gives up."""

CAUSES = (
    GURU,
    ABORT,
    TASK_WATCHDOG,
    NOT_ABORTED,
    Cause(
        "error-check",
        "ESP_ERROR_CHECK failed",
        re.compile(
            r"ESP_ERROR_CHECK failed: esp_err_t (?P<value>0x[0-9a-fA-F]{1,8})"
            r"(?: \((?P<name>\w{1,80})\))?(?: at (?P<at>0x[0-9a-fA-F]{8}))?"
        ),
        "ESP_ERROR_CHECK failed: {error}",
        "see why the call gave this error, and handle it where it may happen",
    ),
    Cause(
        "heap-corruption",
        "assert failed: ",
        re.compile(
            r"assert failed: (?P<function>\w{1,80} )?"
            r"(?P<file>\S{0,200}(?:multi_heap|tlsf|heap_caps)\w{0,40}\.[ch]):(?P<line>\d{1,6})"
            r" \((?P<expression>.{0,300})"
        ),
        hint=_HEAP_HINT,
        machinery=_HEAP,
    ),
    Cause(
        "heap-corruption",
        "CORRUPT HEAP: ",
        re.compile(r"CORRUPT HEAP: .{1,200}"),
        "heap corruption: {all}",
        _HEAP_HINT,
        gives_up=False,  # where it is only checked
        machinery=_HEAP,
    ),
    Cause(
        "assert",
        "assert failed: ",
        re.compile(
            r"assert failed: (?:(?P<function>.{1,300}?) )?(?P<file>[^\s()]{1,300}):"
            r"(?P<line>\d{1,6}) \((?P<expression>.{0,300})"
        ),
        hint=_ASSERT_HINT,
    ),
    Cause(  # ESP-IDF's linux target
        "assert",
        "assert failed at ",
        re.compile(
            r"assert failed at (?P<file>[^\s:]{1,300}):(?P<line>\d{1,6}) "
            r"\((?P<function>[^)]{1,300})\): (?P<expression>.{1,300})"
        ),
        hint=_ASSERT_HINT,
    ),
    Cause(  # the bootloader; before ESP-IDF 4.4, ESP-IDF's own libraries too
        "assert",
        "Assert failed in ",
        re.compile(
            r"Assert failed in (?P<function>.{1,200}?), "
            r"(?P<file>(?:[A-Za-z]:(?=[\\/]))?[^:]{1,300}+):(?P<line>\d{1,6}) "
            r"\((?P<expression>.{1,300})\)"
        ),
        hint=_ASSERT_HINT,
    ),
    Cause(  # without texts, or cut by the buffer of __assert_func()
        "assert",
        "assert failed: ",
        re.compile(r"assert failed: 0x[0-9a-f]{1,8}$|^assert failed: [^\W\d].{0,300}"),
        hint=_ASSERT_HINT,
    ),
    Cause(  # newlib
        "assert",
        'ssertion "',
        re.compile(
            r'[Aa]ssertion "(?P<expression>.{0,300})" failed: file "(?P<file>[^"]{1,300})", '
            r"line (?P<line>\d{1,6})(?:, function: (?P<function>.{1,200}))?"
        ),
        hint=_ASSERT_HINT,
    ),
    Cause(  # lwIP
        "assert",
        'ssertion "',
        re.compile(
            r'[Aa]ssertion "(?P<expression>.{0,300})" failed at line (?P<line>\d{1,6}) '
            r"in (?P<file>\S{1,300})"
        ),
        hint=_ASSERT_HINT,
    ),
    Cause(  # FreeRTOS before ESP-IDF 4.4
        "assert",
        ")- assert failed!",
        re.compile(
            r"(?P<file>[^\s:()]{1,300}):(?P<line>\d{1,6}) \((?P<function>\w{1,100})\)- "
            r"assert failed!"
        ),
        hint=_ASSERT_HINT,
    ),
    Cause(  # the controller of Bluetooth
        "assert",
        "assert ",
        re.compile(r"\bassert (?P<file>\w{1,60}\.c) (?P<line>\d{1,6}), param [0-9a-f]{8}"),
        hint=_CONTROLLER_HINT,
    ),
    Cause(  # the same on the ESP32
        "assert",
        "ASSERT_",
        re.compile(
            r"\bASSERT_(?:ERR|PARAM)\((?P<expression>.{0,200})\), "
            r"in (?P<file>\S{1,100}) at line (?P<line>\d{1,6})"
        ),
        hint=_CONTROLLER_HINT,
    ),
    Cause(  # ESP-IDF's libraries of Zigbee (zb_assert()), before it calls abort()
        "assert",
        "Zigbee stack assertion failed ",
        re.compile(r"Zigbee stack assertion failed (?P<file>[^\s:]{1,300}):(?P<line>\d{1,6})"),
        hint="the Zigbee stack gave up: call it from its own task, or between "
        "esp_zb_lock_acquire() and esp_zb_lock_release()",
    ),
    Cause(  # Matter, before it calls abort(): CodeUtils.h, LockTracker.cpp
        "assert",
        "VerifyOrDie failure at ",
        re.compile(
            r"VerifyOrDie failure at (?P<file>[^\s:]{0,300}):(?P<line>\d{1,6})"
            r"(?:: (?P<expression>.{1,300}))?"
        ),
        hint=_ASSERT_HINT,
    ),
    Cause(
        "assert",
        "Chip stack locking error at ",
        re.compile(r"Chip stack locking error at '(?P<file>[^':]{0,300}):(?P<line>\d{1,6})'"),
        hint="call Matter's functions from its own task, or hold its lock (LockChipStack())",
    ),
    Cause(
        "stack-overflow",
        "A stack overflow in task",
        re.compile(
            r"\*{3}ERROR\*{3} A stack overflow in task (?P<task>.{1,60}?) has been detected"
        ),
        "stack overflow in task {task}",
        _STACK_HINT,
    ),
    Cause(
        "stack-smashing",
        "Stack smashing protect failure!",
        re.compile(r"Stack smashing protect failure!"),
        "stack smashing: a function wrote past its local data",
        "look for an array on the stack of the named function that is written past its end",
    ),
    Cause(
        "uncaught-exception",
        "terminate called",
        re.compile(
            r"terminate called (?:after throwing an instance of '(?P<exception>.{1,200}?)'"
            r"|without an active exception|recursively)"
        ),
        hint="catch the exception where it may be thrown, at the latest in the task's function",
    ),
    Cause(
        "pure-virtual",
        "pure virtual method called",
        re.compile(r"pure virtual method called"),
        hint="a method was called while its object was made or destroyed",
    ),
    Cause(
        "undefined-behavior",
        "Undefined behavior of type",
        re.compile(r"Undefined behavior of type (?P<type>\w{1,60})"),
        hint="the sanitizer found what the language does not define: look at the named line",
    ),
    Cause(
        "memory",
        "Mem alloc fail.",
        re.compile(r"Mem alloc fail\. size (?P<size>0x[0-9a-f]{8}) caps (?P<caps>0x[0-9a-f]{8})"),
        "out of memory: {size} bytes with capabilities {caps} were asked for",
        "look at what fills the heap (heap_caps_print_heap_info()); handle a failed allocation",
    ),
    Cause(
        "kasan",
        "KASAN",
        re.compile(
            r"KASAN error: (?P<access>\w{1,10}) of size (?P<size>\d{1,10}) at (?P<at>0x[0-9a-f]{8})"
            r"|KASAN: invalid memory access"
        ),
        hint="the access at the named place is outside of its block, or after free()",
    ),
    Cause(
        "task-returned",
        "should not return",
        re.compile(r'FreeRTOS Task "?(?P<task>[^"]{1,60}?)"? should not return'),
        "the function of task {task} returned",
        "end a task's function with vTaskDelete(NULL)",
    ),
    Cause(  # Rust's std, and esp-backtrace
        "rust",
        "panic",
        re.compile(
            r"panicked at (?:'(?P<text>.{0,300}?)', )?"
            # The standard library's own macros have a place in angle brackets.
            r"(?P<file>(?:[A-Za-z]:(?=[\\/]))?[^:']{1,300}(?:\.rs|>)):(?P<line>\d{1,6})"
            r"(?::\d{1,5})?"
            r"|!! A panic occured in '(?P<in>[^']{1,300})', at line (?P<at_line>\d{1,6})"
        ),
        "Rust panic",
        "the program gave up by itself: see what it says",
    ),
    Cause(
        "panic-in-panic",
        "Panic handler entered",
        re.compile(r"Panic handler entered multiple times"),
        hint="the panic handler failed too: the stack or the heap it works with is destroyed",
    ),
    Cause(
        "panic-in-core-dump",
        "Re-entered core dump!",
        re.compile(r"Re-entered core dump! Exception happened during core dump!"),
        hint="the core dump failed too: what was printed before it is what matters",
    ),
    Cause(  # Zephyr, kernel/fatal.c
        "zephyr",
        "ZEPHYR FATAL ERROR ",
        re.compile(r"ZEPHYR FATAL ERROR \d{1,3}: .{1,120}"),
        hint="see what Zephyr says before: exception, address, thread",
    ),
    Cause(  # ESP-IDF's linux target
        "",
        "ERROR: ",
        re.compile(r"^ERROR: (?P<reason>Segmentation Fault|Aborted)(?=$|, here's)"),
    ),
    UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class Reason:
    """What a reason of a Guru Meditation means, and what to do; ``code`` is empty for its words."""

    pattern: re.Pattern[str]
    hint: str
    code: str = ""


REASONS = (
    Reason(
        re.compile(r"stack canary watchpoint", re.I),
        _STACK_HINT,
        "stack-canary",
    ),
    Reason(
        re.compile(r"stack protection fault", re.I),
        _STACK_HINT,
    ),
    Reason(
        re.compile(r"interrupt wdt|interrupt watchdog", re.I),
        "interrupts were off, or a handler ran, for too long: shorten what is done there",
        "interrupt-watchdog",
    ),
    Reason(
        re.compile(r"cache", re.I),
        "code or data in flash was used while the flash cache was off: put it into RAM (IRAM_ATTR, "
        "DRAM_ATTR), or do not use it from there",
        "cache-error",
    ),
    Reason(
        re.compile(r"memory protection", re.I),
        "code was written to, or data was run: look at the pointer that is used there",
    ),
    Reason(
        re.compile(r"access ?fault|Prohibited|page ?fault|segmentation fault|LoadStoreError", re.I),
        "a pointer is not valid there: look for one that is null, freed or never set",
    ),
    Reason(
        re.compile(r"misaligned|Alignment", re.I),
        "an address is not a multiple of the size of what is read or written there",
    ),
    Reason(
        re.compile(r"illegal ?instruction", re.I),
        "the CPU ran into something that is not code: a bad function pointer, a function without "
        "return, or a smashed stack",
    ),
    Reason(
        re.compile(r"InstrFetch|InstrPDAddr|PCValue|InstTLB", re.I),
        "the CPU jumped to where no code is: a bad function pointer, or a smashed stack",
    ),
    Reason(
        re.compile(r"double exception|kernel exception", re.I),
        "an exception came while another was handled: most often a smashed or overflowed stack",
    ),
    Reason(
        re.compile(r"coprocessor|Cp\dDis", re.I),
        "floating point or another coprocessor was used in an interrupt handler, or too early",
    ),
    Reason(
        re.compile(r"watchpoint \d|breakpoint|debug exception|BREAKN? instr", re.I),
        "a watchpoint or breakpoint was hit, and no debugger was there",
    ),
    Reason(
        re.compile(r"divide", re.I),
        "check the divisor before dividing",
    ),
    Reason(
        re.compile(r"environment call|syscall", re.I),
        "an instruction for operating systems was run: most often by a bad function pointer",
    ),
    Reason(
        re.compile(r"abort", re.I),
        _ASSERT_HINT,
    ),
)

EXPRESSIONS = (
    Reason(
        re.compile(r"lock TCPIP core", re.I),
        "call lwIP's functions from its own task (tcpip_callback()), or between LOCK_TCPIP_CORE() "
        "and UNLOCK_TCPIP_CORE()",
    ),
    Reason(
        re.compile(r"flash_ret == ESP_OK"),
        "the flash chip could not be used: it is smaller than CONFIG_ESPTOOLPY_FLASHSIZE says, or "
        "of another kind",
    ),
    Reason(
        re.compile(r"task_stack_is_sane_when_cache"),
        "a task whose stack is in PSRAM must not use the flash: give it a stack in internal RAM",
    ),
    Reason(
        re.compile(r"\bpxQueue\b|xQueueSemaphoreTake|xQueueGenericSend"),
        "the queue, semaphore or mutex was not made, or is deleted already",
    ),
)
"""What an assertion's expression means."""

RUNTIME = re.compile(
    r"(?:panic_abort|esp_system_abort|abort|__assert_func|__assert|vPanicAbort|panicHandler"
    r"|_esp_error_check_failed(?:_without_abort)?|__stack_chk_fail|vApplicationStackOverflowHook"
    r"|__ubsan_\w{1,60}|__asan_\w{1,60}|kasan_\w{1,60}|heap_caps_alloc_failed"
    r"|std::terminate|__cxxabiv1::__terminate|__gnu_cxx::__verbose_terminate_handler"
    r"|__cxa_(?:throw|rethrow|pure_virtual|bad_cast)|std::__throw_\w{1,60}"
    r"|task_wdt_\w{1,60}|esp_crosscore_\w{1,60}|esp_backtrace_print\w{0,30}"
    r"|xt_unhandled_exception|_xt_(?:low|med|high)int\d|_interrupt_handler"
    r"|rust_begin_unwind|rust_panic|core::panicking::.{1,200}|std::panicking::.{1,200}"
    r"|core::(?:option|result)::\w{0,20}(?:unwrap|expect)_failed)"
)
"""Where ESP-IDF or a language itself stands when a program gives up: who called it is wanted."""

_PAGE = 0x1000
_FILLS = (
    (0xA5A5A5A5, "FreeRTOS fills unused stack with: a local variable was never set"),
    (0xCECECECE, "the heap fills new memory with: it was used before it was set"),
    (0xFEFEFEFE, "the heap fills freed memory with: it was used after free()"),
    (0xABBA1234, "the heap marks the begin of a block with"),
    (0xBAAD5678, "the heap marks the end of a block with"),
)
# ESP32, S2; S3, C2, C3: instruction RAM that the data bus reads in whole words, and flash.
_IRAM = ((0x40020000, 0x40070000), (0x40080000, 0x400AA000), (0x40370000, 0x403E0000))
_FLASH = ((0x3C000000, 0x3E000000), (0x3F400000, 0x3F800000), (0x42000000, 0x44000000))


def explain(address: int, reason: str) -> str | None:
    """What an address tells that an access failed at.

    Args:
        address: that was read, written or run.
        reason: of the panic, in ESP-IDF's words.
    """
    if address < _PAGE:
        return f"a null pointer + {address}" if address else "a null pointer"
    if address > 0xFFFFFFFF - _PAGE:
        return f"a null pointer - {0x100000000 - address}"
    for fill, meaning in _FILLS:
        if abs(address - fill) <= _PAGE:
            return f"what {meaning}"
    if re.search(r"LoadStoreError|Alignment|misaligned", reason) and _within(address, _IRAM):
        return "in instruction RAM, which is read and written only as whole words"
    if re.search(r"Store", reason) and _within(address, _FLASH):
        return "in flash, which cannot be written: a constant or string literal"
    return None


def _within(address: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= address < high for low, high in ranges)
