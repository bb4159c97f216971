"""RDB files: what is written is read again, here and by a real server; damaged and foreign files are refused."""

import os

import pytest

from redracer.core.checksums import crc64
from redracer.persistence import rdb_load, rdb_save
from redracer.persistence.rdb_file_reader import module_type_name
from redracer.persistence.rdb_file_writer import FREQUENCIES, IDLE_TIMES
from tests.unit.commands.served import Served
from tests.unit.types.test_rdb_values import VALUES

FORM = rdb_save.Form(version=12, compression=True, checksum=True, sync_every=0)
OLD = FORM._replace(version=10)
LATER = b"4000000000000"  # Unix time in ms, of 2096


def server():
    return Served(enable_debug_command="yes")


def filled(count=300):
    """A server with every encoding, under names of many kinds, in two databases, some with an expiry."""
    served = server()
    for database in (0, 9):
        served.run([b"SELECT", b"%d" % database])
        for name, commands in VALUES.items():
            for argv in commands:
                served.run([part if part != b"k" else name.encode() for part in argv])
        for number in range(count):
            served.run([b"SET", b"key:\x00\xff%d" % number, b"x" * number])
        served.run([b"SET", b"k" * 70000, b"a key that is an object of its own"])
        served.run([b"PEXPIREAT", b"stream", LATER])
        served.run([b"PEXPIREAT", b"integer", LATER])
    served.run([b"SELECT", b"0"])
    return served


def digest(served):
    text = served.run([b"DEBUG", b"DIGEST"])
    assert text.startswith(b"+"), text
    return text


def saved(served, path, form=FORM):
    rdb_save.write_file(str(path), rdb_save.snapshot(served.engine), form)
    return path


def load(path, served=None, **options):
    """Loads a file into a server; returns it, and what was in the file."""
    served = served or server()
    target = rdb_load.target_of(served.engine, **options)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        loaded = rdb_load.finish(rdb_load.load(rdb_load.open_stream(target, descriptor), target))
    finally:
        os.close(descriptor)
    return served, loaded


@pytest.mark.parametrize("compression", [True, False])
@pytest.mark.parametrize("version", [10, 11, 12])
def test_a_file_holds_everything(tmp_path, version, compression):
    served = filled()
    form = FORM._replace(version=version, compression=compression)
    again, loaded = load(saved(served, tmp_path / "dump.rdb", form))
    assert digest(again) == digest(served)
    assert loaded.keys == sum(database.size for database in served.engine.databases)
    assert loaded.version == version
    assert loaded.size == (tmp_path / "dump.rdb").stat().st_size
    assert loaded.fields[b"redis-bits"] == b"64"
    assert again.run([b"PEXPIRETIME", b"stream"]) == b":%s\r\n" % LATER
    assert os.listdir(tmp_path) == ["dump.rdb"]


def test_an_empty_server_has_a_file(tmp_path):
    again, loaded = load(saved(Served(), tmp_path / "dump.rdb"))
    assert (loaded.keys, loaded.expired, loaded.empty) == (0, 0, 0)
    assert again.run([b"DBSIZE"]) == b":0\r\n"


def test_a_file_is_read_in_pieces_of_any_size(tmp_path):
    served = filled(40)
    content = saved(served, tmp_path / "dump.rdb").read_bytes() + b"what follows it"
    for size in (1, 7, 4096):
        again = server()
        target = rdb_load.target_of(again.engine)
        place = 0

        def pull(most, size=size):
            nonlocal place
            piece = content[place : place + min(size, most)]
            place += len(piece)
            return piece

        loaded = rdb_load.finish(rdb_load.load(rdb_load.open_stream(target, -1, pull), target))
        assert digest(again) == digest(served)
        assert content[loaded.size :] == b"what follows it"


def test_loading_gives_others_a_chance(tmp_path):
    served = filled()
    path = saved(served, tmp_path / "dump.rdb")
    again = server()
    target = rdb_load.target_of(again.engine)._replace(slice_bytes=10_000)
    with path.open("rb") as file:
        places = list(rdb_load.load(rdb_load.open_stream(target, file.fileno()), target))
    assert len(places) > 5
    assert places == sorted(places)
    assert digest(again) == digest(served)


