"""The verification of a running server: is it reachable, guarded, complete, and does it keep what it is told?

    from redracer.verify import Target, verify

    report = verify(Target("127.0.0.1:6379", password="..."))
    assert report.passed, report.as_text()

It works over a socket alone, so the server may be any that speaks the protocol. What it writes is under a prefix of
its own, expires by itself if the verification is interrupted, and is gone when the verification ends.
"""

from redracer.verify.connection import ServerError, Target, Unreachable
from redracer.verify.report import Category, Report, Result, Status
from redracer.verify.run import Phase, verify

__all__ = [
    "Category",
    "Phase",
    "Report",
    "Result",
    "ServerError",
    "Status",
    "Target",
    "Unreachable",
    "verify",
]
