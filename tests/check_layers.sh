#!/bin/sh
# A file includes only its own layer and the ones below it:
# base < client < fdw < cmz_fdw.c, and fdw knows no HTTP.  Only the compat headers know the version.
cd "$(dirname "$0")/.." || exit 2
status=0
forbid() { # pattern, files...
  pattern=$1
  shift
  if grep -nE "$pattern" "$@"; then
    status=1
  fi
}
forbid '^#include "((client|fdw)/|(foreign|nodes|optimizer|executor|catalog|utils|storage|commands)/)|^#include <curl/' \
  src/base/*.c include/base/*.h
forbid 'ereport|elog\(' src/base/*.c
forbid '^#include "(fdw|foreign|nodes|optimizer|executor|catalog|parser|commands)/' src/client/*.c include/client/*.h
forbid '^#include <(curl|openssl|jansson)' src/fdw/*.c include/fdw/*.h
forbid '[>.]exchange\b' src/fdw/*.c include/fdw/*.h
for file in src/*/*.c include/*/*.h cmz_fdw.c; do
  case $file in
    include/client/compat.h | include/fdw/compat.h) ;;
    *) forbid 'PG_VERSION_NUM' "$file" ;;
  esac
done
exit $status
