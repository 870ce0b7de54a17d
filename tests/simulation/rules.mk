# The daemon whose clocks a test can move (clock_file.c), and the tests that
# let hours pass in it. Included by the Makefile.

SIMULATED = $(BUILD)/tests/msgraphd-simulated

$(SIMULATED): $(BUILD)/obj/tests/simulation/clock_file.o \
		$(call obj,$(daemon_SRC)) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -Wl,--wrap=event_add,--wrap=clock_gettime -o $@ $^ \
	    $(DAEMON_LIBS)

simulation: $(SIMULATED)
	MSGRAPH_BUILD=$(abspath $(BUILD)) $(PYTEST) tests/simulation

.PHONY: simulation