@pytest.mark.parametrize("version", [10, 11, 12])
def test_any_flipped_byte_is_found(tmp_path, version):
    served = Served()
    served.run([b"RPUSH", b"a", b"b", b"c"])
    content = bytearray(saved(served, tmp_path / "dump.rdb", FORM._replace(version=version)).read_bytes())
    for at in range(len(content)):
        content[at] ^= 0x10
        path = tmp_path / "damaged.rdb"
        path.write_bytes(content)
        with pytest.raises(rdb_load.RdbError):
            load(path)
        content[at] ^= 0x10


def test_a_file_that_ends_early_is_refused(tmp_path):
    served = filled(3)
    content = saved(served, tmp_path / "dump.rdb").read_bytes()
    for length in (0, 5, 9, 30, len(content) // 2, len(content) - 1):
        path = tmp_path / "short.rdb"
        path.write_bytes(content[:length])
        with pytest.raises(rdb_load.RdbError):
            load(path)


def test_a_length_that_no_file_has_costs_no_memory(tmp_path):
    path = tmp_path / "long.rdb"
    path.write_bytes(b"REDIS0012\x00\x01k\x81\x00\x00\x0f\xff\xff\xff\xff\xff" + b"x" * 100_000)
    with pytest.raises(rdb_load.RdbError, match=r"key 'k', type 0: .*are announced"):
        load(path)


def test_expired_keys_are_passed_over_but_on_a_replica(tmp_path):
    served = Served()
    served.run([b"SET", b"k", b"v", b"PXAT", LATER])
    served.run([b"SET", b"stays", b"v"])
    path = saved(served, tmp_path / "dump.rdb")
    late = rdb_load.target_of(Served().engine)._replace(now=int(LATER) + 1)
    with path.open("rb") as file:
        loaded = rdb_load.finish(rdb_load.load(rdb_load.open_stream(late, file.fileno()), late))
    assert (loaded.keys, loaded.expired) == (1, 1)
    late = rdb_load.target_of(Served().engine, keep_expired=True)._replace(now=int(LATER) + 1)
    with path.open("rb") as file:
        loaded = rdb_load.finish(rdb_load.load(rdb_load.open_stream(late, file.fileno()), late))
    assert (loaded.keys, loaded.expired) == (2, 0)


def test_fields_keep_their_expiry_and_are_watched(tmp_path):
    served = server()
    for name, fields in ((b"small", 3), (b"large", 700)):
        served.run([b"HSET", name, *(b"%d" % number for number in range(2 * fields))])
        served.run([b"HPEXPIREAT", name, LATER, b"FIELDS", b"1", b"0"])
    again, _ = load(saved(served, tmp_path / "dump.rdb"))
    assert digest(again) == digest(served)
    for name in (b"small", b"large"):
        assert again.run([b"HPEXPIRETIME", name, b"FIELDS", b"1", b"0"]) == b"*1\r\n:%s\r\n" % LATER
    assert again.engine.expiry.fields.count(again.engine.databases[0]) == 2


def test_a_version_without_expiries_of_fields_says_which_key_needs_them(tmp_path):
    served = Served()
    served.run([b"HSET", b"k", b"f", b"v"])
    served.run([b"HPEXPIREAT", b"k", LATER, b"FIELDS", b"1", b"f"])
    old = tmp_path / "dump.rdb"
    old.write_bytes(b"the file before")
    with pytest.raises(rdb_save.SaveError, match="key 'k' in database 0: fields of a hash expire"):
        saved(served, old, OLD)
    assert old.read_bytes() == b"the file before"
    assert os.listdir(tmp_path) == ["dump.rdb"]


@pytest.mark.parametrize(("stamps", "policy"), [(IDLE_TIMES, "allkeys-lru"), (FREQUENCIES, "allkeys-lfu")])
def test_the_last_use_is_kept(tmp_path, stamps, policy):
    served = Served()
    served.run([b"CONFIG", b"SET", b"maxmemory-policy", policy.encode()])
    served.run([b"SET", b"k", b"v"])
    database = served.engine.databases[0]
    if stamps == IDLE_TIMES:
        database.set_idle_seconds(b"k", 1000)
    else:
        database.set_frequency(b"k", 77)
    path = saved(served, tmp_path / "dump.rdb", FORM._replace(stamps=stamps))
    again = Served()
    again.run([b"CONFIG", b"SET", b"maxmemory-policy", policy.encode()])
    load(path, again)
    database = again.engine.databases[0]
    if stamps == IDLE_TIMES:
        assert database.idle_seconds(b"k") in range(1000, 1010)
    else:
        assert database.frequency(b"k") == 77


def parts(*pieces):
    """A file of version 12 made of these pieces, with its checksum."""
    content = b"REDIS0012" + b"".join(pieces) + b"\xff"
    return content + crc64(content).to_bytes(8, "little")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "are left"),
        (b"NOTREDIS0", "signature"),
        (b"REDIS0013\xff", "version 0013"),
        (b"REDIS0000\xff", "version 0000"),
        (b"REDISxxxx\xff", "version xxxx"),
        (parts(b"\xfe\x40\x99"), "databases"),
        (parts(b"\x00\x01k\x01v", b"\x00\x01k\x01v"), "key 'k', type 0: the key is there twice"),
        (parts(b"\x63\x01k\x01v"), "key 'k', type 99: no value has the RDB type 99"),
        (parts(b"\x06\x01k\x01v"), "key 'k', type 6: the value is of a type that a module has"),
        (parts(b"\xf6\x01k\x01v"), "Pre-release function format"),
        (parts(b"\xf5\x01k"), "a library of functions"),
        (parts(b"\xf3\x01k"), "opcode 243"),
        (parts(b"\x00\xc4k\x01v"), "a key's name, type 0"),
    ],
)
def test_what_cannot_be_loaded_is_told(tmp_path, content, message):
    path = tmp_path / "dump.rdb"
    path.write_bytes(content)
    with pytest.raises(rdb_load.RdbError, match=message):
        load(path)


