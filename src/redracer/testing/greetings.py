"""What clients say of themselves when they connect, which is none of what a program asks."""

GREETINGS = {
    b"hello",
    b"auth",
    b"select",
    b"client setinfo",
    b"client setname",
    b"client maint_notifications",
}


def is_greeting(argv: list[bytes]) -> bool:
    """Whether a request is one of these."""
    return argv[0].lower() in GREETINGS or b" ".join(argv[:2]).lower() in GREETINGS
