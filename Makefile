# The front door. Each target installs what it needs first (tools/setup), and leaves the program at build/hipt.
.DEFAULT_GOAL := help
.PHONY: help build train demo test bench format check asan tsan clean

help:
	@echo 'make build    the program: build/hipt'
	@echo 'make train    the training half too, which fetches LibTorch: build/hipt-train, which hipt starts'
	@echo 'make demo     a real slide to features and a picture, in demo/'
	@echo 'make test     format, include arrows, build, all tests'
	@echo 'make bench    measures this machine and the program on it'
	@echo 'make format   lays out the C++ files with clang-format'
	@echo 'make check    only format and include arrows'
	@echo 'make asan     tests under the address and undefined-behaviour sanitizers'
	@echo 'make tsan     tests of what runs in many threads under the thread sanitizer'
	@echo 'make clean    removes build/ and demo/'

sources = $(shell find hipt cli test bench -name '*.h' -o -name '*.cpp')

build:
	tools/setup
	cmake --preset ci -DHIPT_TRAIN=OFF
	cmake --build build --target hipt

train:
	tools/setup --train
	cmake --preset ci -DHIPT_TRAIN=ON
	cmake --build build --target hipt hipt-train

demo: build
	tools/demo

test:
	tools/setup --tests --demo-slide
	$(MAKE) --no-print-directory check
	cmake --preset ci -DHIPT_TRAIN=ON
	cmake --build build
	tools/run_tests build

bench: build
	cmake --build build --target hipt_bench
	build/hipt_bench
	@echo 'Beside PyTorch, ONNX Runtime, OpenVINO and other readers: bench/peers/run SLIDE'

format:
	tools/setup --tests
	clang-format-19 -i $(sources)

check:
	clang-format-19 --dry-run -Werror $(sources)
	tools/check_layers

# The sanitizers cost about a factor of ten: tests labelled slow are left out, and those in Python, which load torch.
asan:
	tools/setup --tests --demo-slide
	cmake --preset asan
	cmake --build build/asan
	tools/run_tests build/asan --label-exclude 'slow|interop'

tsan:
	tools/setup --demo-slide
	cmake --preset tsan
	cmake --build build/tsan --target hipt_test_base hipt_test_cohort hipt_test_encode
	TSAN_OPTIONS='suppressions=$(CURDIR)/tools/tsan.suppressions die_after_fork=0' \
	  tools/run_tests build/tsan --tests-regex '^(base|cohort|encode):' --label-exclude slow

clean:
	rm -rf build demo
