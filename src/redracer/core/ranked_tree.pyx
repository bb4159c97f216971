"""An ordered tree with ranks: a B+ tree (Comer, The ubiquitous B-tree, 1979) over elements that have scores.

A leaf has scores and element pointers in two arrays, so that a search reads scores alone, and a member only
where scores are equal. An inner node has for each child its first entry and its number of entries: so a rank
is found, and an entry by rank, on one way down. The first entries are exact: they are kept up to date where
an entry comes or goes at a leaf's front, so that no inner node ever points to an element that is gone.

Every inner node has at least 2 children, and every leaf an entry. A node that falls under a quarter is joined
with a neighbour, or shares with it. A split at the right end leaves the left node full, so that ascending
insertion packs.

Why not a skip list: it costs 1.33 pointers and spans per member more, and a cache miss for each of its steps.
The tree does not own the elements.
"""

from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memmove, memset

from redracer.core.element cimport Element, member_data, member_length
from redracer.core.memory cimport allocate, allocation_size, release

cdef enum:
    LEAF_MINIMUM = LEAF_CAPACITY // 4
    INNER_MINIMUM = INNER_CAPACITY // 4

cdef struct Child:                  # what an inner node has of a child
    double score
    Element* element
    void* node
    uint64_t size

cdef struct Spares:                 # nodes that a split will need
    Leaf* leaf
    Inner* inner[MAXIMUM_HEIGHT + 1]
    size_t count


# --- searching

cdef inline size_t scores_below(const double* scores, size_t count, double score, bint equal_too) noexcept nogil:
    """How many of the ascending scores are below `score` (`equal_too`: or are it). Without a branch to mispredict."""
    cdef size_t base = 0
    cdef size_t half
    while count > 1:
        half = count >> 1
        base += half * ((scores[base + half - 1] < score) | (equal_too & (scores[base + half - 1] == score)))
        count -= half
    if count:
        base += (scores[base] < score) | (equal_too & (scores[base] == score))
    return base


cdef inline bint precedes(const Element* element, const Key* key) noexcept nogil:
    """Whether the element's member is before the key's."""
    cdef size_t length = member_length(element)
    cdef int order = memcmp(member_data(element), key.member, min(length, key.length))
    if order:
        return order < 0
    return length < key.length or (length == key.length and key.after)


cdef size_t entries_before(
    const double* scores, Element* const* elements, size_t count, const Key* key
) noexcept nogil:
    """How many of the entries are before the key."""
    cdef size_t low = 0
    cdef size_t high = count
    cdef size_t middle
    if key.by_score:
        low = scores_below(scores, count, key.score, False)
        if low == count or scores[low] != key.score:
            return low
        high = low + scores_below(scores + low, count - low, key.score, True)
        if not key.by_member:
            return high if key.after else low
    while low < high:
        middle = (low + high) // 2
        if precedes(elements[middle], key):
            low = middle + 1
        else:
            high = middle
    return low


cdef inline size_t child_before(const Inner* node, const Key* key) noexcept nogil:
    """The index of the child that the way to the key leads through: the last whose first entry is before it, or 0."""
    return entries_before(node.scores + 1, node.elements + 1, node.count - 1, key)


cdef void descend(const Tree* tree, Key* key, Path* path) noexcept nogil:
    """The way to where an entry with that key is or would be. The tree must not be empty."""
    cdef void* node = tree.root
    cdef size_t level
    key.after = True                # the entry may be the first under a child
    for level in range(tree.height):
        path.nodes[level] = <Inner*>node
        path.indices[level] = child_before(<Inner*>node, key)
        node = (<Inner*>node).children[path.indices[level]]
    path.leaf = <Leaf*>node
    key.after = False
    path.index = entries_before(path.leaf.scores, path.leaf.elements, path.leaf.count, key)


cdef void descend_to_rank(const Tree* tree, size_t rank, Path* path) noexcept nogil:
    """The way to the entry of that rank, which must exist."""
    cdef void* node = tree.root
    cdef Inner* inner
    cdef size_t level, index
    for level in range(tree.height):
        inner = <Inner*>node
        index = 0
        while rank >= inner.sizes[index] and index + 1 < inner.count:
            rank -= inner.sizes[index]
            index += 1
        path.nodes[level] = inner
        path.indices[level] = index
        node = inner.children[index]
    path.leaf = <Leaf*>node
    path.index = rank


cdef size_t sum_sizes(const Inner* node, size_t count) noexcept nogil:
    """The entries under the first `count` children."""
    cdef size_t total = 0
    cdef size_t index
    for index in range(count):
        total += node.sizes[index]
    return total


