"""What a search for places asks for, and how it is answered. geo_search_commands.py has the commands.

All of them read their arguments into one Search; a command's `kind` says which options it has besides the
common ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redracer.core import errors
from redracer.core.errors import CommandError
from redracer.core.geohash import Area, decode, distance_text
from redracer.core.numbers import parse_double
from redracer.engine.arguments import integer
from redracer.types.sorted_set.geo_commands import meters_of, place, place_reply
from redracer.types.sorted_set.value import ScoreBounds

if TYPE_CHECKING:
    from redracer.types.sorted_set.value import Flat, SortedSet

# The options of a kind of command.
SHAPES = 1  # FROMMEMBER, FROMLONLAT, BYRADIUS, BYBOX
STORE_KEY = 2  # STORE key, STOREDIST key
STORE_FLAG = 4  # STOREDIST alone: the key comes first

CHUNK = 256  # members looked at between tests whether a search that stops early has enough


def length(text: bytes, refusal: bytes) -> float:
    """A radius, width or height; CommandError(refusal) if it is no number."""
    value = parse_double(text)
    if value is None:
        raise CommandError(refusal)
    return value


class Search:
    """One search. `members` is None where the key is missing: then the arguments are only checked.

    `center_kind` and `shape` are the options that gave them, or empty. `sizes` are metres: a radius, or width
    and
    height. `limit` 0 is none. `meters` is the unit of the shape, and of distances in the result.
    """

    def __init__(self, members: SortedSet | None) -> None:
        self.members = members
        self.center_kind = self.shape = self.order = b""
        self.center = (0.0, 0.0)
        self.sizes: list[float] = []
        self.meters = 1.0
        self.with_distance = self.with_hash = self.with_place = False
        self.any = False
        self.limit = 0
        self.destination: bytes | None = None
        self.stores_distance = False

    # --- reading arguments: each returns how many it took, 0 where the option is not one of its own

    def read(self, args: list[bytes], at: int, kind: int) -> None:
        """Reads the options from `args[at]` on. Raises CommandError."""
        while at < len(args):
            option, values = args[at].lower(), args[at + 1 : at + 4]
            taken = self.read_flag(option, kind) or self.read_value(option, values, kind)
            if not taken and kind & SHAPES:
                taken = self.read_center(option, values) or self.read_shape(option, values)
            if not taken:
                raise CommandError(errors.SYNTAX)
            at += taken

    def read_flag(self, option: bytes, kind: int) -> int:
        """Reads an option without a value."""
        if option == b"withdist":
            self.with_distance = True
        elif option == b"withhash":
            self.with_hash = True
        elif option == b"withcoord":
            self.with_place = True
        elif option == b"any":
            self.any = True
        elif option in (b"asc", b"desc"):
            self.order = option
        elif option == b"storedist" and kind & STORE_FLAG:
            self.stores_distance = True
        else:
            return 0
        return 1

    def read_value(self, option: bytes, values: list[bytes], kind: int) -> int:
        """Reads COUNT, STORE or STOREDIST."""
        if not values:
            return 0
        if option == b"count":
            self.limit = integer(values[0])
            if self.limit <= 0:
                raise CommandError(errors.COUNT_NOT_POSITIVE)
        elif option in (b"store", b"storedist") and kind & STORE_KEY:
            self.destination, self.stores_distance = values[0], option == b"storedist"
        else:
            return 0
        return 2

    def read_center(self, option: bytes, values: list[bytes]) -> int:
        """Reads FROMMEMBER or FROMLONLAT, one of which excludes the other."""
        if self.center_kind not in (b"", option):
            return 0
        if option == b"frommember" and values:
            self.center_on_member(values[0])
            return 2
        if option == b"fromlonlat" and len(values) >= 2:
            self.center_on_place(values[0], values[1])
            return 3
        return 0

    def read_shape(self, option: bytes, values: list[bytes]) -> int:
        """Reads BYRADIUS or BYBOX, one of which excludes the other."""
        if self.shape not in (b"", option):
            return 0
        if option == b"byradius" and len(values) >= 2:
            self.read_radius(values[0], values[1])
            return 3
        if option == b"bybox" and len(values) >= 3:
            self.read_box(values[0], values[1], values[2])
            return 4
        return 0

    def center_on_member(self, member: bytes) -> None:
        """The centre is a member of the set, if there is a set. Raises CommandError if it has no such
        member."""
        self.center_kind = b"frommember"
        if self.members is not None:
            score = self.members.score_of(member)
            if score is None:
                raise CommandError(errors.UNKNOWN_CENTER)
            self.center = decode(score)

    def center_on_place(self, longitude: bytes, latitude: bytes) -> None:
        """The centre is a place. Raises CommandError for one beyond the limits."""
        self.center_kind = b"fromlonlat"
        self.center = place(longitude, latitude)

    def read_radius(self, radius: bytes, unit: bytes) -> None:
        """The shape is a circle."""
        size = length(radius, errors.NEED_RADIUS)
        if size < 0:
            raise CommandError(errors.NEGATIVE_RADIUS)
        self.meters = meters_of(unit)
        self.shape, self.sizes = b"byradius", [size * self.meters]

    def read_box(self, width: bytes, height: bytes, unit: bytes) -> None:
        """The shape is a rectangle."""
        sizes = [length(width, errors.NEED_WIDTH), length(height, errors.NEED_HEIGHT)]
        if min(sizes) < 0:
            raise CommandError(errors.NEGATIVE_BOX)
        self.meters = meters_of(unit)
        self.shape, self.sizes = b"bybox", [size * self.meters for size in sizes]

    def check(self, storing_name: bytes) -> None:
        """Refuses options that contradict one another. `storing_name` is what the refusal calls the
        command."""
        described = self.with_distance or self.with_hash or self.with_place
        if self.destination is not None and described:
            raise CommandError(errors.stored_with_details(storing_name))
        if self.any and not self.limit:
            raise CommandError(errors.ANY_WITHOUT_COUNT)

    # --- answering

    def find(self) -> list[tuple[bytes, float, float]]:
        """The places found, cut and ordered as asked for: (member, score, distance from the centre in
        metres).

        O(n log n), n being the members in the cells that cover the area.
        """
        if self.members is None:
            return []
        area = (
            Area.circle(*self.center, *self.sizes)
            if self.shape == b"byradius"
            else Area.box(*self.center, *self.sizes)
        )
        found = self.find_in(self.members, area)
        # Without an order, the nearest are wanted; only ANY takes those that come first.
        if self.order or (self.limit and not self.any):
            found.sort(key=distance_of, reverse=self.order == b"desc")
        return found[: self.limit] if self.limit else found

    def find_in(self, members: SortedSet, area: Area) -> list[tuple[bytes, float, float]]:
        """The places in the area, in the order of its cells; with ANY no more than are wanted."""
        found: list[tuple[bytes, float, float]] = []
        enough = self.limit if self.any else 0
        for lowest, above in area.cells():
            bounds = ScoreBounds(b"%d" % lowest, b"(%d" % above)
            bounds.locate(members, False)
            for start in range(0, bounds.count, CHUNK):
                count = min(CHUNK, bounds.count - start)
                found += area.within(members.range(bounds.start + start, count, False, True))
                if enough and len(found) >= enough:
                    return found[:enough]
        return found

    def reply(self) -> list[Any]:
        """The members found; each with what was asked for besides, if anything was."""
        found = self.find()
        if not (self.with_distance or self.with_hash or self.with_place):
            return [member for member, _, _ in found]
        return [self.described(*one) for one in found]

    def described(self, member: bytes, score: float, distance: float) -> list[Any]:
        """One member with what was asked for."""
        details: list[Any] = [member]
        if self.with_distance:
            details.append(distance_text(distance / self.meters))
        if self.with_hash:
            details.append(int(score))
        if self.with_place:
            details.append(place_reply(score))
        return details

    def scored(self) -> Flat:
        """What STORE keeps: members and their places, or with STOREDIST their distances, in turn."""
        flat: Flat = []
        for member, score, distance in self.find():
            flat += (member, distance / self.meters if self.stores_distance else score)
        return flat


def distance_of(found: tuple[bytes, float, float]) -> float:
    """What places are ordered by."""
    return found[2]
