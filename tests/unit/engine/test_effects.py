"""What commands propagate leaves as one unit a request, or as one for all while it is held."""

from redracer.engine.effects import Effects, Feed


class Recorder(Feed):
    def __init__(self):
        self.units = []

    def feed(self, units):
        self.units.append(units)


def fed():
    effects, recorder = Effects(), Recorder()
    effects.add_feed(recorder)
    return effects, recorder


def test_a_request_is_one_unit():
    effects, recorder = fed()
    effects.propagate(0, [b"DEL", b"a"])
    effects.propagate(0, [b"SET", b"b", b"1"])
    effects.flush()
    effects.propagate(1, [b"DEL", b"b"])
    effects.flush()
    assert recorder.units == [[(0, [b"DEL", b"a"]), (0, [b"SET", b"b", b"1"])], [(1, [b"DEL", b"b"])]]


def test_what_is_held_leaves_with_the_outermost_release():
    effects, recorder = fed()
    effects.hold()
    effects.propagate(0, [b"SET", b"a", b"1"])
    effects.flush()
    effects.hold()
    effects.propagate(0, [b"SET", b"b", b"1"])
    effects.release()
    assert recorder.units == []
    effects.release()
    assert recorder.units == [[(0, [b"SET", b"a", b"1"]), (0, [b"SET", b"b", b"1"])]]


def test_nothing_is_fed_when_nothing_changed():
    effects, recorder = fed()
    effects.hold()
    effects.release()
    effects.flush()
    assert recorder.units == []
