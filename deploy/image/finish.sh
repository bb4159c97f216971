#!/bin/sh
# What every image of redracer has, whatever it is built from: the user, the data directory, and the names by which scripts
# and people call Redis's programs. Run as root inside the image, after redracer is installed under /usr/local.
set -eu

echo 'redis:x:1001:' >>/etc/group
echo 'redis:x:1001:1001:redis:/data:/bin/sh' >>/etc/passwd
mkdir -p /data /backup
chown 1001:1001 /data /backup

cd /usr/local/bin
ln -sf redracer-server redis-server
ln -sf redracer-cli redis-cli
ln -sf redracer-check-rdb redis-check-rdb
ln -sf redracer-check-aof redis-check-aof

# Compiled here once: at run time the file system is read-only, and each start would compile anew.
python3 -m compileall -q "$(python3 -c 'import os, redracer; print(os.path.dirname(redracer.__file__))')"
redis-server --version
redis-cli --version
