#!/bin/sh
# Run in site-packages: what only compilers read, and in an image without an accelerator the
# libraries that torch is not linked with, which it opens where it finds a GPU.
set -eu
rm -rf torch/include torch/bin/protoc* nvidia/*/include pyarrow/include numpy/_core/include
if [ "$ACCELERATOR" = none ]; then
  ldd torch/lib/libtorch_cuda.so | sed -n 's|.*=> .*/\(nvidia/[^ ]*\) .*|\1|p' > /tmp/linked
  find nvidia -name '*.so*' | grep -vxFf /tmp/linked | xargs -r rm
  rm /tmp/linked
fi
