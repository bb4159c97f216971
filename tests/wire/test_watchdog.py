"""`watchdog-period`: the log shows where the server was when it did not come back in time."""

from tests.wire.conftest import ATTEMPTS

EXPIRED = "--- WATCHDOG TIMER EXPIRED ---"


def test_a_stack_is_logged_while_a_command_takes_longer(start_server):
    server = start_server("--enable-debug-command", "yes", "--hz", "100", "--watchdog-period", "1000")
    client = server.connect()
    assert client.request("DEBUG", "SLEEP", "0") == b"+OK\r\n"
    assert client.request("CONFIG", "SET", "watchdog-period", "50") == b"+OK\r\n"
    for _ in range(ATTEMPTS):  # until the timer, which a busy machine may hold up, has run down in a command
        assert client.request("DEBUG", "SLEEP", "0.3") == b"+OK\r\n"
        if "in stand_still" in server.log.read_text():
            break
    log = server.log.read_text()
    assert "in stand_still" in log  # of Python
    assert log.index("in stand_still") < log.rindex(EXPIRED)
    assert "dispatch" in log[log.rindex(EXPIRED) :]  # of the compiled modules


def test_it_can_be_switched_off_while_the_server_runs(start_server):
    server = start_server("--enable-debug-command", "yes", "--hz", "100", "--watchdog-period", "50")
    client = server.connect()
    assert client.request("CONFIG", "SET", "watchdog-period", "0") == b"+OK\r\n"
    before = server.log.read_text().count(EXPIRED)
    assert client.request("DEBUG", "SLEEP", "0.3") == b"+OK\r\n"
    assert server.log.read_text().count(EXPIRED) == before
