# libgm: `make help` lists the targets.
BUILD   ?= build
LIBD    ?= lib
CC      ?= cc
CXX     ?= c++
AR      ?= ar
PREFIX  ?= /usr/local
DESTDIR ?=
PROGRAM ?= gm
OPT     ?= -O2
V       ?= 0
say      = $(if $(filter 0,$(V)),@echo "  $(1)	$(2)";)
VERSION := 0.1.0
SOVER   := 0

DIRS    ?= base kernels tensor tape ops nn optim io data text metrics models $(patsubst src/%/,%,$(sort $(wildcard src/models/*/)))
PKGS    := openblas lapacke zlib libpng
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wno-sign-conversion
CSTD := -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE
GMFLAGS = $(CSTD) $(OPT) -g -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -pthread \
          -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables $(WARN) -Iinclude -Isrc $(PKG_CFLAGS) $(SAN) $(CFLAGS)
LDLIBS_ = $(PKG_LIBS) -lm -lpthread

ARCH := $(shell $(CC) -dumpmachine 2>/dev/null)
SRCS := $(sort $(foreach d,$(DIRS),$(wildcard src/$(d)/*.c)))
OBJS := $(SRCS:%.c=$(BUILD)/%.o)
LIBA := $(LIBD)/libgm.a
LIBSO := $(LIBD)/libgm.so.$(SOVER)
CLI_OBJS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard src/cli/*.c))
EXAMPLES := $(patsubst examples/%.c,$(BUILD)/examples/%,$(wildcard examples/*.c))
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c tests/ops/test_*.c tests/models/test_*.c \
           tests/host/test_*.c tests/fault/test_*.c tests/fuzz/test_*.c))
CHECK_CFLAGS := $(shell pkg-config --cflags check 2>/dev/null)
CHECK_LIBS   := $(shell pkg-config --libs check 2>/dev/null)

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all lib deps demo check check-asan check-tsan check-long bench experiments one install uninstall clean help FORCE

all: lib $(BUILD)/gm $(EXAMPLES) $(BUILD)/gm.pc
lib: $(LIBA) $(LIBSO)

# ---- compiling; one build of the vector kernels for each instruction set -----

ifneq (,$(findstring x86_64,$(ARCH)))
$(BUILD)/src/kernels/kern_avx2.o:   ISA := -mavx2 -mfma -mf16c -mbmi2 -ffp-contract=fast
$(BUILD)/src/kernels/kern_avx512.o: ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mbmi2 -mprefer-vector-width=512 -ffp-contract=fast
# for CPUs older than 2013, and the reference of the others' tests
$(BUILD)/src/kernels/kern_plain.o:  OPT := -Os
endif
$(BUILD)/src/kernels/%.o: OPT := -O3
$(BUILD)/src/tensor/copy.o: OPT := -O3
$(BUILD)/src/metrics/%.o: OPT := -O3
# what no step waits for is compiled small
SMALL := $(wildcard src/nn/*.c src/io/*.c src/data/synth*.c src/models/*.c $(patsubst %,src/models/%/*.c,ae classifier dbm dbn gan lapgan srgan vae)) \
  $(patsubst %,src/base/%.c,constants dir file format)
$(patsubst %.c,$(BUILD)/%.o,$(filter-out src/io/crc64.c,$(SMALL))): OPT := -Os
# Fuzzing looks for errors in what reads and in what calls: the loops over numbers run at full speed.
ifneq ($(PLAIN_KERNELS),)
$(BUILD)/src/kernels/%.o: override OPT := -O2
$(BUILD)/src/kernels/%.o: override SAN :=
endif

# Rebuild when the flags change.
FLAGS_NOW = $(CC) $(GMFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FLAGS_NOW)' | cmp -s - $@ || printf '%s\n' '$(FLAGS_NOW)' > $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(GMFLAGS) $(ISA) -MMD -MP -c $< -o $@

$(LIBA): $(OBJS)
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $(OBJS)

$(BUILD)/gm.map: lib/gm.symbols
	@mkdir -p $(@D)
	@{ echo 'GM_0 { global:'; sed -e '/^#/d' -e '/^$$/d' -e 's/.*/  &;/' $<; echo '  local: *; };'; } > $@

# relocations in their short form, where the linker and the C library of this machine know it
RELR = $(shell f=$$(mktemp) && echo 'int main(void) { return 0; }' > $$f.c && test -z "$$($(CC) $$f.c -Wl,-z,pack-relative-relocs -o $$f 2>&1)" && $$f \
  && echo -Wl,-z,pack-relative-relocs; rm -f $$f $$f.c)

$(LIBSO): $(OBJS) $(BUILD)/gm.map
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) -shared $(SAN) $(LDFLAGS) -Wl,-soname,libgm.so.$(SOVER) -Wl,--version-script=$(BUILD)/gm.map -Wl,-Bsymbolic-functions \
	  -Wl,--gc-sections -Wl,--as-needed -Wl,-z,defs $(RELR) -o $@ $(OBJS) $(LDLIBS_)
	@ln -sf libgm.so.$(SOVER) $(LIBD)/libgm.so

# One object in an archive, from which only the public names are seen; GM_PREFIX=foo_ renames them, so that a
# second copy fits into one process: programs include foo_gm.h instead of gm/gm.h.
ONE := $(BUILD)/one/lib$(GM_PREFIX)gm
OBJCOPY ?= objcopy
one: $(LIBA)
	@mkdir -p $(BUILD)/one
	@sed -e '/^#/d' -e '/^$$/d' lib/gm.symbols > $(ONE).names
	@sed 's/.*/& $(GM_PREFIX)&/' $(ONE).names > $(ONE).renames
	$(call say,LD,$(ONE).a)$(CC) -r -nostdlib -Wl,--unique -o $(ONE).o -Wl,--whole-archive $(LIBA) -Wl,--no-whole-archive
	@$(OBJCOPY) --strip-debug --keep-global-symbols=$(ONE).names $(ONE).o
	@$(if $(GM_PREFIX),$(OBJCOPY) --redefine-syms=$(ONE).renames $(ONE).o)
	@rm -f $(ONE).a && $(AR) rcs $(ONE).a $(ONE).o && rm $(ONE).o
	@$(if $(GM_PREFIX),{ echo '/* gm/gm.h with the names of lib$(GM_PREFIX)gm.a */'; sed 's/^/#define /' $(ONE).renames; \
	  echo '#include <gm/gm.h>'; } > $(BUILD)/one/$(GM_PREFIX)gm.h)
	@rm $(ONE).names $(ONE).renames

$(BUILD)/gm: $(CLI_OBJS) $(LIBA)
	$(call say,LD,$@)$(CC) $(SAN) $(LDFLAGS) -o $@ $(CLI_OBJS) $(LIBA) -Wl,--gc-sections -Wl,--as-needed $(LDLIBS_)

# Examples are built as a stranger would: public headers and the library only.
$(BUILD)/examples/%: examples/%.c $(LIBA) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) -std=c99 $(OPT) -g $(WARN) $(SAN) $(CFLAGS) -Iinclude -MMD -MP -o $@ $< $(LIBA) -Wl,--gc-sections -Wl,--as-needed $(LDLIBS_)

