"""Geohashes of 52 bits: places as scores of a sorted set, and the cells that cover an area. Redis's arithmetic, bit for bit.

A place's longitude and latitude are each cut into 2**26 steps, and the bits of the two numbers interleaved, the longitude's
at odd positions; so places whose first bits agree are in one cell, and a cell is a range of scores. With n steps a cell's
hash has 2n bits. (G. M. Morton's order; G. Niemeyer's geohash, 2008, https://en.wikipedia.org/wiki/Geohash.)

Latitudes end where the Mercator projection of a square world map does. The standard geohash, which reaches to the
poles, is computed from the place.

Distances are the haversine formula's on a sphere; the cells to search come from the area's bounding box.
"""

cimport cython
from libc.math cimport M_PI, asin, cos, fabs, llrint, sin, sqrt
from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    STEPS = 26                      # bits of each coordinate
    SCORE_BITS = 52
    TEXT_LENGTH = 11                # characters of a standard geohash, 5 bits each
    NEIGHBOURS = 9                  # a cell and those around it

cdef double LONGITUDE = 180.0
cdef double LATITUDE = 85.05112878
cdef double POLE = 90.0
cdef double RADIUS = 6372797.560856 # of the earth: m
cdef double MAP_EDGE = 20037726.37  # half the equator on the map: m
cdef double HIGH_LATITUDE = 66      # from here, and from there, cells of the same step are too narrow
cdef double POLAR_LATITUDE = 80
cdef double DEGREE = M_PI / 180.0
cdef double DECIMALS = 10000.0

cdef const char* ALPHABET = b"0123456789bcdefghjkmnpqrstuvwxyz"

LONGITUDE_LIMIT, LATITUDE_LIMIT = LONGITUDE, LATITUDE

cdef struct Cell:
    uint64_t bits
    int steps                       # 0: no cell

cdef struct Edges:
    double west
    double east
    double south
    double north


# --- interleaving

cdef inline uint64_t spread(uint32_t number) noexcept nogil:
    """The bits of a number at the even positions of a word."""
    cdef uint64_t word = number
    word = (word | word << 16) & 0x0000FFFF0000FFFFULL
    word = (word | word << 8) & 0x00FF00FF00FF00FFULL
    word = (word | word << 4) & 0x0F0F0F0F0F0F0F0FULL
    word = (word | word << 2) & 0x3333333333333333ULL
    return (word | word << 1) & 0x5555555555555555ULL


cdef inline uint32_t gathered(uint64_t word) noexcept nogil:
    """The number whose bits are at the even positions of a word."""
    word &= 0x5555555555555555ULL
    word = (word | word >> 1) & 0x3333333333333333ULL
    word = (word | word >> 2) & 0x0F0F0F0F0F0F0F0FULL
    word = (word | word >> 4) & 0x00FF00FF00FF00FFULL
    word = (word | word >> 8) & 0x0000FFFF0000FFFFULL
    return <uint32_t>(word | word >> 16)


cdef uint64_t hash_of(double longitude, double latitude, double latitude_limit, int steps) noexcept nogil:
    """The hash with `steps` bits of each coordinate, latitudes counted from -latitude_limit."""
    cdef double scale = <double>(<uint64_t>1 << steps)
    cdef double north = (latitude + latitude_limit) / (latitude_limit + latitude_limit) * scale
    cdef double east = (longitude + LONGITUDE) / (LONGITUDE + LONGITUDE) * scale
    return spread(<uint32_t>north) | spread(<uint32_t>east) << 1


cdef Edges edges_of(Cell cell) noexcept nogil:
    cdef Edges edges
    cdef uint32_t north = gathered(cell.bits)
    cdef uint32_t east = gathered(cell.bits >> 1)
    cdef double scale = <double>(<uint64_t>1 << cell.steps)
    cdef double height = LATITUDE + LATITUDE
    cdef double width = LONGITUDE + LONGITUDE
    edges.south = -LATITUDE + north * 1.0 / scale * height
    edges.north = -LATITUDE + (north + 1) * 1.0 / scale * height
    edges.west = -LONGITUDE + east * 1.0 / scale * width
    edges.east = -LONGITUDE + (east + 1) * 1.0 / scale * width
    return edges


