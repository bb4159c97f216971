/* What a fatal signal's handler can tell without the interpreter: the signal, registers, the stack in C. */
#ifndef REDRACER_CRASH_SIGNALS_H
#define REDRACER_CRASH_SIGNALS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__has_include)
#if __has_include(<execinfo.h>)
#include <execinfo.h>
#define HAS_BACKTRACE 1
#endif
#endif

#define MOST_FRAMES 128
#define LINE_LENGTH 256

static void crash_print(int descriptor, const char *format, ...) {
    char line[LINE_LENGTH];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length > 0 && write(descriptor, line, length < LINE_LENGTH ? length : LINE_LENGTH - 1) < 0) return;
}

static void crash_registers(int descriptor, void *machine) {
#if defined(__linux__) && defined(__x86_64__)
    static const char *const names[] = {"R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15",
        "RDI", "RSI", "RBP", "RBX", "RDX", "RAX", "RCX", "RSP", "RIP", "EFL"};
    const greg_t *values = ((ucontext_t *)machine)->uc_mcontext.gregs;
    crash_print(descriptor, "\n------ REGISTERS ------\n");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        crash_print(descriptor, "%s:%016llx%s", names[i], (unsigned long long)values[i], i % 4 == 3 ? "\n" : " ");
    crash_print(descriptor, "\n");
#elif defined(__linux__) && defined(__aarch64__)
    mcontext_t *values = &((ucontext_t *)machine)->uc_mcontext;
    crash_print(descriptor, "\n------ REGISTERS ------\n");
    for (int i = 0; i < 31; i++)
        crash_print(descriptor, "X%d:%016llx%s", i, (unsigned long long)values->regs[i], i % 4 == 3 ? "\n" : " ");
    crash_print(descriptor, "SP:%016llx PC:%016llx\n", (unsigned long long)values->sp, (unsigned long long)values->pc);
#endif
}

static void crash_backtrace(int descriptor) {
#ifdef HAS_BACKTRACE
    void *frames[MOST_FRAMES];
    int count = backtrace(frames, MOST_FRAMES);
    crash_print(descriptor, "\n------ STACK TRACE ------\nBacktrace:\n");
    backtrace_symbols_fd(frames, count, descriptor);
#endif
}

/* The first call loads a library, which a broken process cannot do. */
static void crash_prepare(void) {
#ifdef HAS_BACKTRACE
    void *frames[1];
    backtrace(frames, 1);
#endif
}
#endif
