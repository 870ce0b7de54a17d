# The fault run; takes a few minutes. SEED=N for another one. Included by the
# Makefile.

SEED ?= 20261123

torture: all
	MSGRAPH_BUILD=$(abspath $(BUILD)) tests/with-users \
	    $(MODULE) torture.torture --seed $(SEED)

.PHONY: torture
