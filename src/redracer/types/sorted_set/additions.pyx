"""The arguments of ZADD, ZINCRBY and GEOADD: all read before the set is touched, then put into it.

One pair, the usual case, takes no list. Configured limits are read only where a small set gains a member.
"""

cimport cython
from cpython.bytes cimport PyBytes_GET_SIZE

from redracer.types.sorted_set.value cimport (
    PUT_ADDED, PUT_CHANGED, PUT_COUNTS_CHANGES, PUT_GREATER, PUT_INCREMENT, PUT_KNOWN_ONLY, PUT_LESS, PUT_NEW_ONLY,
    PUT_UNMET, SortedSet, parse_score, put_option,
)

from redracer.core.errors import GT_LT_NX_CONFLICT, INCR_TAKES_ONE_PAIR, NX_XX_CONFLICT, SYNTAX, CommandError

cdef enum:
    PAIR = 2                        # arguments of a member
    MANY = 16                       # members at once, from which it is looked at whether the set will be large


@cython.final
@cython.freelist(4)
cdef class Additions:
    """additions.pyi has the contract."""

    def __cinit__(self, list args not None, Py_ssize_t first, int options):
        cdef Py_ssize_t at
        self.args = args
        self.first = first
        self.options = options
        self.parse_options()
        if self.options or len(args) != self.first + PAIR:
            self.check()
        self.first_score = parse_score(args[self.first])
        if len(args) > self.first + PAIR:
            self.more_scores = [parse_score(args[at]) for at in range(self.first + PAIR, len(args), PAIR)]

    cdef int parse_options(self) except -1:
        cdef int option
        while self.first < len(self.args):
            option = put_option(self.args[self.first])
            if option == 0:
                break
            self.options |= option
            self.first += 1
        return 0

    def check(self):
        """Refuses options that contradict one another, or that number of arguments."""
        cdef Py_ssize_t arguments = len(self.args) - self.first
        if arguments <= 0 or arguments % PAIR:
            raise CommandError(SYNTAX)
        if self.options & PUT_NEW_ONLY and self.options & PUT_KNOWN_ONLY:
            raise CommandError(NX_XX_CONFLICT)
        if self.options & PUT_GREATER and self.options & PUT_LESS:
            raise CommandError(GT_LT_NX_CONFLICT)
        if self.options & PUT_NEW_ONLY and self.options & (PUT_GREATER | PUT_LESS):
            raise CommandError(GT_LT_NX_CONFLICT)
        if self.options & PUT_INCREMENT and arguments > PAIR:
            raise CommandError(INCR_TAKES_ONE_PAIR)

    cpdef object put_into(self, SortedSet members, object engine):
        cdef Py_ssize_t at
        cdef Py_ssize_t more = len(self.more_scores) if self.more_scores is not None else 0
        cdef double score = self.first_score
        cdef bytes member
        if more > MANY and more >= engine.config["zset-max-listpack-entries"]:
            members.convert()       # cheaper than after many insertions
        for at in range(more + 1):
            if at:
                score = self.more_scores[at - 1]
            member = self.args[self.first + PAIR * at + 1]
            self.outcome = members.put(member, score, self.options)
            if self.outcome == PUT_ADDED:
                self.added += 1
                if members.large is None:
                    members.keep_within(PyBytes_GET_SIZE(member), engine.config.values)
            elif self.outcome == PUT_CHANGED:
                self.changed += 1

    cpdef object reply(self, SortedSet members):
        if self.options & PUT_INCREMENT:
            if self.outcome == PUT_UNMET:
                return None
            return members.score_of(self.args[self.first + 1])
        return self.added + self.changed if self.options & PUT_COUNTS_CHANGES else self.added
