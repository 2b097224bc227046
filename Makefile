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
VERSION := 0.1.0
SOVER   := 0

DIRS    ?= base kernels tensor tape ops nn optim io data metrics models models/vae models/ae
PKGS    := openblas lapacke zlib libpng jansson
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wno-sign-conversion
CSTD := -std=c11 -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE
GMFLAGS = $(CSTD) $(OPT) -g -fPIC -fvisibility=hidden -ffp-contract=off -fno-math-errno -pthread \
          -ffunction-sections -fdata-sections $(WARN) -Iinclude -Isrc $(PKG_CFLAGS) $(SAN) $(CFLAGS)
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
.PHONY: all lib deps demo check check-asan check-tsan check-long bench experiments install uninstall clean help FORCE

all: lib $(BUILD)/gm $(EXAMPLES) $(BUILD)/gm.pc
lib: $(LIBA) $(LIBSO)

# ---- compiling; one build of the vector kernels for each instruction set -----

ifneq (,$(findstring x86_64,$(ARCH)))
$(BUILD)/src/kernels/kern_avx2.o:   ISA := -mavx2 -mfma -mf16c -mbmi2 -ffp-contract=fast
$(BUILD)/src/kernels/kern_avx512.o: ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mbmi2 -mprefer-vector-width=512 -ffp-contract=fast
endif
$(BUILD)/src/kernels/%.o: OPT := -O3

# Rebuild when the flags change.
FLAGS_NOW = $(CC) $(GMFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(FLAGS_NOW)' | cmp -s - $@ || printf '%s\n' '$(FLAGS_NOW)' > $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(GMFLAGS) $(ISA) -MMD -MP -c $< -o $@

$(LIBA): $(OBJS)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $(OBJS)

$(BUILD)/gm.map: lib/gm.symbols
	@mkdir -p $(@D)
	@{ echo 'GM_0 { global:'; sed -e '/^#/d' -e '/^$$/d' -e 's/.*/  &;/' $<; echo '  local: *; };'; } > $@

$(LIBSO): $(OBJS) $(BUILD)/gm.map
	@mkdir -p $(@D)
	$(CC) -shared $(SAN) $(LDFLAGS) -Wl,-soname,libgm.so.$(SOVER) -Wl,--version-script=$(BUILD)/gm.map -Wl,-Bsymbolic-functions \
	  -Wl,--gc-sections -Wl,--as-needed -Wl,-z,defs -o $@ $(OBJS) $(LDLIBS_)
	ln -sf libgm.so.$(SOVER) $(LIBD)/libgm.so

$(BUILD)/gm: $(CLI_OBJS) $(LIBA)
	$(CC) $(SAN) $(LDFLAGS) -o $@ $(CLI_OBJS) $(LIBA) -Wl,--gc-sections -Wl,--as-needed $(LDLIBS_)

# Examples are built as a stranger would: public headers and the library only.
$(BUILD)/examples/%: examples/%.c $(LIBA) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) -std=c99 $(OPT) -g $(WARN) $(SAN) $(CFLAGS) -Iinclude -MMD -MP -o $@ $< $(LIBA) -Wl,--gc-sections -Wl,--as-needed $(LDLIBS_)

$(BUILD)/tests/%: tests/%.c $(LIBA) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CSTD) -D_GNU_SOURCE $(OPT) -g -pthread -Wall -Wextra -Wno-sign-compare $(SAN) $(CFLAGS) -Iinclude -Isrc -Itests $(PKG_CFLAGS) $(CHECK_CFLAGS) -MMD -MP \
	  -o $@ $< $(LIBA) -Wl,--as-needed $(CHECK_LIBS) $(LDLIBS_)

-include $(OBJS:.o=.d) $(CLI_OBJS:.o=.d) $(EXAMPLES:=.d) $(TESTS:=.d)
