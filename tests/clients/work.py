"""What the queues' workers execute."""


def add(one, other):
    return one + other


def fail():
    raise ValueError("as it should")
