# postfix-msgraph
#
#   make             the programs, in build/
#   make demo        send one message all the way, with nothing but this machine
#   make check       lint and all tests; fetches what it needs
#   make quick       lint and unit tests
#   make e2e         the end-to-end tests; T=recipients: those of one subject
#   make confined    the end-to-end tests with the units' lists of system calls
#   make fresh       demo and check in a new Debian; RELEASE=bookworm|trixie
#   make install     DESTDIR= PREFIX=; docs/packaging.md has the other knobs
#   make uninstall   the same, back; settings and state stay
#   make dist        the source as a tarball, in build/dist
#
# Every program is all .c files of its folder and lib/. A unit test's name
# starts with the folder whose code it tests.

CC ?= cc
BUILD ?= build
PREFIX ?= /usr
SYSCONFDIR ?= /etc
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3
SANITIZE ?=
# -Werror in "make check" alone: a compiler newer than ours may know warnings
# that must not keep an admin from building
WERROR ?=

CFLAGS ?= -O2 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-format-truncation \
	-Wvla $(WERROR)
HARDEN = -fstack-protector-strong -fPIC
ifeq ($(SANITIZE),)
# not twice, where a distribution's flags have it
HARDEN += $(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),, \
	-D_FORTIFY_SOURCE=2)
else
HARDEN += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
endif
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARN) $(HARDEN) $(CPPFLAGS) $(CFLAGS) -I.
ALL_LDFLAGS = -Wl,-z,relro,-z,now $(HARDEN) $(LDFLAGS)

DAEMON_LIBS = -lcurl -levent_core -ljansson -lsqlite3 -lssl -lcrypto
MILTER_LIBS = -lmilter -lpthread
CTL_LIBS = -lcurl -ljansson -lsasl2 -lssl -lcrypto

# lib/mail reads mail: msgraphd and libentra.so, which hold secrets, never link it
mail_SRC = $(wildcard lib/mail/*.c)
lib_SRC = $(filter-out lib/mail/%,$(wildcard lib/*/*.c))
daemon_SRC = $(wildcard agent/daemon/*.c agent/daemon/*/*.c)
agent_SRC = $(wildcard agent/pipe/*.c agent/pipe/*/*.c)
milter_SRC = $(wildcard milter/*.c)
plugin_SRC = $(wildcard saslauthd-plugin/*.c)
ctl_SRC = $(wildcard agent/ctl/*.c agent/ctl/*/*.c)
ALL_SRC = $(lib_SRC) $(mail_SRC) $(daemon_SRC) $(agent_SRC) $(milter_SRC) \
	$(plugin_SRC) $(ctl_SRC)
TEST_SRC = $(wildcard tests/unit/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
# what unit tests link: a program without its main()
parts = $(filter-out %/main.o,$(call obj,$(1)))

PROGRAMS = $(BUILD)/msgraphd $(BUILD)/msgraph-agent $(BUILD)/msgraph-milter \
	$(BUILD)/libentra.so $(BUILD)/msgraphctl

all: $(PROGRAMS)

$(BUILD)/lib.a: $(call obj,$(lib_SRC))
$(BUILD)/mail.a: $(call obj,$(mail_SRC))
$(BUILD)/lib.a $(BUILD)/mail.a:
	@rm -f $@
	$(AR) rcs $@ $^

MAIL = $(BUILD)/mail.a $(BUILD)/lib.a

$(BUILD)/msgraphd: $(call obj,$(daemon_SRC)) $(BUILD)/lib.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/msgraph-agent: $(call obj,$(agent_SRC)) $(MAIL)
	$(CC) $(ALL_LDFLAGS) -o $@ $^

$(BUILD)/msgraph-milter: $(call obj,$(milter_SRC)) $(MAIL)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS)

$(BUILD)/msgraphctl: $(call obj,$(ctl_SRC)) $(BUILD)/lib.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CTL_LIBS)

# --exclude-libs keeps lib/ out of the host's symbol table
$(BUILD)/libentra.so: $(call obj,$(plugin_SRC)) $(BUILD)/lib.a
	$(CC) -shared $(ALL_LDFLAGS) -Wl,--exclude-libs,ALL -o $@ $^

$(BUILD)/obj/saslauthd-plugin/%.o: ALL_CFLAGS += -fvisibility=hidden

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

