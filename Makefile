# Every target only calls .ci/make.py, a standard-library script; without make,
# the same is `python .ci/make.py demo` (also on Windows).
#
# Variables, on the command line or in the environment:
#   PYTHON=…         a Python >= 3.11 to use     HOST=… PORT=…   where `make lab` listens
#   ARGS="-k name"   more arguments for pytest   ALL=1           `make clean` also removes the weights
#   REPO=https://github.com/OWNER/NAME REF=BRANCH   what `make binder-url` links to
#   ALLOY_CHROMIUM=… the browser of the tests    NO_APT=1        never install one by apt-get

TARGETS := help demo test check lab bench soak versions fuzz static dist binder binder-url clean

.PHONY: $(TARGETS)
.DEFAULT_GOAL := help

$(TARGETS):
	@sh .ci/start $@
