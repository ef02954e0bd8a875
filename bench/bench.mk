# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make bench: measures, and writes bench/RESULTS.md.  BENCH_DIR is where the cores go (/tmp).

BENCH_TOOLS := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))

$(BUILD)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 $(WARNINGS) $(if $(filter nothing,$*),-static) -o $@ $< -lpthread

bench: all $(BENCH_TOOLS)
	bench/run.sh $(BUILD)/bench $(BENCH_DIR) > $(BUILD)/RESULTS.md
	cp $(BUILD)/RESULTS.md bench/RESULTS.md
	@cat bench/RESULTS.md

.PHONY: bench
