# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make           programs in bin/, libraries in lib/
# make demo      installs what is missing, builds, and shows a checkpoint and a restart
# make check     installs what is missing, and runs every test
# make soak      repeats the tests with real programs; make bench measures; make fuzz fuzzes
# make install   honours PREFIX and DESTDIR
#
# CC, CFLAGS, LDFLAGS may be given; SANITIZE=address,undefined builds with sanitizers; BUILD, BIN and
# LIB name the folders for objects, programs and libraries, so that several builds stand side by side.

VERSION := 0.1
PREFIX ?= /usr/local
CC := gcc
CFLAGS ?= -O2 -g
BUILD ?= build
BIN := bin
LIB := lib
SANITIZE ?=

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wvla -Wundef -Wformat=2 $(if $(WERROR),-Werror)
ALL_CPPFLAGS := -I. -I$(BUILD) -DVERSION='"$(VERSION)"' $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 -fno-strict-aliasing $(WARNINGS) -MMD -MP \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all) $(CFLAGS)
ALL_LDFLAGS := $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

# What elf/ is built with: libelf, xxhash for the checksums in our own cores, zstd to compress them.
LIBELF_CFLAGS := $(shell pkg-config --cflags libelf libxxhash libzstd 2>/dev/null)
LIBELF_LIBS := $(or $(shell pkg-config --libs libelf libxxhash libzstd 2>/dev/null),\
	-lelf -lxxhash -lzstd)

