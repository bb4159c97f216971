"""Replication under random load, with links cut and processes killed: do the data sets stay the same?"""