def test_a_module_type_is_told_by_its_name(tmp_path):
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    identifier = 3
    name = "ReJSON-RL"
    for position, letter in enumerate(name):
        identifier |= letters.index(letter) << 10 + 6 * (8 - position)
    assert module_type_name(identifier) == name
    path = tmp_path / "dump.rdb"
    path.write_bytes(parts(b"\x07\x01k\x81" + identifier.to_bytes(8, "big")))
    with pytest.raises(rdb_load.RdbError, match=r"key 'k', type 7: .* module type 'ReJSON-RL' \(at offset"):
        load(path)
    auxiliary = b"\xf7\x81" + identifier.to_bytes(8, "big") + b"\x02\x02\x05\x03abc\x04" + bytes(8) + b"\x00"
    path.write_bytes(parts(auxiliary, b"\x00\x01k\x01v"))
    assert load(path)[0].run([b"GET", b"k"]) == b"$1\r\nv\r\n"


def test_empty_values_and_slots_are_passed_over(tmp_path):
    path = tmp_path / "dump.rdb"
    path.write_bytes(parts(b"\xfe\x00\xfb\x02\x00\xf4\x01\x02\x03", b"\x01\x05empty\x00", b"\x00\x01k\x01v"))
    served, loaded = load(path)
    assert (loaded.keys, loaded.empty) == (1, 1)
    assert served.run([b"EXISTS", b"empty", b"k"]) == b":1\r\n"


def test_expiries_in_seconds_of_version_1(tmp_path):
    path = tmp_path / "dump.rdb"
    path.write_bytes(b"REDIS0001\xfe\x00\xfd" + (2_000_000_000).to_bytes(4, "little") + b"\x00\x01k\x01v\xff")
    assert load(path)[0].run([b"EXPIRETIME", b"k"]) == b":2000000000\r\n"


# --- with a real server


def configured(real_server, path):
    """Has the real server read the file at `path`."""
    real_server.config_set("dir", str(path.parent))
    real_server.config_set("dbfilename", path.name)


def test_files_cross_to_a_real_server_and_back(tmp_path, real_server):
    served = filled()
    path = saved(served, tmp_path / "ours.rdb", OLD)
    real_server.flushall()
    configured(real_server, path)
    real_server.execute_command("DEBUG", "RELOAD", "NOSAVE")
    ours = digest(served)
    assert b"+" + real_server.execute_command("DEBUG", "DIGEST") + b"\r\n" == ours
    configured(real_server, tmp_path / "theirs.rdb")
    real_server.save()
    again, _ = load(tmp_path / "theirs.rdb")
    assert digest(again) == ours
    real_server.flushall()
