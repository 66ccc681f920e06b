package incident_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

// TestEscalationLoopBegun checks that a step that is due at once does not wait for the next query
// of the loop, which is in five seconds.
func TestEscalationLoopBegun(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "incident.db"))
	kittest.NoError(t, s.SetPolicy(t.Context(), incident.Policy{Name: "on-call", Steps: []incident.Step{{Targets: []string{"@kim"}}}}))
	clock := newClock()
	taken := make(chan struct{}, 1)
	loop := incident.NewEscalationLoop(s, func() { taken <- struct{}{} }, clock.Now, quiet)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- loop.Run(ctx) }()
	_, _, err := s.Lease(t.Context(), "test", at(0), at(1000))
	kittest.NoError(t, err)
	c := change(incident.ChangeOpened, "high", 1)
	c.Alert.Escalation = "on-call"
	kittest.NoError(t, s.Apply(t.Context(), "test", []incident.Change{c}))
	begin := time.Now()
	loop.Begun()
	<-taken
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("the step was taken after %s", took)
	}
	cancel()
	kittest.NoError(t, <-ended)
}
