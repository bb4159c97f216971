"""The report of a fatal signal, where the log goes: the signal, registers, the stack in C, and what Python knows.

What the interpreter is needed for (its own stack, INFO, the current command) comes last, since a broken process may
break again there; then, and when it hangs, the process ends by the signal with the report as far as it got.
"""

from libc.signal cimport SIGABRT, SIGFPE, SIGILL, SIGSEGV, raise_
from posix.signal cimport SA_NODEFER, SA_RESTART, SA_SIGINFO, sigaction, sigaction_t, siginfo_t
from posix.unistd cimport alarm

from redracer.engine.version import REDIS_VERSION

cdef extern from "../engine/crash_signals.h" nogil:
    void crash_print(int descriptor, const char *format, ...)
    void crash_registers(int descriptor, void *machine)
    void crash_backtrace(int descriptor)
    void crash_prepare()
    const char *strsignal(int number)
    int SIGALRM, SIGBUS

cdef extern from * nogil:
    """
    static struct sigaction crash_default(void) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = SIG_DFL;
        return action;
    }
    static void *siginfo_address(siginfo_t *info) { return info->si_addr; }
    static int signal_was_sent(siginfo_t *info) { return info->si_code == SI_USER || info->si_code == SI_TKILL; }
    """
    sigaction_t crash_default()
    void *siginfo_address(siginfo_t *info)
    int signal_was_sent(siginfo_t *info)

cdef enum:
    PATIENCE = 5   # s that the part in Python may take

cdef int[5] FATAL = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT]
cdef sigaction_t[5] before      # what was there when we came
cdef bint installed = False
cdef int out = -1
cdef int watched = -1         # where the watchdog's reports go
cdef int fatal_signal = 0
cdef bytes version = REDIS_VERSION.encode()
cdef const char *version_text = version
cdef object render = None


def install(int descriptor, renderer):
    """From now on a fatal signal leaves a report at `descriptor`; `renderer()` gives its last part as bytes."""
    global installed, out, render
    cdef sigaction_t action = crash_default()
    cdef int i
    out = descriptor
    render = renderer
    if installed:
        return
    crash_prepare()
    action.sa_sigaction = _on_fatal_signal
    action.sa_flags = SA_SIGINFO | SA_NODEFER
    for i in range(5):
        sigaction(FATAL[i], &action, &before[i])
    installed = True


def remove():
    """Puts back what handled fatal signals before."""
    global installed
    cdef int i
    if installed:
        for i in range(5):
            sigaction(FATAL[i], &before[i], NULL)
        installed = False


def install_watchdog(int descriptor):
    """From now on SIGALRM writes the stack in C to `descriptor`, and does nothing else."""
    global watched
    cdef sigaction_t action = crash_default()
    watched = descriptor
    crash_prepare()
    action.sa_sigaction = _on_watchdog
    action.sa_flags = SA_SIGINFO | SA_RESTART
    sigaction(SIGALRM, &action, NULL)


cdef void _on_watchdog(int number, siginfo_t *info, void *machine) noexcept nogil:
    crash_print(watched, "\n--- WATCHDOG TIMER EXPIRED ---\n")
    crash_backtrace(watched)
    crash_print(watched, "--------\n")


cdef void _on_fatal_signal(int number, siginfo_t *info, void *machine) noexcept nogil:
    global fatal_signal
    cdef sigaction_t plain = crash_default()
    cdef int i
    fatal_signal = number
    for i in range(5):      # if this breaks too, whoever was there before has a turn
        sigaction(FATAL[i], &before[i], NULL)
    crash_print(out, "\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n")
    crash_print(out, "Redis %s crashed by signal: %d (%s), si_code: %d\n", version_text, number, strsignal(number),
                info.si_code)
    if signal_was_sent(info):
        crash_print(out, "Killed by PID: %ld, UID: %d\n", <long>info.si_pid, <int>info.si_uid)
    else:
        crash_print(out, "Accessing address: %p\n", siginfo_address(info))
    crash_backtrace(out)
    crash_registers(out, machine)
    _end_if_it_hangs()
    if _tell_what_python_knows():
        sigaction(number, &plain, NULL)
    crash_print(out, "\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n")
    raise_(number)


cdef void _end_if_it_hangs() noexcept nogil:
    cdef sigaction_t action = crash_default()
    action.sa_sigaction = _on_alarm
    action.sa_flags = SA_SIGINFO | SA_NODEFER
    sigaction(SIGALRM, &action, NULL)
    alarm(PATIENCE)


cdef void _on_alarm(int number, siginfo_t *info, void *machine) noexcept nogil:
    cdef sigaction_t plain = crash_default()
    sigaction(fatal_signal, &plain, NULL)
    raise_(fatal_signal)


cdef bint _tell_what_python_knows() noexcept with gil:
    cdef bytes text
    try:
        text = render(out)
    except Exception:
        return False
    crash_print(out, "\n")
    import os
    os.write(out, text)
    return True
