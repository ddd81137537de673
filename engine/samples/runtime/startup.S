# Reset and trap entry of the ESP32-C3's RISC-V core (RV32IMC, machine mode only).
# Sources: RISC-V Privileged Architecture, "Machine-Level CSRs"; ESP32-C3 Technical Reference
# Manual (TRM), chapter "ESP-RISC-V CPU": mtvec is always vectored and 256-byte aligned.

    .section .entry, "ax"
    .global call_start
    .type call_start, @function
call_start:
    csrwi   mstatus, 0              # interrupts off
    la      sp, _stack_top
    la      t0, trap_vectors
    ori     t0, t0, 1               # vectored
    csrw    mtvec, t0
    la      t0, _bss_start
    la      t1, _bss_end
1:  bgeu    t0, t1, 2f
    sw      zero, 0(t0)
    addi    t0, t0, 4
    j       1b
2:  call    runtime_start
3:  j       3b
    .size call_start, . - call_start

# Entry 0 takes every exception, entries 1 to 31 take interrupts; no sample enables one, so
# whatever arrives here is a panic.
    .balign 256
    .type trap_vectors, @function
trap_vectors:
    .option push
    .option norvc
    .rept 32
    j       trap_entry
    .endr
    .option pop
    .size trap_vectors, . - trap_vectors

# Saves the registers in the order of `struct trap_frame` (panic.c) and never returns.
    .type trap_entry, @function
trap_entry:
    addi    sp, sp, -160            # 37 words, rounded up: the stack stays 16-byte aligned
    sw      ra, 1*4(sp)
    sw      gp, 3*4(sp)
    sw      tp, 4*4(sp)
    sw      t0, 5*4(sp)
    sw      t1, 6*4(sp)
    sw      t2, 7*4(sp)
    sw      s0, 8*4(sp)
    sw      s1, 9*4(sp)
    sw      a0, 10*4(sp)
    sw      a1, 11*4(sp)
    sw      a2, 12*4(sp)
    sw      a3, 13*4(sp)
    sw      a4, 14*4(sp)
    sw      a5, 15*4(sp)
    sw      a6, 16*4(sp)
    sw      a7, 17*4(sp)
    sw      s2, 18*4(sp)
    sw      s3, 19*4(sp)
    sw      s4, 20*4(sp)
    sw      s5, 21*4(sp)
    sw      s6, 22*4(sp)
    sw      s7, 23*4(sp)
    sw      s8, 24*4(sp)
    sw      s9, 25*4(sp)
    sw      s10, 26*4(sp)
    sw      s11, 27*4(sp)
    sw      t3, 28*4(sp)
    sw      t4, 29*4(sp)
    sw      t5, 30*4(sp)
    sw      t6, 31*4(sp)
    csrr    t0, mepc
    sw      t0, 0*4(sp)
    addi    t0, sp, 160
    sw      t0, 2*4(sp)
    csrr    t0, mstatus
    sw      t0, 32*4(sp)
    csrr    t0, mtvec
    sw      t0, 33*4(sp)
    csrr    t0, mcause
    sw      t0, 34*4(sp)
    csrr    t0, mtval
    sw      t0, 35*4(sp)
    csrr    t0, mhartid
    sw      t0, 36*4(sp)
    mv      a0, sp
    call    panic
    .size trap_entry, . - trap_entry
