# Waypost - one makefile. Folders are found by wildcard: a new source, role,
# command, test or fuzz target needs no edit here.
#
#   make            everything below build/: libexec/<role>, sbin/<command>
#   make run        a private instance in the foreground    (RUN_DIR= SMTP_PORT=)
#   make test       all tests; `make check` only unit tests (TEST=part of a name)
#   make test-long  the long forms of those that have one, tests/long, fuzz targets
#   make check-asan unit tests under address and undefined-behaviour sanitizers;
#                   check-system-asan: a selection of system tests
#   make fuzz       each fuzz target for FUZZ_SECONDS       (FUZZ=part of a name)
#   make bench      speed beside Postfix                    (ROWS= ROUNDS= SYSTEMS=)
#   make deb        the Debian package, below build/        (DEB_VERSION=)
#   make deps lint format sizes install clean
#
# Variables: CC, BUILD=, V=1 (show commands), WERROR=1, FIBER=ucontext,
# SANITIZE=address,undefined; for install DESTDIR= and the directories below.
# SPDX-License-Identifier: Apache-2.0

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

ifeq ($(origin CC),default)
CC = gcc
endif
BUILD ?= build
V ?= 0
Q = $(if $(filter 0,$(V)),@,)
say = @$(if $(filter 0,$(V)),echo "  $(1)	$(2)",:)

# --- Flags -----------------------------------------------------------------

WARN = -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla \
	-Wno-unused-parameter -Werror=implicit-function-declaration \
	$(if $(WERROR),-Werror)
# Sanitizers rewrite code so that gcc sees overflows that are not there.
HARDEN = $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong
SAN = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=undefined -Wno-stringop-truncation -Wno-unknown-warning-option)
OPT = -O2 -g -fno-omit-frame-pointer
CFLAGS = -std=gnu17 $(OPT) -fPIE -pthread $(WARN) $(HARDEN) $(SAN)
CPPFLAGS = -D_GNU_SOURCE -I. $(if $(filter ucontext,$(FIBER)),-DFIBER_UCONTEXT=1) $(PATHS)
LDFLAGS = -pie -pthread -Wl,-z,now -Wl,-z,relro -Wl,--as-needed $(SAN)
# Code that runs on 64 KiB fiber stacks; tests and sanitizers are exempt.
FRAME = $(if $(SANITIZE),,-Wframe-larger-than=4096)

# Where things are on the system: the drop-in layout. Each may be set on the
# command line, and is then compiled in (common/mail/paths.h).
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
config_directory = /etc/postfix
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
mail_owner = postfix
setgid_group = postdrop
bindir = /usr/bin
libdir = /usr/lib
mandir = /usr/share/man
datadir = /usr/share/waypost
unitdir = /usr/lib/systemd/system
sysusersdir = /usr/lib/sysusers.d
tmpfilesdir = /usr/lib/tmpfiles.d
path = $(if $(filter command line,$(origin $(2))),-DPATH_$(1)=\"$($(2))\")
PATHS = $(strip $(call path,COMMANDS,command_directory) $(call path,DAEMONS,daemon_directory) \
	$(call path,CONFIG,config_directory) $(call path,QUEUE,queue_directory) \
	$(call path,DATA,data_directory))

# --- What is there ---------------------------------------------------------

# Floors, highest first: the order of the link line.
FLOORS := shared queue maps service mail io base
DIR_base := common/base
DIR_io := common/io
DIR_mail := common/mail
DIR_service := common/service
DIR_maps := maps
DIR_queue := queue
DIR_shared := daemons/shared
# What a floor's unit tests may link besides the floor itself.
BELOW_base :=
BELOW_io := base
BELOW_mail := io base
BELOW_service := mail io base
BELOW_maps := service mail io base
BELOW_queue := service mail io base
BELOW_shared := queue maps service mail io base

src = $(wildcard $(1)/*.c $(1)/*.S)
obj = $(patsubst %,$(1)/obj/%.o,$(basename $(2)))

ROLE_DIRS := $(filter-out daemons/shared daemons/commands, \
	$(patsubst %/,%,$(sort $(wildcard daemons/*/))))