$(BUILD)/tests/%: tests/%.c $(LIBA) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(CSTD) -D_GNU_SOURCE $(OPT) -g -pthread -Wall -Wextra -Wno-sign-compare $(SAN) $(CFLAGS) -Iinclude -Isrc -Itests -I$(BUILD)/tests $(PKG_CFLAGS) $(CHECK_CFLAGS) -MMD -MP \
	  $(TEST_LINK) -o $@ $< $(LIBA) -Wl,--as-needed $(CHECK_LIBS) $(LDLIBS_)

# every public function with its arguments from an array, made of the headers
$(BUILD)/tests/host/calls.inc: tests/host/calls.sh $(wildcard include/gm/*.h)
	@mkdir -p $(@D)
	@sh $< $(wildcard include/gm/*.h) > $@
$(BUILD)/tests/host/test_handles: $(BUILD)/tests/host/calls.inc

-include $(OBJS:.o=.d) $(CLI_OBJS:.o=.d) $(EXAMPLES:=.d) $(TESTS:=.d) $(wildcard $(BUILD)/tests/fuzz/*.d)

# ---- set-up ------------------------------------------------------------------

SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo 2>/dev/null)
DEBS := gcc libc6-dev pkg-config libopenblas-dev liblapacke-dev zlib1g-dev libpng-dev check

deps:
	@if command -v apt-get >/dev/null; then \
	  dpkg -s $(DEBS) >/dev/null 2>&1 || { $(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $(DEBS); }; \
	elif command -v dnf >/dev/null; then \
	  echo "untested: dnf"; $(SUDO) dnf install -y gcc pkgconf openblas-devel lapack-devel zlib-devel libpng-devel check-devel; \
	elif command -v brew >/dev/null; then \
	  echo "untested: brew"; brew install pkg-config openblas lapack zlib libpng check; \
	else echo "install a C11 compiler, pkg-config, OpenBLAS, LAPACKE, zlib, libpng and Check"; exit 1; fi

# After `make deps` the packages may have just appeared, so the rest runs in a make of its own that asks pkg-config again.
ifeq ($(strip $(PKG_LIBS)),)
ifneq ($(filter all lib demo check check-asan check-tsan check-long coverage check-valgrind fuzz bench experiments one install,$(or $(MAKECMDGOALS),all)),)
ifeq ($(GM_REMADE),)
REMAKE := 1
endif
endif
endif

demo: $(if $(REMAKE),,$(BUILD)/gm)
ifeq ($(REMAKE),1)
	@$(MAKE) GM_REMADE=1 $@
else
	@mkdir -p $(BUILD)/demo
	$(BUILD)/gm train vae --data synth:digits,n=20000,seed=1 --hidden 400,200 --latent 10 --epochs 30 --lr 2e-3 --schedule cosine --seed 1 --out $(BUILD)/demo/vae.safetensors
	$(BUILD)/gm eval $(BUILD)/demo/vae.safetensors --data synth:digits,n=1000,seed=2 --metric elbo
	$(BUILD)/gm sample $(BUILD)/demo/vae.safetensors --count 64 --seed 1 --out $(BUILD)/demo/digits.png
	@echo "64 drawn digits: $(BUILD)/demo/digits.png"
endif

# ---- checks ------------------------------------------------------------------

# compiling takes all processors, unless -j says otherwise
PAR = $(if $(findstring j,$(filter-out --%,$(MAKEFLAGS))),,-j$(shell nproc 2>/dev/null || echo 2))

check:
ifeq ($(REMAKE),1)
	@$(MAKE) GM_REMADE=1 $@
else
	@$(MAKE) --no-print-directory $(PAR) all $(TESTS)
	@sh tests/run.sh "$(BUILD)" "$(LIBD)" "$(CC)" $(TESTS)
	@$(MAKE) --no-print-directory check-quick-asan
endif

SAN_ADDRESS := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# what UBSan of gcc would only print, as floats beyond an integer's range, ends the test
ASAN_MAKE = UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 $(MAKE) --no-print-directory $(PAR) BUILD=$(BUILD)/asan LIBD=$(BUILD)/asan/lib OPT=-O1 SAN="$(SAN_ADDRESS)"
# OpenBLAS synchronises its own threads where TSan cannot see it
TSAN_MAKE = OPENBLAS_NUM_THREADS=1 $(MAKE) --no-print-directory $(PAR) BUILD=$(BUILD)/tsan LIBD=$(BUILD)/tsan/lib OPT=-O1 SAN="-fsanitize=thread"
.PHONY: check-quick-asan check-binaries run-tests
# unit and op tests under the address and undefined-behaviour sanitizers
check-quick-asan:
	@$(ASAN_MAKE) run-tests WHICH="unit ops"
check-asan:
	@$(ASAN_MAKE) run-tests WHICH="unit ops models host fault fuzz"
check-tsan:
	@$(TSAN_MAKE) run-tests WHICH="unit models host"
# Fuzzing: libFuzzer where there is clang, else the mutations of tests/fuzz/mutate.h. Totals add up in $(BUILD)/fuzz/runs.
.PHONY: fuzz fuzz-build
FUZZ_RUNS ?= 100000
FUZZ_CC   ?= clang
FUZZ_MAKE = $(MAKE) --no-print-directory $(PAR) BUILD=$(BUILD)/fuzz LIBD=$(BUILD)/fuzz/lib OPT=-O1 PLAIN_KERNELS=1
fuzz: fuzz-build
	@sh tests/fuzz/run.sh "$(BUILD)/fuzz" "$(FUZZ_RUNS)" $(TARGET)
fuzz-build:
	@if command -v $(lastword $(FUZZ_CC)) >/dev/null; then \
	  $(FUZZ_MAKE) CC="$(FUZZ_CC)" TEST_LINK=-fsanitize=fuzzer \
	    SAN="$(SAN_ADDRESS) -fno-sanitize-recover=float-cast-overflow -fsanitize=fuzzer-no-link" $(BUILD)/fuzz/tests/fuzz/fuzz; \
	else $(FUZZ_MAKE) SAN="$(SAN_ADDRESS)" $(BUILD)/fuzz/tests/fuzz/plain; fi

WHICH ?= unit ops models host fault fuzz
WHICH_TESTS = $(foreach w,$(WHICH),$(filter $(BUILD)/tests/$(w)/%,$(TESTS)))
run-tests: $(WHICH_TESTS) $(BUILD)/gm
	@ONLY_TESTS=1 sh tests/run.sh "$(BUILD)" "$(LIBD)" "$(CC)" $(WHICH_TESTS)

# Lines and branches that the suite runs: tests/long/coverage.sh
.PHONY: coverage analyze check-valgrind check-variants
COV_MAKE = $(MAKE) --no-print-directory $(PAR) BUILD=$(BUILD)/cov LIBD=$(BUILD)/cov/lib OPT=-O0 SAN="--coverage -fprofile-update=prefer-atomic"
coverage:
	@find $(BUILD)/cov -name '*.gcda' -exec rm {} + 2>/dev/null || true
	@$(COV_MAKE) all
	@CK_TIMEOUT_MULTIPLIER=20 GM_TEST_TIMEOUT=7200 $(COV_MAKE) run-tests || echo "some tests failed: what follows is what they ran"
	@GM_BUILD=$(BUILD)/cov GM_LIB=$(BUILD)/cov/lib GM_CC="$(CC)" sh tests/checks/cli.sh >/dev/null 2>&1 || true
	@sh tests/long/coverage.sh "$(BUILD)/cov"
analyze:
	@sh tests/long/analyze.sh "$(BUILD)" "$(CSTD) -Iinclude -Isrc $(PKG_CFLAGS)" $(filter-out src/kernels/kern_%,$(SRCS)) $(wildcard src/cli/*.c)
check-variants:
	@sh tests/long/variants.sh "$(BUILD)/variants" "$(MAKE) $(PAR)" $(VARIANT)
# all but what fails each allocation in turn, which ASan watches
VALGRIND_TESTS = $(foreach w,unit ops models fuzz,$(filter $(BUILD)/tests/$(w)/%,$(TESTS)))
check-valgrind:
	@$(MAKE) --no-print-directory $(PAR) $(VALGRIND_TESTS)
	@sh tests/long/valgrind.sh "$(BUILD)" $(VALGRIND_TESTS)

# Everything, a part after the other; a part that is done is not done again until make clean (or FRESH=1).
check-long:
	@sh tests/long/long.sh "$(BUILD)" "$(MAKE)" "$(FRESH)" $(PARTS)

# ---- measurements --------------------------------------------------------------

BENCHES := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/bench_*.c))
bench: $(BENCHES) $(BUILD)/gm $(LIBSO)
ifneq ($(PEERS),)
	@THREADS="$(THREADS)" sh tests/bench/peers.sh "$(BUILD)" "$(or $(PYTHON),python3)" "$(PEERS)"
else
	@ONLY="$(ONLY)" THREADS="$(THREADS)" sh tests/bench/run.sh "$(BUILD)" "$(LIBD)"
endif

EXPERIMENTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/experiments/*.c))
experiments: $(EXPERIMENTS)
	@test -n "$(DATA)" || { echo "usage: make experiments DATA=DIR (the folder with mnist-*-ubyte.gz and cifar10-*.bin.gz)"; exit 1; }
	@for b in $(EXPERIMENTS); do $$b "$(DATA)" || exit 1; done

# ---- installing ----------------------------------------------------------------

# Names relative to PREFIX, or absolute. Debug information stays in BUILD and LIBD: STRIP=: installs it too.
LIBDIR     ?= lib
INCLUDEDIR ?= include
BINDIR     ?= bin
STRIP      ?= strip
under    = $(if $(filter /%,$(1)),$(1),$(PREFIX)/$(1))
DEST_LIB := $(DESTDIR)$(call under,$(LIBDIR))
DEST_INC := $(DESTDIR)$(call under,$(INCLUDEDIR))
DEST_BIN := $(DESTDIR)$(call under,$(BINDIR))
DEST_CMAKE := $(DEST_LIB)/cmake/gm
# The .pc files and CMake's find things from where they lie, so an installed tree can be moved.
from_prefix = $(if $(filter /%,$(1)),$(1),$${prefix}/$(1))
UP := $(if $(filter /%,$(LIBDIR)),,$(subst $() ,/,$(patsubst %,..,$(subst /, ,$(LIBDIR)))))
FILL = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(call from_prefix,$(LIBDIR))|g' -e 's|@INCLUDEDIR@|$(call from_prefix,$(INCLUDEDIR))|g' \
  -e 's|@UP@|$(UP)|g' -e 's|@VERSION@|$(VERSION)|g' -e 's|@SOVER@|$(SOVER)|g'

$(BUILD)/gm.pc: gm.pc.in $(BUILD)/flags
	@$(FILL) $< > $@

install: $(if $(REMAKE),,all)
	install -d $(DEST_INC)/gm $(DEST_LIB)/pkgconfig $(DEST_CMAKE) $(DEST_BIN)
	install -m 644 include/gm/*.h $(DEST_INC)/gm
	install -m 644 $(LIBA) $(DEST_LIB)
	install -m 755 $(LIBSO) $(DEST_LIB)/libgm.so.$(VERSION)
	install -m 755 $(BUILD)/gm $(DEST_BIN)/$(PROGRAM)
	$(STRIP) --strip-debug $(DEST_LIB)/libgm.a
	$(STRIP) $(DEST_LIB)/libgm.so.$(VERSION) $(DEST_BIN)/$(PROGRAM)
	ln -sf libgm.so.$(VERSION) $(DEST_LIB)/libgm.so.$(SOVER)
	ln -sf libgm.so.$(SOVER) $(DEST_LIB)/libgm.so
	@for f in gm.pc.in lib/gm-static.pc.in; do n=$$(basename $$f .in); $(FILL) $$f > $(DEST_LIB)/pkgconfig/$$n && chmod 644 $(DEST_LIB)/pkgconfig/$$n || exit 1; done
	@for f in gmConfig gmConfigVersion; do $(FILL) lib/$$f.cmake.in > $(DEST_CMAKE)/$$f.cmake && chmod 644 $(DEST_CMAKE)/$$f.cmake || exit 1; done

uninstall:
	rm -rf $(DEST_INC)/gm $(DEST_CMAKE)
	rm -f $(DEST_LIB)/libgm.a $(DEST_LIB)/libgm.so $(DEST_LIB)/libgm.so.$(SOVER) $(DEST_LIB)/libgm.so.$(VERSION) \
	  $(DEST_LIB)/pkgconfig/gm.pc $(DEST_LIB)/pkgconfig/gm-static.pc $(DEST_BIN)/$(PROGRAM)

clean:
	rm -rf $(BUILD) $(LIBD)/libgm.a $(LIBD)/libgm.so $(LIBD)/libgm.so.$(SOVER)

help:
	@echo "make              lib/libgm.a, lib/libgm.so, build/gm, examples"
	@echo "make one          build/one/libgm.a: one object, public names only; GM_PREFIX=foo_ renames them for a second copy in one process"
	@echo "make deps         install what libgm needs (Debian, Ubuntu)"
	@echo "make demo         train a VAE on built-in digits, draw 64 of them: build/demo/digits.png"
	@echo "make check        all tests, the project's own checks, unit and op tests under ASan and UBSan"
	@echo "make check-asan   all tests under ASan and UBSan      make check-tsan   thread tests under TSan"
	@echo "make fuzz FUZZ_RUNS=N TARGET=NAME    more fuzzing; make coverage, analyze, check-valgrind, check-variants: docs/testing.md"
	@echo "make check-long   everything, long versions included; resumable"
	@echo "make bench        speed, growth, accuracy, memory, size of the library; ONLY=vae THREADS=2 narrow it; PEERS=1 or names: beside other libraries (PYTHON=)"
	@echo "make experiments DATA=DIR    train on real data to the published figures"
	@echo "make install PREFIX=/usr/local LIBDIR=lib INCLUDEDIR=include BINDIR=bin PROGRAM=gm DESTDIR= STRIP=strip    make uninstall"
	@echo "variables: CC OPT CFLAGS SAN BUILD LIBD, V=1 shows commands"
