#!/bin/sh
# Run in site-packages: what the operator's dependencies bring and it never imports.
set -eu
rm -rf kubernetes/aio kubernetes/client/api
find botocore/data -mindepth 1 -maxdepth 1 -type d \
  ! -name s3 ! -name sts ! -name 'sso*' ! -name signin -exec rm -rf {} +