cdef size_t rank_before(const Tree* tree, const Key* key) noexcept nogil:
    """How many entries are before the key."""
    cdef void* node = tree.root
    cdef size_t rank = 0
    cdef size_t level, index
    if node == NULL:
        return 0
    for level in range(tree.height):
        index = child_before(<Inner*>node, key)
        rank += sum_sizes(<Inner*>node, index)
        node = (<Inner*>node).children[index]
    return rank + entries_before((<Leaf*>node).scores, (<Leaf*>node).elements, (<Leaf*>node).count, key)


# --- nodes

cdef Leaf* new_leaf(Tree* tree) except NULL:
    cdef Leaf* leaf = <Leaf*>allocate(sizeof(Leaf))
    leaf.previous = leaf.next = NULL
    leaf.count = 0
    tree.leaf_count += 1
    return leaf


cdef Inner* new_inner(Tree* tree) except NULL:
    cdef Inner* inner = <Inner*>allocate(sizeof(Inner))
    inner.count = 0
    tree.inner_count += 1
    return inner


cdef void free_leaf(Tree* tree, Leaf* leaf) noexcept:
    release(leaf, sizeof(Leaf))
    tree.leaf_count -= 1


cdef void free_inner(Tree* tree, Inner* inner) noexcept:
    release(inner, sizeof(Inner))
    tree.inner_count -= 1


cdef inline void move_entries(Leaf* target, size_t to, const Leaf* source, size_t start, size_t count) noexcept nogil:
    memmove(&target.scores[to], &source.scores[start], count * sizeof(double))
    memmove(&target.elements[to], &source.elements[start], count * sizeof(Element*))


cdef inline void move_children(Inner* target, size_t to, const Inner* source, size_t start, size_t count) noexcept nogil:
    memmove(&target.scores[to], &source.scores[start], count * sizeof(double))
    memmove(&target.elements[to], &source.elements[start], count * sizeof(Element*))
    memmove(&target.children[to], &source.children[start], count * sizeof(void*))
    memmove(&target.sizes[to], &source.sizes[start], count * sizeof(uint64_t))


cdef inline void put_entry(Leaf* leaf, size_t index, double score, Element* element) noexcept nogil:
    move_entries(leaf, index + 1, leaf, index, leaf.count - index)
    leaf.scores[index] = score
    leaf.elements[index] = element
    leaf.count += 1


cdef inline void put_child(Inner* node, size_t index, const Child* child) noexcept nogil:
    move_children(node, index + 1, node, index, node.count - index)
    node.scores[index] = child.score
    node.elements[index] = child.element
    node.children[index] = child.node
    node.sizes[index] = child.size
    node.count += 1


cdef inline void erase_child(Inner* node, size_t index) noexcept nogil:
    node.count -= 1
    move_children(node, index, node, index + 1, node.count - index)


cdef void set_first(Path* path, size_t levels, double score, Element* element) noexcept nogil:
    """Notes the first entry under the path's child in the last of `levels` nodes, and as far up as it is the first."""
    while levels > 0:
        levels -= 1
        path.nodes[levels].scores[path.indices[levels]] = score
        path.nodes[levels].elements[path.indices[levels]] = element
        if path.indices[levels]:
            break


cdef inline void add_size(Path* path, size_t levels, Py_ssize_t change) noexcept nogil:
    cdef size_t level
    for level in range(levels):
        path.nodes[level].sizes[path.indices[level]] += change


# --- inserting

cdef int tree_insert(Tree* tree, double score, Element* element) except -1:
    """Adds an entry, which is not in the tree. O(log n). Raises MemoryError, and then the tree is as before."""
    cdef Key key
    cdef Path path
    if tree.root == NULL:
        tree.root = tree.first_leaf = tree.last_leaf = new_leaf(tree)
    element_key(&key, score, element)
    descend(tree, &key, &path)
    if path.leaf.count == LEAF_CAPACITY:
        insert_splitting(tree, &path, score, element)
    else:
        if path.index == 0:
            set_first(&path, tree.height, score, element)
        put_entry(path.leaf, path.index, score, element)
        add_size(&path, tree.height, 1)
    tree.count += 1
    return 0


cdef int reserve_nodes(Tree* tree, Path* path, Spares* spares) except -1:
    """Allocates what splitting the path's leaf takes: that leaf's sibling, one for each full inner node above it up to
    the first that is not full, and if all are, a root."""
    cdef size_t level = tree.height
    while level > 0 and path.nodes[level - 1].count == INNER_CAPACITY:
        level -= 1
    cdef size_t needed = tree.height - level + (1 if level == 0 else 0)
    if level == 0 and tree.height == MAXIMUM_HEIGHT:
        raise MemoryError
    spares.count = 0
    spares.leaf = new_leaf(tree)
    try:
        while spares.count < needed:
            spares.inner[spares.count] = new_inner(tree)
            spares.count += 1
    except MemoryError:
        while spares.count:
            spares.count -= 1
            free_inner(tree, spares.inner[spares.count])
        free_leaf(tree, spares.leaf)
        raise
    return 0


