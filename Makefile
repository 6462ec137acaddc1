# cmz_fdw: DynamoDB behind plain SQL

EXTENSION = cmz_fdw
MODULE_big = cmz_fdw
DATA = $(wildcard sql/cmz_fdw--*.sql)
PGFILEDESC = "cmz_fdw - foreign-data wrapper for DynamoDB"

OBJS = $(patsubst %.c,%.o,cmz_fdw.c $(wildcard src/base/*.c src/client/*.c src/fdw/*.c))

PG_CPPFLAGS = -I$(srcdir)/include
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
SHLIB_LINK = -lcurl -lcrypto -ljansson

# make installcheck needs a running server and DynamoDB Local, by default at
# http://localhost:8000; DYNAMODB_ENDPOINT_URL names another.
REGRESS = setup options layout types select pushdown reads insert write import provision explain
REGRESS_OPTS = --load-extension=cmz_fdw
export DYNAMODB_ENDPOINT_URL ?= http://localhost:8000

EXTRA_CLEAN = tests/unit/unit tests/unit/*.o bench/canned bench/decoder bench/wire

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS knows no headers
$(OBJS): $(wildcard include/*/*.h)

# The base layer again, as plain programs: no server needed.
BASE_SRCS = $(wildcard src/base/*.c)
BASE_HEADERS = $(wildcard include/base/*.h)
FRONTEND_CC = $(CC) -DFRONTEND -g -O2 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	$(FRONTEND_CFLAGS) $(CPPFLAGS)
FRONTEND_LIBS = -L$(pkglibdir) -L$(libdir) -lpgcommon -lpgport -lcrypto -ljansson -lm

.PHONY: unit bench
unit: tests/unit/unit
	./$<
tests/unit/unit: $(BASE_SRCS) $(wildcard tests/unit/*.c tests/unit/*.h) $(BASE_HEADERS)
	$(FRONTEND_CC) -o $@ $(filter %.c,$^) $(FRONTEND_LIBS)

bench: bench/canned bench/decoder bench/wire
bench/canned: bench/canned.c bench/answers.c bench/answers.h
bench/decoder: bench/decoder.c
bench/canned bench/decoder: bench/items.c bench/items.h $(BASE_SRCS) $(BASE_HEADERS)
	$(FRONTEND_CC) -D_GNU_SOURCE -Ibench -o $@ $(filter %.c,$^) $(FRONTEND_LIBS)
bench/wire: bench/wire.c bench/items.c bench/items.h
	$(CC) -O2 -Wall -Wextra $(FRONTEND_CFLAGS) -Ibench -o $@ $(filter %.c,$^) -lcurl
