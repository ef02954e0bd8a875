# SPDX-License-Identifier: LGPL-2.1-or-later
#
# make bench: measures, and writes bench/RESULTS.md and bench/stall.svg.  BENCH_MEMORY (/dev/shm) and
# BENCH_DISK (/tmp) are where the checkpoints go.  make BENCH_QUICK=1 bench tries whether it works, and
# writes to the build folder.

BENCH_TOOLS := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
BENCH_MEMORY ?= /dev/shm
BENCH_DISK ?= /tmp
BENCH_TO := $(if $(BENCH_QUICK),$(BUILD)/bench,bench)

$(BUILD)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 $(WARNINGS) $(if $(filter nothing,$*),-static) -o $@ $< -lpthread

bench: all $(BENCH_TOOLS)
	BENCH_QUICK=$(BENCH_QUICK) bench/run.sh $(BUILD)/bench $(BENCH_MEMORY) $(BENCH_DISK) > $(BUILD)/figures
	cp $(BUILD)/figures $(BENCH_TO)/figures.tsv
	$(MAKE) bench-report

bench-report:
	python3 -B bench/report.py $(BENCH_TO)/figures.tsv bench/reasons.md $(BENCH_TO)/RESULTS.md \
		$(BENCH_TO)/stall.svg
	@cat $(BENCH_TO)/RESULTS.md

# What many descriptors and many mappings cost: the tables of bench/MANY.md.
bench-descriptors bench-mappings: bench-%: all $(BUILD)/bench/%
	@bench/many.sh $(BUILD)/bench $*

.PHONY: bench bench-report bench-descriptors bench-mappings
