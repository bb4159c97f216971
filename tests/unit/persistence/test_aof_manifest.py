"""The manifest of the append-only file: its text, and what makes one unusable."""

import pytest

from redracer.persistence import aof_manifest
from redracer.persistence.aof_manifest import BASE, Manifest, ManifestError, Part, parse

TEXT = (
    b"file appendonly.aof.2.base.rdb seq 2 type b\n"
    b"file appendonly.aof.1.base.rdb seq 1 type h\n"
    b"file appendonly.aof.3.incr.aof seq 3 type i\n"
    b"file appendonly.aof.4.incr.aof seq 4 type i\n"
)


def names(manifest):
    return [part.name for part in manifest.loaded]


class TestParsing:
    def test_reads_what_it_writes(self):
        manifest = parse(TEXT)
        assert names(manifest) == [
            "appendonly.aof.2.base.rdb",
            "appendonly.aof.3.incr.aof",
            "appendonly.aof.4.incr.aof",
        ]
        assert manifest.encoded() == TEXT
        assert (manifest.base_sequence, manifest.increment_sequence) == (2, 4)

    def test_passes_over_comments_and_unknown_words(self):
        text = b"# a comment\nfile a seq 1 type b startoffset 7 novelty x\n"
        assert names(parse(text)) == ["a"]

    @pytest.mark.parametrize("name", ["a b", "a\tb", 'a"b', "\x80-ü", "a'b"])
    def test_keeps_names_that_need_quotes(self, name):
        manifest = Manifest(base=Part(name, 1, BASE), base_sequence=1)
        assert names(parse(manifest.encoded())) == [name]

    @pytest.mark.parametrize(
        ("text", "problem", "number"),
        [
            (b"", "Found an empty AOF manifest", 0),
            (b"\n", "Invalid AOF manifest file format", 1),
            (b"file a seq 1 type b\n \n", "Invalid AOF manifest file format", 2),
            (b"file a seq 1\n", "Invalid AOF manifest file format", 1),
            (b"file a seq 1 type\n", "Invalid AOF manifest file format", 1),
            (b"file a seq x type b\n", "Invalid AOF manifest file format", 1),
            (b'file "a seq 1 type b\n', "Invalid AOF manifest file format", 1),
            (b"file ../a seq 1 type b\n", "File can't be a path, just a filename", 1),
            (b"file a seq 1 type x\n", "Unknown AOF file type", 1),
            (b"file a seq 1 type b\nfile b seq 2 type b\n", "Found duplicate base file information", 2),
            (b"file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number", 2),
            (b"file a seq 1 type b", "The AOF manifest file contains too long line", 0),
            (b"file " + b"a" * 1100 + b" seq 1 type b\n", "The AOF manifest file contains too long line", 0),
        ],
    )
    def test_says_what_is_wrong_and_where(self, text, problem, number):
        with pytest.raises(ManifestError) as error:
            parse(text)
        assert (error.value.text, error.value.number) == (problem, number)


class TestChanges:
    def test_a_new_base_makes_the_old_one_history(self):
        manifest = parse(TEXT)
        assert manifest.new_base("appendonly.aof", False).name == "appendonly.aof.3.base.aof"
        assert [part.sequence for part in manifest.history] == [2, 1]

    @pytest.mark.parametrize(("keep", "left"), [(True, [5]), (False, [])])
    def test_increments_are_retired_in_their_order(self, keep, left):
        manifest = parse(TEXT)
        manifest.new_increment("appendonly.aof")
        manifest.retire_increments(keep)
        assert [part.sequence for part in manifest.increments] == left
        assert [part.sequence for part in manifest.history] == ([3, 4, 1] if keep else [3, 4, 5, 1])

    def test_a_copy_is_another_one(self):
        manifest = parse(TEXT)
        copy = manifest.copy()
        copy.new_base("a", True)
        copy.new_increment("a")
        assert manifest.encoded() == TEXT

    def test_saving_replaces_the_file_and_leaves_no_other(self, tmp_path):
        (tmp_path / "m").write_bytes(b"old")
        assert aof_manifest.save(str(tmp_path), "m", parse(TEXT))
        assert (tmp_path / "m").read_bytes() == TEXT
        assert [path.name for path in tmp_path.iterdir()] == ["m"]

    def test_a_failure_leaves_the_old_one(self, tmp_path):
        (tmp_path / "temp-m").mkdir()
        (tmp_path / "m").write_bytes(b"old")
        with pytest.raises(OSError):
            aof_manifest.save(str(tmp_path), "m", parse(TEXT))
        assert (tmp_path / "m").read_bytes() == b"old"
