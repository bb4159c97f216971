"""types/list/node.pyx has an interface for compiled code only: node.pxd."""
