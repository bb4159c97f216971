"""INFO: what the server tells about itself, as text in sections of `field:value` lines.

A section is a function from the engine to its fields, in the order in which Redis prints them
(info_sections.py). A layer that is not part of the engine has three ways in: `register` puts a section of its
own in place of one of the same name, or at the end; `provide` gives the value of a single field that
otherwise tells that its feature is idle, and `extend` adds fields that are there at times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from redracer.engine.engine import Engine

    Fields = Iterable[tuple[str, object]]

UNSAFE = str.maketrans("#:\n\r", "____")  # what would break the format, in a name that somebody else chose


class Section(NamedTuple):
    """`name` selects it, `title` heads it; `usual`: in INFO without arguments; `hidden`: only when named."""

    name: str
    title: str
    fields: Callable[[Engine], Fields]
    usual: bool = True
    hidden: bool = False


class Info:
    """The sections of one engine."""

    def __init__(self, engine: Engine, sections: Iterable[Section]) -> None:
        self.engine = engine
        self.sections = {section.name: section for section in sections}
        self.provided: dict[str, Callable[[], object]] = {}
        self.extensions: dict[str, list[Callable[[], Fields]]] = {}

    def register(self, section: Section) -> None:
        """Adds a section at the end, or puts it in the place of the one of that name."""
        self.sections[section.name] = section

    def provide(self, field: str, value: Callable[[], object]) -> None:
        """From now on a field that is in some section tells `value()`."""
        self.provided[field] = value

    def extend(self, section: str, fields: Callable[[], Fields]) -> None:
        """From now on the section ends with these fields."""
        self.extensions.setdefault(section, []).append(fields)

    def report(self, names: Iterable[str] = ()) -> str:
        """The text of the sections of these names in any case (`default`, `all`, `everything`: sets of them).

        Without names, that of the usual ones. Unknown names are ignored. The order is always the same.
        """
        return "\r\n".join(self._text(section) for section in self._chosen(names))

    def fields(self, names: Iterable[str] = ()) -> dict[str, object]:
        """The fields of the sections of these names, as `report` would tell them."""
        return {field: value for section in self._chosen(names) for field, value in self._fields(section)}

    def _chosen(self, names: Iterable[str]) -> list[Section]:
        wanted = {name.lower() for name in names} or {"default"}
        every = "all" in wanted or "everything" in wanted
        usual = "default" in wanted
        return [
            section
            for section in self.sections.values()
            if section.name in wanted or (every and not section.hidden) or (usual and section.usual)
        ]

    def _fields(self, section: Section) -> Iterator[tuple[str, object]]:
        for field, value in section.fields(self.engine):
            yield field, self.provided[field]() if field in self.provided else value
        for fields in self.extensions.get(section.name, ()):
            yield from fields()

    def _text(self, section: Section) -> str:
        lines = (f"{field}:{value}\r\n" for field, value in self._fields(section))
        return f"# {section.title}\r\n" + "".join(lines)


def safe(name: bytes) -> str:
    """A name that somebody else chose, without what would break the format."""
    return name.decode("latin-1").translate(UNSAFE)


def human(count: int) -> str:
    """Bytes as people read them: 1.50M."""
    size: float = count
    for unit in ("B", "K", "M", "G", "T", "P"):
        if abs(size) < 1024 or unit == "P":
            return f"{count}B" if unit == "B" else f"{size:.2f}{unit}"
        size /= 1024
    raise AssertionError("unreachable")


def ratio(dividend: float, divisor: float) -> str:
    """A quotient with two decimals; 0.00 where there is nothing to divide by."""
    return f"{dividend / divisor if divisor else 0.0:.2f}"


def constants(**fields: Any) -> list[tuple[str, object]]:
    """Fields that tell always the same: what a feature tells when it is idle."""
    return list(fields.items())
