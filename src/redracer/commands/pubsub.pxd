# Compiled with a typed context; the module also runs uncompiled.
from redracer.engine.context cimport Context
from redracer.engine.pubsub cimport PubSub
