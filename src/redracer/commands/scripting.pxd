# Compiled with a typed context; the module also runs uncompiled.
from redracer.engine.client cimport Client
from redracer.engine.context cimport Context
