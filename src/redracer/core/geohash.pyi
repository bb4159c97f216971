"""The interface of core/geohash.pyx. Longitude and latitude are in degrees, distances in metres."""

LONGITUDE_LIMIT: float
LATITUDE_LIMIT: float

Cell = tuple[int, int]  # the lowest score in it, and the first above it

def encode(longitude: float, latitude: float) -> int:
    """The 52 bits of a place, which are its score. ValueError for a place beyond the limits."""

def decode(score: float) -> tuple[float, float]:
    """Longitude and latitude of the middle of the cell of 52 bits."""

def geohash_text(score: float) -> bytes:
    """The standard geohash of a place, 11 characters, the last always 0."""

def distance(
    first_longitude: float, first_latitude: float, second_longitude: float, second_latitude: float
) -> float:
    """Along the great circle."""

def place_text(degrees: float) -> bytes:
    """A coordinate as text: up to 17 decimals, without the zeros at the end."""

def distance_text(distance: float) -> bytes:
    """A distance as text, with 4 decimals."""

class Area:
    """A circle or an upright rectangle around a place, in which `search` looks for places."""

    @staticmethod
    def circle(longitude: float, latitude: float, radius: float) -> Area: ...
    @staticmethod
    def box(longitude: float, latitude: float, width: float, height: float) -> Area: ...
    def cells(self) -> list[Cell]:
        """The ranges of scores that cover the area: its own cell's first, then up to eight around it."""

    def within(self, members_and_scores: list[bytes | float]) -> list[tuple[bytes, float, float]]:
        """Those of the members that are in the area: (member, score, distance from the centre)."""