cdef inline Inner* take_spare(Spares* spares) noexcept nogil:
    spares.count -= 1
    return spares.inner[spares.count]


cdef int insert_splitting(Tree* tree, Path* path, double score, Element* element) except -1:
    """Adds the entry at the path's end, whose leaf is full. Raises MemoryError, and then the tree is as before."""
    cdef bint at_end = path.leaf == tree.last_leaf and path.index == LEAF_CAPACITY
    cdef size_t level = tree.height
    cdef size_t left_size
    cdef Inner* node
    cdef Inner* sibling
    cdef Child added
    cdef Spares spares
    reserve_nodes(tree, path, &spares)
    if path.index == 0:
        set_first(path, level, score, element)
    split_leaf(tree, path, spares.leaf, at_end, score, element)
    leaf_child(&added, spares.leaf)
    left_size = path.leaf.count
    while level > 0:
        level -= 1
        node = path.nodes[level]
        node.sizes[path.indices[level]] = left_size
        if node.count < INNER_CAPACITY:
            put_child(node, path.indices[level] + 1, &added)
            add_size(path, level, 1)
            return 0
        sibling = take_spare(&spares)
        split_inner(node, sibling, at_end, path.indices[level] + 1, &added)
        inner_child(&added, sibling)
        left_size = sum_sizes(node, node.count)
    add_root(tree, take_spare(&spares), &added)
    return 0


cdef inline void leaf_child(Child* child, Leaf* leaf) noexcept nogil:
    child.score = leaf.scores[0]
    child.element = leaf.elements[0]
    child.node = leaf
    child.size = leaf.count


cdef inline void inner_child(Child* child, Inner* node) noexcept nogil:
    child.score = node.scores[0]
    child.element = node.elements[0]
    child.node = node
    child.size = sum_sizes(node, node.count)


cdef void split_leaf(
    Tree* tree, Path* path, Leaf* right, bint at_end, double score, Element* element
) noexcept nogil:
    """Moves the upper half of the path's leaf to `right` (at the end: nothing), and puts the entry where it belongs."""
    cdef Leaf* left = path.leaf
    cdef size_t kept = LEAF_CAPACITY if at_end else LEAF_CAPACITY // 2
    right.count = LEAF_CAPACITY - kept
    left.count = kept
    move_entries(right, 0, left, kept, right.count)
    right.previous = left
    right.next = left.next
    left.next = right
    if right.next != NULL:
        right.next.previous = right
    else:
        tree.last_leaf = right
    if path.index <= kept and not at_end:
        put_entry(left, path.index, score, element)
    else:
        put_entry(right, path.index - kept, score, element)


cdef void split_inner(Inner* node, Inner* sibling, bint at_end, size_t index, const Child* child) noexcept nogil:
    """The same for a full inner node; the sibling gets two children at the least."""
    cdef size_t kept = INNER_CAPACITY - 1 if at_end else INNER_CAPACITY // 2
    sibling.count = INNER_CAPACITY - kept
    node.count = kept
    move_children(sibling, 0, node, kept, sibling.count)
    if index <= kept:
        put_child(node, index, child)
    else:
        put_child(sibling, index - kept, child)


cdef void add_root(Tree* tree, Inner* root, const Child* right) noexcept nogil:
    """Puts a root over the old one and its new sibling."""
    cdef Child left
    if tree.height:
        inner_child(&left, <Inner*>tree.root)
    else:
        leaf_child(&left, <Leaf*>tree.root)
    put_child(root, 0, &left)
    put_child(root, 1, right)
    tree.root = root
    tree.height += 1


cdef bint tree_rescore(Tree* tree, Path* path, double score) noexcept nogil:
    """Gives the entry at the path's end another score if it may stay where it is. Returns whether it may: its leaf
    knows both neighbours, and they do not tie with it."""
    cdef Leaf* leaf = path.leaf
    cdef size_t index = path.index
    if not (leaf.scores[index - 1] < score if index else leaf.previous == NULL):
        return False
    if not (leaf.scores[index + 1] > score if index + 1 < leaf.count else leaf.next == NULL):
        return False
    leaf.scores[index] = score
    if index == 0:
        set_first(path, tree.height, score, leaf.elements[0])
    return True


# --- removing

