"""A binary heap of the elements that have an expiry, the earliest on top.

So the next field to expire is known at once, and taking the expired ones costs O(log n) each, however many
others there are. Each element holds its place in the heap, so that its expiry may change or go in O(log n)
without a search. The array grows by doubling; a large one is moved by the kernel without copying.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from redracer.core.element cimport Element, element_expiry, heap_place, set_heap_place
from redracer.core.memory cimport allocate, allocation_size, reallocate, release

cdef enum:
    FIRST_CAPACITY = 4
    PLACE_LIMIT = 0xffffffff        # an element has 32 bits for its place
    SLICE = 1 << 16                 # places that one step of freeing gives back


cdef inline void put(ExpiryHeap* heap, size_t place, Element* element) noexcept nogil:
    heap.elements[place] = element
    set_heap_place(element, <uint32_t>place)


cdef void sift_up(ExpiryHeap* heap, size_t place, Element* element) noexcept nogil:
    """Puts the element where it belongs between that place, which is free, and the top."""
    cdef int64_t expiry = element_expiry(element)
    cdef size_t parent
    while place > 0:
        parent = (place - 1) // 2
        if element_expiry(heap.elements[parent]) <= expiry:
            break
        put(heap, place, heap.elements[parent])
        place = parent
    put(heap, place, element)


cdef void sift_down(ExpiryHeap* heap, size_t place, Element* element) noexcept nogil:
    """Puts the element where it belongs between that place, which is free, and the bottom."""
    cdef int64_t expiry = element_expiry(element)
    cdef size_t child
    while True:
        child = 2 * place + 1
        if child >= heap.count:
            break
        if child + 1 < heap.count and element_expiry(heap.elements[child + 1]) < element_expiry(heap.elements[child]):
            child += 1
        if element_expiry(heap.elements[child]) >= expiry:
            break
        put(heap, place, heap.elements[child])
        place = child
    put(heap, place, element)


cdef int heap_reserve(ExpiryHeap* heap) except -1:
    """Makes room for one more element. Raises MemoryError."""
    cdef size_t capacity = heap.capacity * 2 if heap.capacity else FIRST_CAPACITY
    if heap.count < heap.capacity:
        return 0
    if capacity > PLACE_LIMIT or not resize(heap, capacity):
        raise MemoryError
    return 0


cdef void heap_push(ExpiryHeap* heap, Element* element) noexcept:
    """Adds an element, for which there must be room (`heap_reserve`). O(log n)."""
    heap.count += 1
    sift_up(heap, heap.count - 1, element)


cdef void heap_remove(ExpiryHeap* heap, Element* element) noexcept:
    """O(log n)."""
    cdef size_t place = heap_place(element)
    cdef Element* last = heap.elements[heap.count - 1]
    heap.count -= 1
    if last != element:
        put(heap, place, last)
        heap_update(heap, last)
    if heap.count < heap.capacity // 4:
        resize(heap, heap.capacity // 2)


cdef void heap_update(ExpiryHeap* heap, Element* element) noexcept:
    """Moves an element whose expiry has changed. O(log n)."""
    cdef size_t place = heap_place(element)
    if place > 0 and element_expiry(heap.elements[(place - 1) // 2]) > element_expiry(element):
        sift_up(heap, place, element)
    else:
        sift_down(heap, place, element)


cdef void heap_moved(ExpiryHeap* heap, Element* element) noexcept:
    """Notes the new address of an element that is otherwise the same."""
    heap.elements[heap_place(element)] = element


cdef bint resize(ExpiryHeap* heap, size_t capacity) noexcept:
    """Returns whether there was memory for it."""
    try:
        if capacity < FIRST_CAPACITY:
            heap_free(heap)
            return True
        if heap.capacity:
            heap.elements = <Element**>reallocate(
                heap.elements, heap.capacity * sizeof(Element*), capacity * sizeof(Element*)
            )
        else:
            heap.elements = <Element**>allocate(capacity * sizeof(Element*))
    except MemoryError:
        return False
    heap.capacity = capacity
    return True


cdef void heap_free(ExpiryHeap* heap) noexcept:
    """Frees the heap, not the elements."""
    if heap.capacity:
        release(heap.elements, heap.capacity * sizeof(Element*))
    memset(heap, 0, sizeof(ExpiryHeap))


cdef bint heap_free_some(ExpiryHeap* heap) noexcept:
    """`heap_free` in slices. Returns whether it is done."""
    heap.count = 0
    if heap.capacity > SLICE and resize(heap, heap.capacity - SLICE):
        return False
    heap_free(heap)
    return True


cdef size_t heap_memory(const ExpiryHeap* heap) noexcept:
    """The bytes that the heap takes."""
    return allocation_size(heap.capacity * sizeof(Element*)) if heap.capacity else 0