cdef void place_of(double score, double* longitude, double* latitude) noexcept nogil:
    """The middle of the cell of 52 bits."""
    cdef Cell cell
    cdef Edges edges
    cell.bits = <uint64_t>score if 0 <= score < 18446744073709551616.0 else 0
    cell.steps = STEPS
    edges = edges_of(cell)
    longitude[0] = min(max((edges.west + edges.east) / 2, -LONGITUDE), LONGITUDE)
    latitude[0] = min(max((edges.south + edges.north) / 2, -LATITUDE), LATITUDE)


def encode(double longitude, double latitude):
    if not (-LONGITUDE <= longitude <= LONGITUDE and -LATITUDE <= latitude <= LATITUDE):
        raise ValueError("no such place")
    return hash_of(longitude, latitude, LATITUDE, STEPS)


def decode(double score):
    cdef double longitude = 0, latitude = 0
    place_of(score, &longitude, &latitude)
    return longitude, latitude


def geohash_text(double score):
    cdef char text[TEXT_LENGTH]
    cdef double longitude = 0, latitude = 0
    cdef uint64_t bits
    cdef int at
    place_of(score, &longitude, &latitude)
    bits = hash_of(longitude, latitude, POLE, STEPS)
    for at in range(TEXT_LENGTH - 1):
        text[at] = ALPHABET[bits >> (SCORE_BITS - 5 * (at + 1)) & 0x1f]
    text[TEXT_LENGTH - 1] = ALPHABET[0]     # 52 bits are 2 short of it
    return text[:TEXT_LENGTH]


# --- distances

cdef inline double latitude_distance(double first, double second) noexcept nogil:
    return RADIUS * fabs(second * DEGREE - first * DEGREE)


cdef double great_circle(double longitude, double latitude, double longitude2, double latitude2) noexcept nogil:
    cdef double v = sin((longitude2 * DEGREE - longitude * DEGREE) / 2)
    cdef double u, a
    if v == 0.0:
        return latitude_distance(latitude, latitude2)
    u = sin((latitude2 * DEGREE - latitude * DEGREE) / 2)
    a = u * u + cos(latitude * DEGREE) * cos(latitude2 * DEGREE) * v * v
    return 2.0 * RADIUS * asin(sqrt(a))


def distance(double first_longitude, double first_latitude, double second_longitude, double second_latitude):
    return great_circle(first_longitude, first_latitude, second_longitude, second_latitude)


def distance_text(double distance):
    cdef long long scaled = llrint(distance * DECIMALS)
    return b"%d.%04d" % divmod(scaled, 10000)


def place_text(double degrees):
    return (b"%.17f" % degrees).rstrip(b"0").rstrip(b".")


# --- the cells that cover an area

cdef Cell moved(Cell cell, int east, int north) noexcept nogil:
    """The cell that many (-1, 0, 1) columns and rows away, around the edge of the world where need be."""
    cdef uint64_t mask = (<uint64_t>1 << cell.steps) - 1
    cdef uint64_t column = gathered(cell.bits >> 1)
    cdef uint64_t row = gathered(cell.bits)
    if east:                        # the last column's and row's own edge is one beyond the mask
        column = column + <uint64_t>east & mask
    if north:
        row = row + <uint64_t>north & mask
    cell.bits = spread(<uint32_t>row) | spread(<uint32_t>column) << 1
    return cell


cdef int steps_for(double radius, double latitude) noexcept nogil:
    """The steps with which a cell and its neighbours cover a circle of that radius (m), in most cases."""
    cdef int steps = 1
    if radius == 0:
        return STEPS
    while radius < MAP_EDGE:
        radius *= 2
        steps += 1
    steps -= 2
    if fabs(latitude) > HIGH_LATITUDE:
        steps -= 1
        if fabs(latitude) > POLAR_LATITUDE:
            steps -= 1
    return min(max(steps, 1), STEPS)


