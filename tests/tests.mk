# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The tests: see doc/hacking.md.  The Makefile includes this file.

TESTS := $(BUILD)/tests
UNIT := $(patsubst tests/unit/%.c,$(TESTS)/%,$(wildcard tests/unit/*_test.c))
FUZZERS := $(patsubst tests/fuzz/%.c,$(TESTS)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60
SOAK_ROUNDS ?= 20

check:
	tests/install-packages.sh check
	+tests/run.sh

demo:
	@tests/install-packages.sh demo
	@echo "Building; this takes a minute or two ..."
	@$(MAKE) -s all
	@BIN=$(BIN) LIB=$(LIB) examples/demo.sh

# The real programs and the checkpoints that harm nobody, again and again; stops at the first round
# that fails.
soak:
	tests/install-packages.sh check
	$(MAKE) all
	@for round in $$(seq $(SOAK_ROUNDS)); do \
		echo "round $$round of $(SOAK_ROUNDS)"; \
		SOAK=1 bats tests/real_programs.bats tests/ckpt_harm.bats || exit 1; \
	done

# Each harness under libFuzzer.  What they find is left in the current folder as crash-*; new inputs
# that reach new code are kept in build-fuzz/found/.
fuzz:
	tests/install-packages.sh fuzz
	$(MAKE) CC=clang BUILD=build-fuzz SANITIZE=fuzzer-no-link,address,undefined LIBFUZZER=1 fuzzers
	@for harness in $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)); do \
		mkdir -p build-fuzz/found/$$harness; \
		build-fuzz/tests/fuzz_$$harness -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
			build-fuzz/found/$$harness tests/fuzz/corpus/$$harness || exit 1; \
	done

unit: $(UNIT)
fuzzers: $(FUZZERS)

# Everything but the main files, so that a test may use any function of any module.
PARTS := $(filter-out %/main.o,$(RESTART)) $(BUILD)/restart/blob.o $(ELF) $(MODEL)

$(TESTS)/parts.a: $(PARTS)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

TEST_CFLAGS := $(ALL_CPPFLAGS) $(filter-out -MMD -MP,$(ALL_CFLAGS))

$(UNIT): $(TESTS)/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(TESTS)/parts.a
	$(CC) $(TEST_CFLAGS) -o $@ $< $(TESTS)/parts.a $(ALL_LDFLAGS) $(LIBELF_LIBS)

# A harness is a program over files, or with LIBFUZZER=1 a fuzzer.
$(FUZZERS): $(TESTS)/%: tests/fuzz/%.c tests/fuzz/standalone.c $(TESTS)/parts.a
	$(CC) $(TEST_CFLAGS) $(if $(LIBFUZZER),-DLIBFUZZER -fsanitize=fuzzer) -o $@ $< \
		tests/fuzz/standalone.c $(TESTS)/parts.a $(ALL_LDFLAGS) $(LIBELF_LIBS)

.PHONY: check demo soak fuzz unit fuzzers

-include bench/bench.mk