sources = $(filter-out $(foreach d,$(2),$(wildcard $(d)/*.c)),$(foreach d,$(1),$(wildcard $(d)/*.c)))
objects = $(patsubst %.c,$(BUILD)/%.o,$(1))

MODEL := $(call objects,$(call sources,util process))
ELF := $(call objects,$(call sources,elf))
RESTART := $(call objects,$(call sources,restart))
CKPT := $(call objects,$(filter-out ckpt/embed.c,$(wildcard ckpt/*.c)))
SAVEFDS := $(call objects,libsavefds/savefds.c)
LIBRARY := $(patsubst %.c,$(BUILD)/pic/%.o,$(call sources,util process) \
	$(filter-out libsavefds/savefds.c,$(wildcard libsavefds/*.c)))
EXAMPLES := $(patsubst examples/%.c,$(BIN)/%,$(wildcard examples/*.c))

all: $(BIN)/restart $(BIN)/ckpt $(BIN)/savefds $(LIB)/libsavefds.so $(LIB)/libckpt.so $(LIB)/libckpt.a \
	$(BIN)/ckptcvt $(BIN)/checkpoint $(LIB)/pmckpt.o $(LIB)/pmceot.o $(LIB)/pmckpt.h $(EXAMPLES)

$(BIN)/restart: $(RESTART) $(ELF) $(MODEL)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ENGINE_STATIC) -o $@ $^ $(ALL_LDFLAGS) $(ENGINE_LIBS)

# ---- The engine: ckpt and restart as one program ----
#
# It checkpoints, and in front of a core it is an executable checkpoint (elf/embedded.h).  Static, as
# it goes where nothing is installed; with sanitizers it cannot be.  bin/restart is static for its
# speed: loading libraries would be a sixth of the time of a small restart.

ENGINE_STATIC := $(if $(SANITIZE),,-static)
ENGINE_LIBS := $(if $(SANITIZE),$(LIBELF_LIBS),$(or $(shell pkg-config --static --libs \
	libelf libxxhash libzstd 2>/dev/null),-lelf -lz -lxxhash -lzstd))
EMBEDDED_NOTE := $(BUILD)/elf/embedded_note.o

# restart inside of it: one object with one name.
$(BUILD)/restart_main.o: $(RESTART) $(BUILD)/restart/blob.o
	ld -r -o $@ $^
	objcopy --redefine-sym main=restart_main --keep-global-symbol=restart_main $@

# The agent for static programs, which the engine puts into them: no C library, one flat program.
STATIC_AGENT := $(patsubst %.c,$(BUILD)/static/%.o,$(wildcard libckpt/static/*.c) \
	$(addprefix libckpt/,settings.c engine.c checkpoint.c handler.c period.c environment.c \
		terminal.c) \
	util/format.c util/error.c process/names.c process/interrupted_x86_64.c process/syscall_restart.c \
	process/call_on_stack_x86_64.c)

$(BUILD)/static/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -std=gnu11 -Os -g -ffreestanding -fpie -fno-stack-protector -fno-builtin \
		-fno-asynchronous-unwind-tables -fcf-protection=none \
		-fno-strict-aliasing -fvisibility=hidden $(WARNINGS) -MMD -MP -c -o $@ $<

$(BUILD)/agent.elf: $(STATIC_AGENT)
	$(CC) -nostdlib -static-pie -Wl,-z,text -Wl,--build-id=none -Wl,--no-dynamic-linker -s \
		-Wl,-e,static_agent_entry -o $@ $^

$(BUILD)/ckpt/agent_image.o: ckpt/agent_image.S $(BUILD)/agent.elf
	@mkdir -p $(@D)
	$(CC) -DAGENT='"$(BUILD)/agent.elf"' -c -o $@ $<

$(BUILD)/engine: $(BUILD)/ckpt/agent_image.o

$(BUILD)/engine: $(CKPT) $(BUILD)/restart_main.o $(EMBEDDED_NOTE) $(ELF) $(MODEL)
	$(CC) $(ALL_CFLAGS) $(ENGINE_STATIC) -o $@ $^ $(ALL_LDFLAGS) $(ENGINE_LIBS)

$(BUILD)/elf/%.o: elf/%.S
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

# The command carries the library, which carries the engine.
$(BIN)/ckpt: $(BUILD)/engine.stripped $(BUILD)/embed $(LIB)/libckpt.so
	@mkdir -p $(@D)
	$(BUILD)/embed $< $(LIB)/libckpt.so $@

$(BUILD)/embed: $(BUILD)/ckpt/embed.o $(ELF) $(MODEL)
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS) $(LIBELF_LIBS)

$(BIN)/savefds: $(SAVEFDS) $(MODEL)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $^ $(ALL_LDFLAGS)

# The library is loaded into other people's programs: it exports only what its map names, and it is
# never built with sanitizers.
$(LIB)/libsavefds.so: $(LIBRARY) libsavefds/libsavefds.map
	@mkdir -p $(@D)
	$(CC) -shared -o $@ $(LIBRARY) -Wl,-soname,libsavefds.so -Wl,-z,relro,-z,now \
		-Wl,--version-script=libsavefds/libsavefds.map $(LDFLAGS)

# ---- libckpt: the agent in a program, with the engine inside ----

AGENT := $(patsubst %.c,$(BUILD)/pic/%.o,$(call sources,util process) $(wildcard libckpt/*.c)) \
	$(BUILD)/pic/libckpt/engine_image.o

$(BUILD)/engine.stripped: $(BUILD)/engine
	strip -o $@ $<

$(BUILD)/pic/libckpt/engine_image.o: libckpt/engine_image.S $(BUILD)/engine.stripped
	@mkdir -p $(@D)
	$(CC) -DENGINE='"$(BUILD)/engine.stripped"' -c -o $@ $<

$(LIB)/libckpt.so: $(AGENT) libckpt/libckpt.map
	@mkdir -p $(@D)
	$(CC) -shared -o $@ $(AGENT) -Wl,-soname,libckpt.so -Wl,-z,relro,-z,now \
		-Wl,--version-script=libckpt/libckpt.map $(LDFLAGS)

$(LIB)/libckpt.a: $(AGENT)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

# ---- pmckpt: on top of libckpt, of which a marked program sees nothing ----

$(BIN)/ckptcvt $(BIN)/checkpoint: $(BIN)/%: $(BUILD)/pmckpt/%.o
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -o $@ $< $(ALL_LDFLAGS)

$(LIB)/pmckpt.o: $(BUILD)/pic/pmckpt/pmckpt.o $(LIB)/libckpt.a
	ld -r -o $@ $^
	objcopy -g $(addprefix --keep-global-symbol=,$(PMCKPT_NAMES)) $@

PMCKPT_NAMES := ckpt_schedule ckpt_init ckpt_scheduled ckpt_point ckpt_innermost ckpt_tops ckpt_leave

$(LIB)/pmceot.o: $(BUILD)/pic/pmckpt/pmceot.o
	cp $< $@

$(LIB)/pmckpt.h: pmckpt/pmckpt.h
	@mkdir -p $(@D)
	cp $< $@

# The seed's sessions name source lines, so the examples keep their line tables.
$(BIN)/%: examples/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -g -O0 $(WARNINGS) -I. -o $@ $< $(EXAMPLE_LIBS) -lpthread -lm

# These call the library.
LINKED_EXAMPLES := $(addprefix $(BIN)/,hooks periodic synchronous)
$(LINKED_EXAMPLES): $(LIB)/libckpt.so
$(LINKED_EXAMPLES): EXAMPLE_LIBS = -L$(LIB) -Wl,-rpath,'$$ORIGIN/../lib' -lckpt

# Objects are made anew when the flags change, as between `make` and `make SANITIZE=...`.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS))' > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(if $(filter elf/%,$<),$(LIBELF_CFLAGS)) -c -o $@ $<

$(BUILD)/pic/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -std=gnu11 -fno-strict-aliasing $(WARNINGS) -MMD -MP $(CFLAGS) \
		-fPIC -fvisibility=hidden -ftls-model=initial-exec -c -o $@ $<

# ---- The bootstrap: freestanding, position independent, one flat blob (see bootstrap/plan.h) ----

BOOTSTRAP_CFLAGS := -std=gnu11 -Os -ffreestanding -fpie -fno-stack-protector -fno-jump-tables \
	-fno-builtin -fno-asynchronous-unwind-tables -fcf-protection=none -mgeneral-regs-only \
	-fvisibility=hidden -mno-red-zone $(WARNINGS) -MMD -MP -I.
BOOTSTRAP := $(BUILD)/restart/bootstrap/bootstrap.o $(BUILD)/restart/bootstrap/entry_x86_64.o

$(BUILD)/restart/bootstrap/bootstrap.o: restart/bootstrap/bootstrap.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BOOTSTRAP_CFLAGS) -c -o $@ $<

$(BUILD)/restart/bootstrap/%.o: restart/bootstrap/%.S
	@mkdir -p $(@D)
	$(CC) $(BOOTSTRAP_CFLAGS) -c -o $@ $<

$(BUILD)/bootstrap.elf: $(BOOTSTRAP) restart/bootstrap/bootstrap.lds
	$(CC) -nostdlib -static-pie -Wl,-z,text -Wl,--build-id=none -Wl,--no-dynamic-linker \
		-Wl,-T,restart/bootstrap/bootstrap.lds -o $@ $(BOOTSTRAP)

$(BUILD)/bootstrap.bin: $(BUILD)/bootstrap.elf
	objcopy -O binary -j .text $< $@

$(BUILD)/restart/blob.o: restart/blob.S $(BUILD)/bootstrap.bin
	@mkdir -p $(@D)
	$(CC) -DBOOTSTRAP_BIN='"$(BUILD)/bootstrap.bin"' -c -o $@ $<

$(BIN)/restart: $(BUILD)/restart/blob.o

# ---- Names of system calls, from the kernel's own header ----

$(BUILD)/restart/show.o: $(BUILD)/syscall_names.h
$(BUILD)/syscall_names.h:
	@mkdir -p $(@D)
	echo '#include <asm/unistd.h>' | $(CC) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9][0-9]*\)$$/[\2] = "\1",/p' | \
		sort -t[ -k2n > $@

-include tests/tests.mk

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include \
		$(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man3 \
		$(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man7 \
		$(DESTDIR)$(PREFIX)/share/doc/restart
	install $(BIN)/restart $(BIN)/ckpt $(BIN)/savefds $(BIN)/ckptcvt $(BIN)/checkpoint \
		$(DESTDIR)$(PREFIX)/bin
	install $(LIB)/libsavefds.so $(LIB)/libckpt.so $(DESTDIR)$(PREFIX)/lib
	install -m 644 $(LIB)/pmckpt.o $(LIB)/pmceot.o $(DESTDIR)$(PREFIX)/lib
	install -m 644 libckpt/ckpt.h pmckpt/pmckpt.h $(DESTDIR)$(PREFIX)/include
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' libckpt/libckpt.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/libckpt.pc
	install -m 644 doc/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 doc/*.3 $(DESTDIR)$(PREFIX)/share/man/man3
	install -m 644 doc/*.5 $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 doc/*.7 $(DESTDIR)$(PREFIX)/share/man/man7
	install -m 644 doc/*.md $(DESTDIR)$(PREFIX)/share/doc/restart
	@if [ -n "$(DESTDIR)" ]; then :; elif [ "$$(id -u)" = 0 ] && ldconfig 2>/dev/null; then :; else \
		echo "for programs linked with -lckpt: run ldconfig, or set LD_LIBRARY_PATH=$(PREFIX)/lib"; \
	fi

clean:
	rm -rf $(BUILD) $(BIN) $(LIB)

FORCE:
.PHONY: all install clean FORCE
.DELETE_ON_ERROR:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
