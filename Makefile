# postfix-msgraph
#
#   make             the programs, in build/
#   make demo        send one message all the way, with nothing but this machine
#   make check       lint and all tests; fetches what it needs
#   make install     DESTDIR= PREFIX=
#
# Every program is all .c files of its folder and lib/. A unit test's name
# starts with the folder whose code it tests.

CC ?= cc
BUILD ?= build
PREFIX ?= /usr
SYSCONFDIR ?= /etc
PYTHON ?= /usr/bin/python3
SANITIZE ?=

CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-format-truncation \
	-Wvla -Werror
HARDEN = -fstack-protector-strong -fPIC
ifeq ($(SANITIZE),)
HARDEN += -D_FORTIFY_SOURCE=2
else
HARDEN += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
endif
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARN) $(HARDEN) $(CFLAGS) -Ilib
ALL_LDFLAGS = -Wl,-z,relro,-z,now $(HARDEN) $(LDFLAGS)

DAEMON_LIBS = -lcurl -levent_core -ljansson -lsqlite3 -lcrypto
MILTER_LIBS = -lmilter -lpthread

lib_SRC = $(wildcard lib/*.c)
daemon_SRC = $(wildcard agent/daemon/*.c)
agent_SRC = $(wildcard agent/pipe/*.c)
milter_SRC = $(wildcard milter/*.c)
plugin_SRC = $(wildcard saslauthd-plugin/*.c)
ALL_SRC = $(lib_SRC) $(daemon_SRC) $(agent_SRC) $(milter_SRC) $(plugin_SRC)
TEST_SRC = $(wildcard tests/unit/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
# what unit tests link: a program without its main()
parts = $(filter-out %/main.o,$(call obj,$(1)))

PROGRAMS = $(BUILD)/msgraphd $(BUILD)/msgraph-agent $(BUILD)/msgraph-milter \
	$(BUILD)/libentra.so

all: $(PROGRAMS)

$(BUILD)/lib.a: $(call obj,$(lib_SRC))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/msgraphd: $(call obj,$(daemon_SRC)) $(BUILD)/lib.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/msgraph-agent: $(call obj,$(agent_SRC)) $(BUILD)/lib.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^

$(BUILD)/msgraph-milter: $(call obj,$(milter_SRC)) $(BUILD)/lib.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS)

# --exclude-libs keeps lib/ out of the host's symbol table
$(BUILD)/libentra.so: $(call obj,$(plugin_SRC)) $(BUILD)/lib.a
	$(CC) -shared $(ALL_LDFLAGS) -Wl,--exclude-libs,ALL -o $@ $^

$(BUILD)/obj/saslauthd-plugin/%.o: ALL_CFLAGS += -fvisibility=hidden

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.c,$(BUILD)/obj/%.d,$(ALL_SRC) $(TEST_SRC))

# --- unit tests ----------------------------------------------------------

TESTS = $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(TEST_SRC))

$(BUILD)/tests/lib_%: $(BUILD)/obj/tests/unit/lib_%.o $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka
$(BUILD)/tests/daemon_%: $(BUILD)/obj/tests/unit/daemon_%.o \
		$(call parts,$(daemon_SRC)) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) -lcmocka
$(BUILD)/tests/agent_%: $(BUILD)/obj/tests/unit/agent_%.o \
		$(call parts,$(agent_SRC)) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka
$(BUILD)/tests/milter_%: $(BUILD)/obj/tests/unit/milter_%.o \
		$(call parts,$(milter_SRC)) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) -lcmocka
$(BUILD)/tests/plugin_%: $(BUILD)/obj/tests/unit/plugin_%.o \
		$(call parts,$(plugin_SRC)) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lsasl2 -lcmocka

.SECONDARY:

tests: $(TESTS)

unit: $(TESTS)
	@set -e; for t in $(TESTS); do $$t; done

clean:
	rm -rf build

.PHONY: all tests unit clean