-include $(patsubst %.c,$(BUILD)/obj/%.d,$(ALL_SRC) $(TEST_SRC) \
	$(wildcard tests/oracle/*.c))

# --- unit tests ----------------------------------------------------------

TESTS = $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(TEST_SRC))

$(BUILD)/tests/lib_%: $(BUILD)/obj/tests/unit/lib_%.o $(MAIL)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka
$(BUILD)/tests/daemon_%: $(BUILD)/obj/tests/unit/daemon_%.o \
		$(call parts,$(daemon_SRC)) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS) -lcmocka
$(BUILD)/tests/agent_%: $(BUILD)/obj/tests/unit/agent_%.o \
		$(call parts,$(agent_SRC)) $(MAIL)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lcmocka
$(BUILD)/tests/milter_%: $(BUILD)/obj/tests/unit/milter_%.o \
		$(call parts,$(milter_SRC)) $(MAIL)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) -lcmocka
$(BUILD)/tests/plugin_%: $(BUILD)/obj/tests/unit/plugin_%.o \
		$(call parts,$(plugin_SRC)) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lsasl2 -lcmocka

$(BUILD)/tests/ctl_%: $(BUILD)/obj/tests/unit/ctl_%.o \
		$(call parts,$(ctl_SRC)) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CTL_LIBS) -lcmocka

# those fail one allocation after the other
$(BUILD)/tests/%_alloc: ALL_LDFLAGS += $(foreach \
	f,malloc calloc realloc reallocarray strdup free,-Wl,--wrap=$f)

# those answer requests by themselves: fake_http.h
FAKE_HTTP = $(shell grep -l '"fake_http.h"' tests/unit/*.c)
$(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(FAKE_HTTP)): ALL_LDFLAGS += \
	-Wl,--wrap=http_start,--wrap=http_cancel

# that counts what is looked after
$(BUILD)/tests/daemon_housekeeping: ALL_LDFLAGS += \
	$(foreach f,accounts_sweep accounts_warn identities_refresh \
	identities_remind identities_look_at_files observe_tell,-Wl,--wrap=$f)

# that looks what is wiped
$(BUILD)/tests/plugin_sasl: ALL_LDFLAGS += -Wl,--wrap=secret_wipe

# that has a map outside of its own
$(BUILD)/tests/daemon_identities_unsure: ALL_LDFLAGS += \
	-Wl,--wrap=outside_is_used,--wrap=outside_find

# those have a network, accounts and a clock of their own: daemon_fake.h
FAKED = $(shell grep -l '"daemon_fake.h"' tests/unit/*.c)
$(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(FAKED)): ALL_LDFLAGS += $(foreach \
	f,http_start http_cancel http_may_have_all http_answer_header \
	account_token account_cancel identities_may_deliver \
	identities_fallback identities_prepare_mail,-Wl,--wrap=$f)

.SECONDARY:

# side by side, since some of them wait; what one says is shown if it fails
unit: $(TESTS)
	@printf '%s\n' $(TESTS) | xargs -P 4 -I{} \
	    sh -c '{} >{}.log 2>&1 || { cat {}.log; exit 1; }'
	@echo "unit tests: $(words $(TESTS)) programs passed"

# our readers of mail as programs, for tests that compare them with others
ORACLE = $(BUILD)/oracle/readers $(BUILD)/oracle/parts
oracle-readers: $(ORACLE)
$(BUILD)/oracle/%: $(BUILD)/obj/tests/oracle/%.o $(MAIL)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^

include tests/simulation/rules.mk

# --- check ---------------------------------------------------------------
#
# The programs run twice: unit tests and e2e tests with ASan and UBSan, and the
# tests about memory as they are shipped. libentra.so is loaded into
# Postfix's smtpd, which knows nothing of ASan, so there it is the plain one.

# settings in pytest.ini; programs among the tests run as modules
PYTEST = $(PYTHON) -B -m pytest
# most tests wait most of the time: so many files at once, each by one process
BY_FILE = -n 8 --dist loadfile
MODULE = env PYTHONPATH=$(CURDIR)/tests $(PYTHON) -B -m
SAN_BUILD = build/san
MIXED = build/mixed
TSAN_BUILD = build/tsan
# where every user can reach it
CONFINED = /var/tmp/postfix-msgraph-confined
TSAN_TESTS = $(addprefix $(TSAN_BUILD)/tests/,lib_log \
	$(basename $(notdir $(wildcard tests/unit/milter_*.c))))
# those measure or read memory, or bring an allocator of their own
PLAIN_TESTS = tests/e2e/test_memory.py tests/e2e/test_allocations.py \
	tests/e2e/test_wiped.py tests/e2e/test_daemon_own.py \
	tests/e2e/test_daemon_submit.py tests/e2e/test_admin_crowd.py \
	tests/e2e/test_maps_many.py
# that changes what all tests see of the host
HOST_TESTS = tests/e2e/test_doctor_host.py

C_FILES = $(shell git ls-files '*.c' '*.h' 2>/dev/null || \
	find . -name '*.[ch]' -not -path './build/*')
SH_FILES = tests/packages tests/with-users tests/again tests/judge \
	tests/on-copy \
	tests/fresh \
	tests/boot/mistakes tests/boot/package tests/boot/cross tests/boot/rpm \
	conf-examples/keyvault/* \
	conf-examples/maps/msgraph-names conf-examples/maps/msgraph-names-ldap \
	debian/postinst debian/prerm debian/postrm debian/ca-certificates.hook \
	debian/tests/demo debian/tests/setup debian/sbom \
	agent/ctl/msgraphctl.bash
MAN_PAGES = $(wildcard lib/*/*.5 agent/*/*.8 agent/daemon/*/*.5 milter/*.8 saslauthd-plugin/*.8)

SANITIZED = $(MAKE) -j2 BUILD=$(SAN_BUILD) SANITIZE=address,undefined \
	CFLAGS='-O1 -g'

check: export WERROR = -Werror
check:
	@rm -f build/skipped
	tests/packages test
	$(MAKE) quick
	$(SANITIZED) all unit
	$(MAKE) -j2 fuzz-corpus
	$(MAKE) e2e
	@echo "make check: all that ran has passed"
	@if [ -s build/skipped ]; then sort -u build/skipped; \
	    else echo "nothing was skipped"; fi

$(MIXED): all
	@mkdir -p $@
	@for p in msgraphd msgraph-agent msgraph-milter msgraphctl; do \
	    ln -sf ../san/$$p $@/$$p; done
	@ln -sf ../libentra.so $@/libentra.so
	@ln -sfn ../tests $@/tests

# the milter is the one program with threads; ThreadSanitizer and ASan do not mix
threads:
	$(MAKE) -j2 BUILD=$(TSAN_BUILD) SANITIZE=thread CFLAGS='-O1 -g' \
	    $(TSAN_BUILD)/msgraph-milter $(TSAN_TESTS)
	@set -e; for t in $(TSAN_TESTS); do $$t; done
	TSAN_OPTIONS=halt_on_error=1:suppressions=$(CURDIR)/tests/threads.supp \
	    MSGRAPH_BUILD=$(CURDIR)/$(TSAN_BUILD) tests/with-users $(PYTEST) \
	    tests/e2e/test_milter_alone.py tests/e2e/test_milter_policy.py \
	    tests/e2e/test_milter_process.py tests/e2e/test_milter_watchdog.py

# not those that read the programs' files, which a launcher has replaced
confined:
	tests/packages confined
	$(MAKE) -j2 all
	tests/confined $(BUILD) $(CONFINED)
	MSGRAPH_BUILD=$(CONFINED) tests/with-users tests/again \
	    $(PYTEST) $(BY_FILE) tests/e2e $(addprefix --ignore=,$(PLAIN_TESTS) \
	    $(HOST_TESTS) tests/e2e/test_install.py tests/e2e/test_trust.py)
	rm -rf $(CONFINED)

# while you work: what is found in a minute
quick:
	$(MAKE) lint
	$(MAKE) -j2 all $(TESTS)
	$(MAKE) -s unit
	$(PYTEST) tests/lint

ifdef T
# one subject, with the programs as they are shipped: make e2e T=recipients
e2e: all
	MSGRAPH_BUILD=$(CURDIR)/build tests/with-users \
	    $(PYTEST) $(or $(wildcard tests/e2e/test_*$(T)*.py), \
	    $(error there is no tests/e2e/test_*$(T)*.py))
else
e2e: $(MIXED) $(SIMULATED) $(ORACLE)
	$(SANITIZED) all
	MSGRAPH_BUILD=$(CURDIR)/$(MIXED) tests/with-users tests/again \
	    $(PYTEST) $(BY_FILE) tests/e2e tests/simulation tests/emulator \
	    tests/oracle $(addprefix --ignore=,$(PLAIN_TESTS) $(HOST_TESTS))
	MSGRAPH_BUILD=$(CURDIR)/build tests/with-users tests/again \
	    $(PYTEST) $(BY_FILE) $(PLAIN_TESTS)
	MSGRAPH_BUILD=$(CURDIR)/build tests/with-users $(PYTEST) $(HOST_TESTS)
endif

# the versions of Debian 12; others find other things in the same files
lint:
	tests/lint/folders.py
	@tests/judge clang-format 14 clang-format -n -Werror $(C_FILES)
	tests/judge cppcheck 2.10 cppcheck --quiet --error-exitcode=1 \
	    --inline-suppr --std=c11 --enable=warning,performance,portability -I. \
	    --suppress=missingIncludeSystem lib agent milter saslauthd-plugin
	shellcheck $(SH_FILES)
	mandoc -T lint -W warning $(MAN_PAGES)
	@# Debian's man(1) formats with groff, which breaks what is too wide
	@tests/judge groff 1.22 sh -c 'for page do \
	    if groff -ww -mdoc -Tascii -P-cbou $$page 2>&1 | \
		grep -E ".{81}|^(groff|troff|grotty)"; then \
		echo "$$page: does not fit 80 columns" >&2; exit 1; \
	    fi; \
	done' sh $(MAN_PAGES)

# --- fuzz and bench ------------------------------------------------------

FUZZ_SECONDS ?= 60
FUZZERS = $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SRC = $(lib_SRC) $(mail_SRC) $(filter-out %/main.c,$(agent_SRC))

FUZZ_CC = clang -std=c11 -D_GNU_SOURCE -O1 -g -I. \
	-Itests/fuzz -fno-sanitize-recover=all

$(BUILD)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	$(FUZZ_CC) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c \
	    -o $@ $<

$(BUILD)/fuzz/%: tests/fuzz/fuzz_%.c \
		$(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(FUZZ_SRC)) \
		$(wildcard tests/unit/*.h)
	@mkdir -p $@.corpus
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -o $@ \
	    $(filter-out %.h,$^) $(FUZZ_LIBS)

# the readers of msgraphd's: credentials are the table's own
TABLE_SRC = $(filter-out %_watch.c,$(wildcard agent/daemon/identities/table*.c)) \
	agent/daemon/identities/network.c \
	agent/daemon/base/secret_file.c agent/daemon/base/acl.c
$(BUILD)/fuzz/table: $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(TABLE_SRC))
NETSTRING_SRC = agent/daemon/maps/netstring.c
$(BUILD)/fuzz/socketmap: $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(NETSTRING_SRC))

AZURE_SRC = $(addprefix agent/daemon/maps/map_azure_,answer.c row.c) \
	agent/daemon/identities/table_line.c
$(BUILD)/fuzz/azure: $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(AZURE_SRC))
$(BUILD)/fuzz/azure: FUZZ_LIBS = -ljansson

-include $(patsubst %.c,$(BUILD)/fuzz/obj/%.d,$(FUZZ_SRC) $(TABLE_SRC) \
	$(NETSTRING_SRC) $(AZURE_SRC))

# what is new goes into build/, what is in the tree is read only
fuzz: $(addprefix $(BUILD)/fuzz/,$(FUZZERS))
	@set -e; for f in $(FUZZERS); do \
	    words=tests/fuzz/$$f.dict; [ -e $$words ] || words=tests/fuzz/mail.dict; \
	    $(BUILD)/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
		-dict=$$words \
		$(BUILD)/fuzz/$$f.corpus tests/fuzz/corpus/$$f; \
	done
	$(MODULE) oracle.fuzz $(FUZZ_SECONDS) \
	    $(addsuffix .corpus,$(addprefix $(BUILD)/fuzz/,$(FUZZERS)))

# every input that was ever kept, once
fuzz-corpus: $(addprefix $(BUILD)/fuzz/,$(FUZZERS))
	@set -e; for f in $(FUZZERS); do \
	    $(BUILD)/fuzz/$$f -runs=0 -timeout=5 tests/fuzz/corpus/$$f \
		2>$(BUILD)/fuzz/$$f.log || \
		{ cat $(BUILD)/fuzz/$$f.log; exit 1; }; \
	done; echo "fuzz corpora: $(words $(FUZZERS)) targets passed"

# any folder of messages, through milter and agent: make messages DIR=Maildir
messages: all
	MSGRAPH_BUILD=$(CURDIR)/$(BUILD) $(MODULE) folder $(ARGS) \
	    $(or $(DIR),$(error DIR=a folder with messages))

bench:
	tests/packages bench
	$(MAKE) all
	MSGRAPH_BUILD=$(CURDIR)/$(BUILD) tests/with-users \
	    $(MODULE) bench.bench $(BENCH_ARGS)
	MSGRAPH_BUILD=$(CURDIR)/$(BUILD) tests/with-users \
	    $(MODULE) bench.agent

$(BUILD)/tests/bench_accounts: $(BUILD)/obj/tests/bench/accounts.o \
		$(call parts,$(daemon_SRC)) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

# how long the loop stands for 10,000 applications
bench-accounts: $(BUILD)/tests/bench_accounts
	$<

$(BUILD)/tests/bench_graph: $(BUILD)/obj/tests/bench/graph.o
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -levent_core -levent_extra \
	    -levent_openssl -lssl -lcrypto

# what one application's mail costs another; ONLY=8a: one row
bench-fair: all $(BUILD)/tests/bench_accounts $(BUILD)/tests/bench_graph
	MSGRAPH_BUILD=$(CURDIR)/$(BUILD) tests/with-users \
	    $(MODULE) bench.fair --only "$(ONLY)"

$(BUILD)/tests/bench_policy: $(BUILD)/obj/tests/bench/policy.o $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lpthread

# what the milter's questions cost while messages are delivered
bench-policy: all $(BUILD)/tests/bench_policy $(BUILD)/tests/bench_graph
	MSGRAPH_BUILD=$(CURDIR)/$(BUILD) tests/with-users \
	    $(MODULE) bench.policy

include tests/torture/rules.mk

# --- the rest ------------------------------------------------------------

demo:
	tests/packages demo
	$(MAKE) -s all
	MSGRAPH_BUILD=$(abspath $(BUILD)) tests/with-users \
	    $(MODULE) demo.demo

# what somebody does who has just found this, on a new machine
fresh:
	tests/packages fresh
	tests/fresh $(or $(RELEASE),$(error RELEASE=bookworm or trixie)) \
	    sh -c 'make demo && make check'

SASL_DIR ?= $(shell $(PKG_CONFIG) --variable=libdir libsasl2 2>/dev/null || \
	echo $(PREFIX)/lib)/sasl2
SBIN_DIR = $(PREFIX)/sbin
AGENT_DIR = $(PREFIX)/libexec/msgraph
MAN_DIR = $(PREFIX)/share/man
DOC_DIR = $(PREFIX)/share/doc/postfix-msgraph
UNIT_DIR ?= $(PREFIX)/lib/systemd/system
TMPFILES_DIR ?= $(PREFIX)/lib/tmpfiles.d
SYSUSERS_DIR ?= $(PREFIX)/lib/sysusers.d
COMPLETION_DIR = $(PREFIX)/share/bash-completion/completions
CONF_DIR = $(SYSCONFDIR)/msgraph

SHARE_DIR = $(PREFIX)/share/postfix-msgraph

# fragments that "msgraphctl setup" reads, beside its own folder's parent
FRAGMENTS = $(shell find conf-examples/postfix conf-examples/sasl -type f)
share_dir = $(patsubst conf-examples/%,$(SHARE_DIR)/%,$(dir $(1)))
EXAMPLES = $(filter-out $(FRAGMENTS),$(shell find conf-examples -type f))
example_dir = $(patsubst conf-examples/%,$(DOC_DIR)/examples/%,$(dir $(1)))
UNITS = $(wildcard conf-examples/systemd/*)

# $(call text,FILE,FOLDER): a file as it is, but for the places it names. They
# are those of PREFIX=/usr in the tree.
define text
	sed -E 's,/usr/(sbin|libexec|share/doc)/,$(PREFIX)/\1/,g' $(1) | \
	    install -m 644 /dev/stdin $(DESTDIR)$(2)/$(notdir $(1))

endef
texts = $(foreach f,$(1),$(call text,$(f),$(2)))

# A folder that exists keeps its mode and owner: "install -d" would open
# /etc/msgraph again, which tmpfiles.d closes.
install: all
	for d in $(addprefix $(DESTDIR),$(SBIN_DIR) $(AGENT_DIR) \
	    $(SASL_DIR) $(MAN_DIR)/man5 $(MAN_DIR)/man8 $(UNIT_DIR) \
	    $(TMPFILES_DIR) $(SYSUSERS_DIR) $(COMPLETION_DIR) $(CONF_DIR) \
	    $(sort $(foreach f,$(EXAMPLES),$(call example_dir,$(f)))) \
	    $(sort $(foreach f,$(FRAGMENTS),$(call share_dir,$(f))))); do \
	    [ -d $$d ] || install -d $$d || exit 1; done
	install -m 755 $(BUILD)/msgraphd $(BUILD)/msgraph-milter \
	    $(BUILD)/msgraphctl $(DESTDIR)$(SBIN_DIR)
	install -m 755 $(BUILD)/msgraph-agent $(DESTDIR)$(AGENT_DIR)
	install -m 644 $(BUILD)/libentra.so $(DESTDIR)$(SASL_DIR)
	$(call texts,$(filter %.5,$(MAN_PAGES)),$(MAN_DIR)/man5)
	$(call texts,$(filter %.8,$(MAN_PAGES)),$(MAN_DIR)/man8)
	$(call texts,$(UNITS),$(UNIT_DIR))
	$(call text,conf-examples/tmpfiles.d/msgraph.conf,$(TMPFILES_DIR))
	$(call text,conf-examples/sysusers.d/msgraph.conf,$(SYSUSERS_DIR))
	install -m 644 agent/ctl/msgraphctl.bash \
	    $(DESTDIR)$(COMPLETION_DIR)/msgraphctl
	$(foreach f,$(EXAMPLES),$(call text,$(f),$(call example_dir,$(f))))
	$(foreach f,$(FRAGMENTS),$(call text,$(f),$(call share_dir,$(f))))
	test -e $(DESTDIR)$(CONF_DIR)/msgraph.conf || \
	    install -m 644 conf-examples/msgraph.conf $(DESTDIR)$(CONF_DIR)

uninstall:
	rm -rf $(addprefix $(DESTDIR),$(AGENT_DIR) $(DOC_DIR) $(SHARE_DIR))
	rm -f $(addprefix $(DESTDIR),$(SBIN_DIR)/msgraphd \
	    $(SBIN_DIR)/msgraph-milter $(SBIN_DIR)/msgraphctl \
	    $(SASL_DIR)/libentra.so \
	    $(addprefix $(MAN_DIR)/man5/,$(notdir $(filter %.5,$(MAN_PAGES)))) \
	    $(addprefix $(MAN_DIR)/man8/,$(notdir $(filter %.8,$(MAN_PAGES)))) \
	    $(addprefix $(UNIT_DIR)/,$(notdir $(UNITS))) \
	    $(TMPFILES_DIR)/msgraph.conf $(SYSUSERS_DIR)/msgraph.conf \
	    $(COMPLETION_DIR)/msgraphctl)

# The tree of HEAD. git takes the time of the commit and gzip none, so a second
# run makes the same bytes.
VERSION = $(shell sed -n 's/.*MSGRAPH_VERSION "\(.*\)"/\1/p' lib/base/version.h)
DIST = postfix-msgraph-$(VERSION)
dist:
	@mkdir -p $(BUILD)/dist
	git -c tar.umask=0022 archive --prefix=$(DIST)/ HEAD >$(BUILD)/dist/tar
	gzip -n -9 <$(BUILD)/dist/tar >$(BUILD)/dist/$(DIST).tar.gz
	rm $(BUILD)/dist/tar
	debian/sbom $(BUILD)/dist/$(DIST).tar.gz \
	    "$$(TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)" \
	    >$(BUILD)/dist/$(DIST).spdx.json
	cd $(BUILD)/dist && sha256sum $(DIST).tar.gz $(DIST).spdx.json >SHA256SUMS

clean:
	rm -rf build

.PHONY: all unit oracle-readers check threads confined quick e2e lint fuzz fuzz-corpus \
	messages bench bench-accounts bench-fair bench-policy demo fresh \
	install uninstall dist clean $(MIXED)
