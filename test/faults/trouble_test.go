package faults

import "testing"

// TestTrouble reproduces incidents of other alerting systems, named after their
// reports, for brokers and senders. The others are in TestTrouble of test/e2e.
func TestTrouble(t *testing.T) {
	t.Parallel()
	for _, trouble := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"the broker restarted while idle", restarted.whileIdle},
		{"the broker restarted while busy (Svix 1844)", restarted.whileBusy},
		{"two senders, one cut off and back (Alertmanager 4108)", cutOffAndBack},
	} {
		t.Run(trouble.name, trouble.test)
	}
}