cdef void tree_remove(Tree* tree, Path* path, size_t count) noexcept:
    """Removes that many entries, one or more, at the path's end, all in its leaf. O(log n)."""
    cdef Leaf* leaf = path.leaf
    leaf.count -= count
    move_entries(leaf, path.index, leaf, path.index + count, leaf.count - path.index)
    add_size(path, tree.height, -<Py_ssize_t>count)
    tree.count -= count
    if leaf.count == 0 and tree.height == 0:
        free_leaf(tree, leaf)
        memset(tree, 0, sizeof(Tree))
        return
    if path.index == 0 and leaf.count:
        set_first(path, tree.height, leaf.scores[0], leaf.elements[0])
    if leaf.count < LEAF_MINIMUM and tree.height:
        rebalance(tree, path)


cdef void rebalance(Tree* tree, Path* path) noexcept:
    """Joins or evens out what has become too small along the path."""
    cdef size_t level = tree.height - 1
    cdef Inner* root = <Inner*>tree.root
    join_leaves(tree, path, level)
    while level > 0 and path.nodes[level].count < INNER_MINIMUM:
        level -= 1
        join_inner(tree, path.nodes[level], path.indices[level])
    if root.count == 1:
        tree.root = root.children[0]
        tree.height -= 1
        free_inner(tree, root)


cdef void join_leaves(Tree* tree, Path* path, size_t level) noexcept:
    """Joins the path's leaf with a neighbour under the same node, which has two children or more, or evens them out."""
    cdef Inner* node = path.nodes[level]
    cdef size_t index = path.indices[level] - 1 if path.indices[level] else 0
    cdef Leaf* left = <Leaf*>node.children[index]
    cdef Leaf* right = <Leaf*>node.children[index + 1]
    cdef size_t moved
    if left.count + right.count <= LEAF_CAPACITY:
        if left.count == 0:         # then it is the path's leaf
            set_first(path, level + 1, right.scores[0], right.elements[0])
        move_entries(left, left.count, right, 0, right.count)
        left.count += right.count
        node.sizes[index] = left.count
        erase_child(node, index + 1)
        left.next = right.next
        if right.next != NULL:
            right.next.previous = left
        else:
            tree.last_leaf = left
        free_leaf(tree, right)
        return
    if left.count < right.count:
        moved = (right.count - left.count) // 2
        move_entries(left, left.count, right, 0, moved)
        move_entries(right, 0, right, moved, right.count - moved)
        left.count += moved
        right.count -= moved
    else:
        moved = (left.count - right.count) // 2
        move_entries(right, moved, right, 0, right.count)
        move_entries(right, 0, left, left.count - moved, moved)
        left.count -= moved
        right.count += moved
    node.sizes[index] = left.count
    node.sizes[index + 1] = right.count
    node.scores[index + 1] = right.scores[0]
    node.elements[index + 1] = right.elements[0]


cdef void join_inner(Tree* tree, Inner* node, size_t index) noexcept:
    """The same for the inner node that is the child at `index` of `node`."""
    if index:
        index -= 1
    cdef Inner* left = <Inner*>node.children[index]
    cdef Inner* right = <Inner*>node.children[index + 1]
    cdef size_t moved
    if left.count + right.count <= INNER_CAPACITY:
        move_children(left, left.count, right, 0, right.count)
        left.count += right.count
        node.sizes[index] += node.sizes[index + 1]
        erase_child(node, index + 1)
        free_inner(tree, right)
        return
    if left.count < right.count:
        moved = (right.count - left.count) // 2
        move_children(left, left.count, right, 0, moved)
        move_children(right, 0, right, moved, right.count - moved)
        left.count += moved
        right.count -= moved
    else:
        moved = (left.count - right.count) // 2
        move_children(right, moved, right, 0, right.count)
        move_children(right, 0, left, left.count - moved, moved)
        left.count -= moved
        right.count += moved
    node.sizes[index] = sum_sizes(left, left.count)
    node.sizes[index + 1] = sum_sizes(right, right.count)
    node.scores[index + 1] = right.scores[0]
    node.elements[index + 1] = right.elements[0]


cdef bint tree_free_some(Tree* tree, Py_ssize_t budget) noexcept:
    """Frees up to `budget` nodes of a tree that nobody reads any more, the last first. Returns whether it is done."""
    cdef void* node
    cdef Inner* parent
    cdef size_t level
    while tree.root != NULL:
        if budget <= 0:
            return False
        budget -= 1
        parent = NULL
        node = tree.root
        level = tree.height
        while level > 0 and (<Inner*>node).count:
            parent = <Inner*>node
            node = parent.children[parent.count - 1]
            level -= 1
        if level:
            free_inner(tree, <Inner*>node)
        else:
            free_leaf(tree, <Leaf*>node)
        if parent != NULL:
            parent.count -= 1
        else:
            memset(tree, 0, sizeof(Tree))
    return True


cdef size_t tree_memory(const Tree* tree) noexcept nogil:
    return tree.leaf_count * allocation_size(sizeof(Leaf)) + tree.inner_count * allocation_size(sizeof(Inner))