main_of = daemons/$(1)/$(subst -,_,$(1)).c
# A role whose main is not written yet is not linked.
ROLES := $(foreach r,$(notdir $(ROLE_DIRS)),$(if $(wildcard $(call main_of,$(r))),$(r)))
CONF_SRC := $(filter-out daemons/shared/%,$(wildcard daemons/*/*_conf.c))
COMMAND_SRC := $(filter-out %_lib.c %/cmd.c daemons/commands/common_%.c, \
	$(wildcard daemons/commands/*.c))
COMMAND_LIB_SRC := $(filter-out $(COMMAND_SRC),$(wildcard daemons/commands/*.c)) \
	$(wildcard daemons/commands/lib/*.c)
COMMANDS := $(notdir $(basename $(COMMAND_SRC)))

# Second names: alias:target.
ROLE_LINKS := lmtp:smtp nqmgr:qmgr oqmgr:qmgr
# Roles of a stock master.cf without work here (common/service/programs.c).
IDLE_ROLES := dnsblog postscreen qmqpd scache tlsmgr tlsproxy
ROLE_LINKS += $(patsubst %,%:idle,$(filter-out $(ROLES),$(IDLE_ROLES)))
COMMAND_LINKS := postfix:waypost mailq:sendmail newaliases:sendmail \
	$(if $(filter postalias,$(COMMANDS)),,postalias:postmap)
link_alias = $(word 1,$(subst :, ,$(1)))
link_target = $(word 2,$(subst :, ,$(1)))
links_for = $(foreach l,$(1),$(if $(filter $(call link_target,$(l)),$(2)),$(l)))
ROLE_LINKS := $(call links_for,$(ROLE_LINKS),$(ROLES))
COMMAND_LINKS := $(call links_for,$(COMMAND_LINKS),$(COMMANDS))

ROLE_BINS := $(ROLES:%=$(BUILD)/libexec/%) \
	$(foreach l,$(ROLE_LINKS),$(BUILD)/libexec/$(call link_alias,$(l)))
COMMAND_BINS := $(COMMANDS:%=$(BUILD)/sbin/%) \
	$(foreach l,$(COMMAND_LINKS),$(BUILD)/sbin/$(call link_alias,$(l)))

all: $(FLOORS:%=$(BUILD)/lib/%.a) $(ROLE_BINS) $(COMMAND_BINS)
.PHONY: all

# --- Optional libraries ----------------------------------------------------
# Probed once; `make clean` or removing build/config.mk asks again. Every
# object sees HAVE_DB HAVE_LMDB HAVE_CDB HAVE_PCRE2 HAVE_SECCOMP HAVE_OPENSSL as 0 or 1.

NO_BUILD_GOALS := deps install-files install-accounts lint format sizes clean run test test-long bench bench-docs
BUILDS := $(filter-out $(NO_BUILD_GOALS),$(or $(MAKECMDGOALS),all))
ifneq ($(BUILDS),)
-include $(BUILD)/config.mk
endif

# try: name, header, expression, linker flags
define try
	if echo '#include <$(2)>' | sed '$$a int main(void) { return (int)(size_t)$(3); }' | \
	    $(CC) -x c -include stddef.h - -o $(BUILD)/probe $(4) 2>/dev/null; \
	then echo 'HAVE_$(1) := 1'; echo 'LIBS += $(4)'; \
	else echo 'HAVE_$(1) := 0'; echo '  without	$(1): no such library here' >&2; fi
endef

# Those of tables are loaded when they are used (maps/library.c): name, header,
# expression, linker flag, what the file's name begins with.
define try_loaded
	if echo '#include <$(2)>' | sed '$$a int main(void) { return (int)(size_t)$(3); }' | \
	    $(CC) -x c -include stddef.h - -o $(BUILD)/probe $(4) 2>/dev/null && \
	    file=$$(readelf -d $(BUILD)/probe | sed -n 's/.*(NEEDED).*\[\($(5)[-.0-9].*\)\].*/\1/p') && \
	    [ -n "$$file" ]; \
	then echo 'HAVE_$(1) := 1'; echo "$(1)_SONAME := $$file"; \
	else echo 'HAVE_$(1) := 0'; echo '  without	$(1): no such library here' >&2; fi
endef

$(BUILD)/config.mk: Makefile
	@mkdir -p $(BUILD)
	@{ $(call try_loaded,DB,db.h,db_version(0, 0, 0),-ldb,libdb); \
	   $(call try_loaded,LMDB,lmdb.h,mdb_version(0, 0, 0),-llmdb,liblmdb); \
	   $(call try_loaded,CDB,cdb.h,cdb_hash("", 0),-lcdb,libcdb); \
	   $(call try_loaded,PCRE2,stdint.h>\n#define PCRE2_CODE_UNIT_WIDTH 8\n#include <pcre2.h,pcre2_config(0, 0),-lpcre2-8,libpcre2); \
	   $(call try,SECCOMP,seccomp.h,seccomp_version(),-lseccomp); \
	   $(call try,OPENSSL,openssl/ssl.h,SSL_CTX_new(TLS_method()),-lssl -lcrypto); \
	   $(call try,CMOCKA,stdarg.h>\n#include <setjmp.h>\n#include <cmocka.h,cmocka_set_message_output,-lcmocka); \
	 } > $@.new
	@rm -f $(BUILD)/probe
	@sed -n -e 's/^\(HAVE_[A-Z0-9]*\) := /#define \1 /p' \
	    -e 's/^\([A-Z0-9]*_SONAME\) := \(.*\)/#define \1 "\2"/p' $@.new > $(BUILD)/config.h.new
	@cmp -s $(BUILD)/config.h.new $(BUILD)/config.h || cp $(BUILD)/config.h.new $(BUILD)/config.h
	@mv $@.new $@

$(BUILD)/config.h: $(BUILD)/config.mk
LDLIBS = $(LIBS) -lm

# --- Objects and archives, in three flavours -------------------------------
# plain: what is installed. test: fault points compiled in. fuzz: sanitized.

FUZZ_CLANG := $(shell command -v clang 2>/dev/null)
FUZZ_CC = $(if $(FUZZ_CLANG),clang,$(CC))
FUZZ_SAN = -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_CFLAGS = -std=gnu17 -O1 -g -fPIE -pthread -fno-omit-frame-pointer \
	$(WARN) $(FUZZ_SAN) $(if $(FUZZ_CLANG),-fsanitize=fuzzer-no-link)
COMPILE_plain = $(CC) $(CPPFLAGS) $(if $(FAULTS),-DFAULTS=1) $(CFLAGS) $(FRAME)
COMPILE_test = $(CC) $(CPPFLAGS) -DFAULTS=1 $(CFLAGS) -Wno-missing-field-initializers
COMPILE_fuzz = $(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS)
AT_plain := $(BUILD)
AT_test := $(BUILD)/test
AT_fuzz := $(BUILD)/fuzz
ALL_OBJ :=

# Flags are part of what an object depends on. ccache makes no difference.
FORCE:
$(BUILD)/flags.%: FORCE
	@mkdir -p $(BUILD)
	@echo '$(subst ccache ,,$(COMPILE_$*))' | cmp -s - $@ || \
	    echo '$(subst ccache ,,$(COMPILE_$*))' > $@

# flavour: name
define flavour
$(AT_$(1))/obj/%.o: %.c $(BUILD)/config.h $(BUILD)/flags.$(1)
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(COMPILE_$(1)) -include $(BUILD)/config.h -MMD -MP -c -o $$@ $$<
$(AT_$(1))/obj/%.o: %.S $(BUILD)/flags.$(1)
	$$(call say,AS,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(COMPILE_$(1)) -MMD -MP -c -o $$@ $$<
$(foreach f,$(FLOORS),$(eval $(call archive,$(1),$(f),$(call src,$(DIR_$(f))))))
$(eval $(call archive,$(1),conf,$(CONF_SRC)))
$(eval $(call archive,$(1),commands,$(COMMAND_LIB_SRC)))
endef

# archive: flavour, name, sources
define archive
ALL_OBJ += $(call obj,$(AT_$(1)),$(3))
$(AT_$(1))/lib/$(2).a: $(call obj,$(AT_$(1)),$(3)) $(BUILD)/members.$(1).$(2)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)ar rcs $$@ $$(filter %.o,$$^)
$(BUILD)/members.$(1).$(2): FORCE
	@mkdir -p $$(@D)
	@echo '$(3)' | cmp -s - $$@ || echo '$(3)' > $$@
endef

$(foreach k,plain test fuzz,$(eval $(call flavour,$(k))))

# What tells builds apart is in every program (common/service/inherit.h).
build_id = $(AT_$(1))/obj/build_id.o
define identity
$(call build_id,$(1)): $(patsubst %,$(AT_$(1))/lib/%.a,$(FLOORS))
	@mkdir -p $$(@D)
	@echo "const char build_id[17] = \"$$$$(cat $$^ | sha256sum | cut -c1-16)\";" | \
	    $$(CC) -fPIE -x c -c -o $$@ -
endef
$(foreach k,plain test,$(eval $(call identity,$(k))))

libs = $(patsubst %,$(AT_$(1))/lib/%.a,$(2))
define link
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDLIBS)
endef

# --- Daemons and commands --------------------------------------------------

role_obj = $(call obj,$(1),$(call src,daemons/$(2)))
define role
ALL_OBJ += $(call role_obj,$(BUILD),$(1)) $(call role_obj,$(AT_test),$(1))
$(BUILD)/libexec/$(1): $(call role_obj,$(BUILD),$(1)) $(call build_id,plain) $(call libs,plain,$(FLOORS))
	$$(link)
endef
define command
ALL_OBJ += $(BUILD)/obj/daemons/commands/$(1).o
$(BUILD)/sbin/$(1): $(BUILD)/obj/daemons/commands/$(1).o $(call libs,plain,commands conf $(FLOORS))
	$$(link)
endef
define second_name
$(1)/$(call link_alias,$(2)): $(1)/$(call link_target,$(2))
	@ln -sf $(call link_target,$(2)) $$@
endef
$(foreach r,$(ROLES),$(eval $(call role,$(r))))
$(foreach c,$(COMMANDS),$(eval $(call command,$(c))))
$(foreach l,$(ROLE_LINKS),$(eval $(call second_name,$(BUILD)/libexec,$(l))))
$(foreach l,$(COMMAND_LINKS),$(eval $(call second_name,$(BUILD)/sbin,$(l))))

# The same once more with fault points and the recorder, below build/test: what
# `WAYPOST_BUILD=build/test` runs, and tests that break the system.
define test_role
$(BUILD)/test/libexec/$(1): $(call role_obj,$(AT_test),$(1)) $(call build_id,test) $(call libs,test,$(FLOORS))
	$$(link)
endef
define test_command
ALL_OBJ += $(AT_test)/obj/daemons/commands/$(1).o
$(BUILD)/test/sbin/$(1): $(AT_test)/obj/daemons/commands/$(1).o $(call libs,test,commands conf $(FLOORS))
	$$(link)
endef
$(foreach r,$(ROLES),$(eval $(call test_role,$(r))))
$(foreach c,$(COMMANDS),$(eval $(call test_command,$(c))))
$(foreach l,$(ROLE_LINKS),$(eval $(call second_name,$(BUILD)/test/libexec,$(l))))
$(foreach l,$(COMMAND_LINKS),$(eval $(call second_name,$(BUILD)/test/sbin,$(l))))
TEST_SYSTEM := $(ROLE_BINS:$(BUILD)/%=$(BUILD)/test/%) $(COMMAND_BINS:$(BUILD)/%=$(BUILD)/test/%)
test-system: $(TEST_SYSTEM)
.PHONY: test-system

# --- Unit tests ------------------------------------------------------------
# One program per folder below tests/ that holds *_test.c. It links its own
# floor and those beneath; a role's tests link the role without its main. A
# file named SIM_LOOP in the folder replaces the loop by the simulated one.

TEST_DIRS := $(sort $(patsubst %/,%,$(dir $(filter-out tests/system/% tests/fuzz/%, \
	$(wildcard $(addsuffix /*_test.c,tests/* tests/*/* tests/*/*/* tests/*/*/*/*))))))
TEST_BINS := $(foreach d,$(TEST_DIRS),$(BUILD)/test/$(subst /,_,$(d:tests/%=%))_test)
# PROGRAMS='maps_test queue_test' leaves the others out.
ifneq ($(PROGRAMS),)
TEST_BINS := $(filter $(PROGRAMS:%=$(BUILD)/test/%),$(TEST_BINS))
endif
# Without cmocka (a cross build) t_plain.c calls the tests by itself.
HARNESS_SRC := $(filter-out tests/harness/t.c tests/harness/sim_loop.c \
	tests/harness/$(if $(filter 1,$(HAVE_CMOCKA)),t_plain,t_cmocka).c, \
	$(wildcard tests/harness/*.c))
$(eval $(call archive,test,harness,$(HARNESS_SRC)))
T_OBJ := $(AT_test)/obj/tests/harness/t.o
SIM_OBJ := $(AT_test)/obj/tests/harness/sim_loop.o
ALL_OBJ += $(T_OBJ) $(SIM_OBJ)

floor_of = $(strip $(foreach f,$(FLOORS),$(if $(filter $(DIR_$(f)) $(DIR_$(f))/%,$(1)),$(f))))
role_of = $(filter-out shared,$(word 2,$(subst /, ,$(filter daemons/%,$(1)))))
test_floors = $(if $(call floor_of,$(1)),$(call floor_of,$(1)) $(BELOW_$(call floor_of,$(1))),$(FLOORS))
test_role_obj = $(if $(filter commands,$(1)),,$(call obj,$(AT_test),$(filter-out $(call main_of,$(1)),$(call src,daemons/$(1)))))

# A file LINKS in the folder names roles and sources that it needs besides.
test_links = $(shell cat tests/$(1)/LINKS 2>/dev/null)
test_link_obj = $(foreach l,$(1),$(if $(filter %.c,$(l)),$(call obj,$(AT_test),$(l)), \
	$(call test_role_obj,$(l))))

# unit_test: folder without tests/
define unit_test
ALL_OBJ += $(call obj,$(AT_test),$(wildcard tests/$(1)/*.c))
$(BUILD)/test/$(subst /,_,$(1))_test: $(T_OBJ) \
    $(call obj,$(AT_test),$(wildcard tests/$(1)/*.c)) \
    $(if $(call role_of,$(1)),$(call test_role_obj,$(call role_of,$(1)))) \
    $(call test_link_obj,$(call test_links,$(1))) \
    $(if $(wildcard tests/$(1)/SIM_LOOP),$(SIM_OBJ)) $(call libs,test,harness) \
    $(if $(filter commands,$(call role_of,$(1))),$(call libs,test,commands conf)) \
    $(call libs,test,$(call test_floors,$(1)))
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(LDLIBS)
endef
$(if $(BUILDS),$(foreach d,$(TEST_DIRS:tests/%=%),$(eval $(call unit_test,$(d)))))

# Helper programs of system tests and benchmarks: one source each.
TOOL_SRC := $(wildcard tests/tools/*.c tests/bench/*.c)
TOOL_BINS := $(TOOL_SRC:tests/%.c=$(BUILD)/test/%)
ALL_OBJ += $(call obj,$(AT_test),$(TOOL_SRC))
$(TOOL_BINS): $(BUILD)/test/%: $(BUILD)/test/obj/tests/%.o $(call libs,test,harness $(FLOORS))
	$(link)

unit-tests: $(TEST_BINS)
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_BINS := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
RUN_TESTS = UNIT_PROGRAMS='$(TEST_BINS)' FUZZ_PROGRAMS='$(FUZZ_BINS)' \
	$(if $(RUNNER),T_EMULATED=1) tests/run --build $(BUILD) $(if $(RUNNER),--runner '$(RUNNER)')
check: $(TEST_BINS)
	@$(RUN_TESTS) $(if $(TEST),--only '$(TEST)') unit
check-asan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined check
# What five minutes allow of real processes under sanitizers. Leaks are for the
# unit tests: commands leave their memory to exit.
ASAN_SYSTEM = delivery_test.py relay_test.py roles_test.py submit_test.py \
	queue_commands_test.py tables_test.py network_tables_test.py strangers_test.py
SYSTEM_ASAN = handle_segv=2:handle_sigbus=2:handle_sigill=2:detect_stack_use_after_return=0:abort_on_error=0:allocator_may_return_null=0:detect_leaks=0
check-system-asan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SANITIZE=address,undefined \
	    all
	@WAYPOST_PATIENCE=60 ASAN_OPTIONS=$(SYSTEM_ASAN) tests/run \
	    --build $(BUILD)/asan --files '$(ASAN_SYSTEM)' system
# The two lowest floors on another machine, under emulation.
AARCH64_CC = aarch64-linux-gnu-gcc
check-aarch64:
	@$(MAKE) --no-print-directory CC=$(AARCH64_CC) BUILD=$(BUILD)/aarch64 \
	    RUNNER='qemu-aarch64 -L /usr/aarch64-linux-gnu' \
	    PROGRAMS='$(or $(PROGRAMS),common_base_test common_io_test)' check
.PHONY: unit-tests check check-asan check-system-asan check-aarch64

# --- Fuzz targets ----------------------------------------------------------
# With clang: libFuzzer. Without: tests/fuzz/standalone.c replays seeds and
# random mutations of them. A target that includes a role's header links it.

fuzz_dirs = $(sort $(shell sed -n 's,^.include "daemons/\([a-z-]*\)/.*,\1,p' $(1) | grep -vx shared))
fuzz_roles = $(filter-out commands,$(call fuzz_dirs,$(1)))
fuzz_libs = $(call libs,fuzz,$(if $(filter commands,$(call fuzz_dirs,$(1))),commands conf) $(FLOORS))
fuzz_role_obj = $(foreach r,$(call fuzz_roles,$(1)),$(call obj,$(AT_fuzz),$(filter-out $(call main_of,$(r)),$(call src,daemons/$(r)))))
fuzz_more = $(if $(shell grep -l tests/fuzz/surroundings.h tests/fuzz/$(1).c),$(AT_fuzz)/obj/tests/fuzz/surroundings.o)
define fuzz_target
ALL_OBJ += $(AT_fuzz)/obj/tests/fuzz/$(1).o $(call fuzz_role_obj,tests/fuzz/$(1).c) $(call fuzz_more,$(1))
$(BUILD)/fuzz/$(1): $(AT_fuzz)/obj/tests/fuzz/$(1).o $(call fuzz_role_obj,tests/fuzz/$(1).c) $(call fuzz_more,$(1)) \
    $(if $(FUZZ_CLANG),,$(AT_fuzz)/obj/tests/fuzz/standalone.o) $(call fuzz_libs,tests/fuzz/$(1).c)
	$$(call say,LD,$$@)
	$$(Q)$$(FUZZ_CC) -pie -pthread $(FUZZ_SAN) $(if $(FUZZ_CLANG),-fsanitize=fuzzer) \
	    -Wl,--as-needed -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(LDLIBS)
endef
$(if $(BUILDS),$(foreach f,$(FUZZ_SRC:tests/fuzz/%.c=%),$(eval $(call fuzz_target,$(f)))))

fuzz-targets: $(FUZZ_BINS)
FUZZ_SECONDS ?= 60
fuzz: $(FUZZ_BINS)
	@$(RUN_TESTS) --fuzz-seconds $(FUZZ_SECONDS) $(if $(FUZZ),--only '$(FUZZ)') fuzz
.PHONY: fuzz fuzz-targets

# --- All tests, a running system, the tree itself ----------------------------
# Packages come first, then make looks at the libraries anew.

PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))
deps:
	@BUILD=$(BUILD) conf/deps test
test:
	@BUILD=$(BUILD) conf/deps test
	@$(MAKE) --no-print-directory $(PARALLEL) run-tests
run-tests: all unit-tests fuzz-targets $(TOOL_BINS) test-system
	@$(RUN_TESTS) $(if $(TEST),--only '$(TEST)') all
# The long forms: what looks at WAYPOST_LONG, fuzz targets, and tests/long.
LONG_FUZZ_SECONDS ?= 30
test-long:
	@BUILD=$(BUILD) conf/deps test
	@$(MAKE) --no-print-directory $(PARALLEL) run-tests-long
run-tests-long: all unit-tests fuzz-targets $(TOOL_BINS) test-system
	@$(RUN_TESTS) --long --fuzz-seconds $(LONG_FUZZ_SECONDS) \
	    $(if $(TEST),--only '$(TEST)') unit fuzz system long
.PHONY: deps test run-tests test-long run-tests-long

# Speed beside Postfix, as root: all rows, or those that start with ROWS.
BENCH_FLAGS = $(if $(ROWS),--rows '$(ROWS)') $(if $(ROUNDS),--rounds $(ROUNDS)) \
	$(if $(SECONDS),--seconds $(SECONDS)) $(if $(SYSTEMS),--systems '$(SYSTEMS)')
bench:
	@BUILD=$(BUILD) conf/deps bench
	@$(MAKE) --no-print-directory $(PARALLEL) all $(TOOL_BINS)
	@WAYPOST_BUILD='$(abspath $(BUILD))' tests/bench/bench $(BENCH_FLAGS)
# Puts the results so far into docs/performance.md.
bench-docs:
	@WAYPOST_BUILD='$(abspath $(BUILD))' tests/bench/bench --docs
.PHONY: bench bench-docs

RUN_DIR ?= run
SMTP_PORT ?= 2525
run:
	@BUILD=$(BUILD) conf/deps build
	@$(MAKE) -s --no-print-directory $(PARALLEL) all
	@conf/run-instance --build '$(BUILD)' --dir '$(RUN_DIR)' --port '$(SMTP_PORT)'
.PHONY: run

C_FILES = $(shell find common maps queue daemons tests -name '*.[ch]' 2>/dev/null)
lint:
	@tests/run lint
format:
	clang-format -i $(C_FILES)
sizes:
	@tests/lint/sizes
clean:
	rm -rf $(BUILD)
.PHONY: lint format sizes clean

# --- Installation: the drop-in layout ----------------------------------------

# What goes where is said with the flags, at the top. Without root the owners are
# whoever installs; mail_owner and setgid_group may be numbers. Below DESTDIR only
# the group has to exist, and an empty setgid_group leaves it to who packs it.
# `install-files` builds nothing. Relative links, so that the tree below DESTDIR
# works by itself.
INSTALL_DIRS = $(command_directory) $(daemon_directory) $(config_directory) \
	$(queue_directory) $(bindir) $(libdir) $(mandir)/man1 $(mandir)/man5 $(mandir)/man8 \
	$(datadir) $(unitdir) $(sysusersdir) $(tmpfilesdir)
# link: name, target, both as they will be on the system
link_to = ln -sfnr '$(DESTDIR)$(2)' '$(DESTDIR)$(1)'
# must_exist: passwd or group, name, parameter
must_exist = case '$(2)' in ''|*[!0-9]*) getent $(1) '$(2)' >/dev/null || { \
	echo "install: $(3) = $(2): no such $(1) entry, and nothing was installed. \
	systemd-sysusers conf/debian/sysusers.conf makes both; or give a number, here and in main.cf" >&2; exit 1; };; esac

install: install-accounts all
	@$(MAKE) --no-print-directory install-files
# Before anything is written.
install-accounts:
	@$(if $(setgid_group),$(call must_exist,group,$(setgid_group),setgid_group))
	@$(if $(DESTDIR),:,$(call must_exist,passwd,$(mail_owner),mail_owner))
install-files: install-accounts
	@umask 022 && install -d $(INSTALL_DIRS:%='$(DESTDIR)%')
	@install -d -m 700 '$(DESTDIR)$(data_directory)'
	@install $(ROLES:%=$(BUILD)/libexec/%) '$(DESTDIR)$(daemon_directory)'
	@install $(COMMANDS:%=$(BUILD)/sbin/%) '$(DESTDIR)$(command_directory)'
	@$(foreach l,$(ROLE_LINKS),$(call \
	    link_to,$(daemon_directory)/$(call link_alias,$(l)),$(daemon_directory)/$(call link_target,$(l))) &&) :
	@$(foreach l,$(filter-out %:sendmail,$(COMMAND_LINKS)),$(call \
	    link_to,$(command_directory)/$(call link_alias,$(l)),$(command_directory)/$(call link_target,$(l))) &&) :
	@$(foreach n,$(bindir)/mailq $(bindir)/newaliases $(libdir)/sendmail,$(call \
	    link_to,$(n),$(command_directory)/sendmail) &&) :
	@install -m 644 conf/main.cf conf/master.cf '$(DESTDIR)$(datadir)'
	@for f in main.cf master.cf; do \
	    if test -e "$(DESTDIR)$(config_directory)/$$f"; \
	    then echo "install: $(config_directory)/$$f is there and stays as it is"; \
	    else install -m 644 conf/$$f '$(DESTDIR)$(config_directory)' || exit 1; fi; done
	@for s in 1 5 8; do install -m 644 docs/man/man$$s/*.$$s \
	    '$(DESTDIR)$(mandir)'/man$$s || exit 1; done
	@install -m 644 conf/debian/postfix.service '$(DESTDIR)$(unitdir)'
	@install -m 644 conf/debian/sysusers.conf '$(DESTDIR)$(sysusersdir)/waypost.conf'
	@install -m 644 conf/debian/tmpfiles.conf '$(DESTDIR)$(tmpfilesdir)/waypost.conf'
	@for c in $(if $(setgid_group),postdrop postqueue); do f="$(DESTDIR)$(command_directory)/$$c"; \
	    { chgrp '$(setgid_group)' "$$f" && chmod 2755 "$$f"; } || { \
	    echo "install: $$c must be setgid $(setgid_group), and that could not be done" >&2; \
	    exit 1; }; done
.PHONY: install install-files install-accounts

# With nothing but dpkg-deb, as anybody.
deb: all
	@MAKE='$(MAKE)' conf/debian/build --build '$(BUILD)' \
	    $(if $(DEB_VERSION),--version '$(DEB_VERSION)') $(if $(DEB_COMPRESS),--compress '$(DEB_COMPRESS)')
.PHONY: deb

# Each file compiled, nothing linked: what another compiler has to say.
objects: $(filter-out $(AT_fuzz)/%,$(sort $(ALL_OBJ)))
.PHONY: objects

-include $(sort $(ALL_OBJ:.o=.d))
