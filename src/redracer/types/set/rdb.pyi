from redracer.core.rdb_codec import RdbCodec

CODEC: RdbCodec
