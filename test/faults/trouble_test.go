package faults

import "testing"

// TestTrouble is what befell others who send alerts, named for where they told of it,
// where brokers and senders are what fails. The rest is TestTrouble of test/e2e.
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
