/* What happens when the CPU traps: a register and stack dump in the format of ESP-IDF's panic
 * handler (components/esp_system, port/arch/riscv/panic_arch.c), so that its tools decode it. */
#include <stdint.h>

#include "console.h"

void panic(const uint32_t *frame) __attribute__((noreturn));

enum { MEPC = 0, SP = 2, MCAUSE = 34, MHARTID = 36, REGISTERS = 37 };

static const char *const register_names[REGISTERS] = {
    "MEPC    ", "RA      ", "SP      ", "GP      ", "TP      ", "T0      ", "T1      ", "T2      ",
    "S0/FP   ", "S1      ", "A0      ", "A1      ", "A2      ", "A3      ", "A4      ", "A5      ",
    "A6      ", "A7      ", "S2      ", "S3      ", "S4      ", "S5      ", "S6      ", "S7      ",
    "S8      ", "S9      ", "S10     ", "S11     ", "T3      ", "T4      ", "T5      ", "T6      ",
    "MSTATUS ", "MTVEC   ", "MCAUSE  ", "MTVAL   ", "MHARTID ",
};

/* RISC-V Privileged Architecture, table "Machine cause register (mcause) values after trap" */
static const char *const reasons[] = {
    "Instruction address misaligned", "Instruction access fault", "Illegal instruction",
    "Breakpoint", "Load address misaligned", "Load access fault", "Store address misaligned",
    "Store access fault", "Environment call from U-mode", "Environment call from S-mode",
    "Unknown reason", "Environment call from M-mode",
};

extern const uint8_t _stack_top[];

static void print_registers(const uint32_t *frame) {
    console_print("Core  %u register dump:", frame[MHARTID]);
    for (int i = 0; i < REGISTERS; i++) {
        console_print("%s%s: 0x%08x  ", i % 4 == 0 ? "\n" : "", register_names[i], frame[i]);
    }
    console_print("\n");
}

static void print_stack(const uint32_t *frame) {
    console_print("\nStack memory:\n");
    for (uint32_t at = frame[SP]; at < frame[SP] + 1024u; at += 32u) {
        if (at + 32u > (uintptr_t)_stack_top) {
            break; /* nothing of this program lies above its stack */
        }
        console_print("%08x:", at);
        for (uint32_t word = 0; word < 8u; word++) {
            console_print(" 0x%08x", ((const uint32_t *)(uintptr_t)at)[word]);
        }
        console_print("\n");
    }
}

void panic(const uint32_t *frame) {
    const uint32_t cause = frame[MCAUSE];
    const char *reason = cause < sizeof(reasons) / sizeof(reasons[0]) ? reasons[cause] : reasons[10];
    console_print("Guru Meditation Error: Core  %u panic'ed (%s). ", frame[MHARTID], reason);
    console_print("Exception was unhandled.\n\n");
    print_registers(frame);
    print_stack(frame);
    console_print("\nCPU halted.\n");
    console_flush();
    for (;;) {
        __asm__ volatile("wfi"); /* interrupts are off: nothing wakes it but a reset */
    }
}
