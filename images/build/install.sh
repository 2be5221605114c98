#!/bin/sh
# One layer: the dependencies of an image in /opt/clt, compiled, and nothing that installed them.
# Reads from the folder of this script, beside tools.txt: constraints.txt, what excludes*.txt
# leaves out of it, and trim.sh, which removes files.
set -eu
here=$(dirname "$0")
export SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt

# Who mounts a cache of uv's there (buildah build -v) saves the download.
export UV_CACHE_DIR=/var/cache/uv
[ -e "$UV_CACHE_DIR/CACHEDIR.TAG" ] || export UV_NO_CACHE=1

python3 -m venv /tools
/tools/bin/python -m pip install -q --no-cache-dir --require-hashes -r "$here/tools.txt"
python3 -m venv --without-pip /opt/clt
set -- -q --no-deps --require-hashes --python /opt/clt/bin/python -r "$here/constraints.txt"
for excludes in "$here"/excludes*.txt; do
  [ ! -e "$excludes" ] || set -- "$@" --excludes "$excludes"
done
/tools/bin/uv pip install "$@"

cd /opt/clt/lib/python3*/site-packages
sh "$here/trim.sh"
find . -depth \( -type d -name tests -o -name '*.a' -o -name '*.pyx' -o -name '*.pxd' \) \
  -exec rm -rf {} +
# For a root that is read-only. Bytecode that looks at no clock is the same in every build. What
# does not compile is meant for a later Python.
python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash . || echo "compiled, but for these"

find /usr -depth \( -path '*/site-packages/pip*' -o -path '*/site-packages/setuptools*' \
  -o -path '*/site-packages/wheel*' -o -path '*/python3*/ensurepip' -o -path '*/python-wheels' \
  -o -path '*/bin/pip*' \) -exec rm -rf {} +
rm -rf /tools "$here"