@cython.final
cdef class Area:
    """geohash.pyi has the contract. A circle has a width and a height of its diameter."""

    cdef double longitude
    cdef double latitude
    cdef double half_width
    cdef double half_height
    cdef bint is_circle

    @staticmethod
    def circle(double longitude, double latitude, double radius):
        return new_area(longitude, latitude, radius, radius, True)

    @staticmethod
    def box(double longitude, double latitude, double width, double height):
        return new_area(longitude, latitude, width / 2, height / 2, False)

    cdef Edges bounds(self) noexcept:
        """The box around the area. Towards the pole it is wider, and its wider side counts."""
        cdef Edges bounds
        cdef double height = self.half_height / RADIUS / DEGREE
        cdef double side = self.latitude - height if self.latitude < 0 else self.latitude + height
        cdef double width = self.half_width / RADIUS / cos(side * DEGREE) / DEGREE
        bounds.west = self.longitude - width
        bounds.east = self.longitude + width
        bounds.south = self.latitude - height
        bounds.north = self.latitude + height
        return bounds

    cdef double outer_radius(self) noexcept:
        """From the centre to the farthest point."""
        if self.is_circle:
            return self.half_width
        return sqrt(self.half_width * self.half_width + self.half_height * self.half_height)

    cdef Cell cell_around(self, Edges bounds) noexcept:
        """The centre's cell, large enough that its neighbours reach to the bounds."""
        cdef Cell cell
        cell.steps = steps_for(self.outer_radius(), self.latitude)
        cell.bits = hash_of(self.longitude, self.latitude, LATITUDE, cell.steps)
        if cell.steps > 1 and (
            edges_of(moved(cell, 0, 1)).north < bounds.north
            or edges_of(moved(cell, 0, -1)).south > bounds.south
            or edges_of(moved(cell, 1, 0)).east < bounds.east
            or edges_of(moved(cell, -1, 0)).west > bounds.west
        ):
            cell.steps -= 1
            cell.bits = hash_of(self.longitude, self.latitude, LATITUDE, cell.steps)
        return cell

    def cells(self):
        # The order is Redis's: it shows where a search is told to stop at any places.
        cdef Edges bounds = self.bounds()
        cdef Cell centre = self.cell_around(bounds)
        cdef Edges edges = edges_of(centre)
        cdef bint prunes = centre.steps >= 2
        cdef Cell cell
        cdef uint64_t last = 0
        cdef list found = []
        cdef int east, north
        cdef int shift = SCORE_BITS - 2 * centre.steps
        for east, north in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            if prunes and (
                north > 0 and edges.north > bounds.north
                or north < 0 and edges.south < bounds.south
                or east > 0 and edges.east > bounds.east
                or east < 0 and edges.west < bounds.west
            ):
                continue
            cell = moved(centre, east, north)
            if len(found) > 1 and cell.bits == last:
                continue            # a huge area: the same cell on both sides
            last = cell.bits
            found.append((cell.bits << shift, cell.bits + 1 << shift))
        return found

    def within(self, list members_and_scores not None):
        cdef list found = []
        cdef double score, distance = 0
        cdef Py_ssize_t at
        for at in range(0, len(members_and_scores), 2):
            score = members_and_scores[at + 1]
            if self.contains(score, &distance):
                found.append((members_and_scores[at], score, distance))
        return found

    cdef bint contains(self, double score, double* distance) noexcept:
        """Whether the place is in the area, and how far it is from the centre."""
        cdef double longitude = 0, latitude = 0
        place_of(score, &longitude, &latitude)
        if not self.is_circle:
            if latitude_distance(latitude, self.latitude) > self.half_height:
                return False
            if great_circle(longitude, latitude, self.longitude, latitude) > self.half_width:
                return False
        distance[0] = great_circle(self.longitude, self.latitude, longitude, latitude)
        return not (self.is_circle and distance[0] > self.half_width)


cdef Area new_area(double longitude, double latitude, double half_width, double half_height, bint is_circle):
    cdef Area area = Area()
    area.longitude = longitude
    area.latitude = latitude
    area.half_width = half_width
    area.half_height = half_height
    area.is_circle = is_circle
    return area
