"""types/list/packed.pyx has an interface for compiled code only: packed.pxd."""
