package alert

import (
	"sync/atomic"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/silence"
)

// Silenced is the reason of a delivery that is Canceled because a silence matched its alert.
const Silenced = "silenced"

// A Silence applies to the firing alerts that its matchers match, from Start until before End.
type Silence struct {
	ID         int64
	Matchers   silence.Matchers
	Start, End time.Time
}

// A SilenceSet holds the silences that the service applies. The zero value is empty. A nil set is
// empty, too. It is safe for concurrent use.
type SilenceSet struct{ silences atomic.Pointer[[]Silence] }

// Replace replaces all silences. The set keeps them: they must not be changed any more.
func (s *SilenceSet) Replace(silences []Silence) { s.silences.Store(&silences) }

// Find returns the id of the first silence that applies to an alert at its create time; 0 for
// none. Only firing alerts are silenced: others are for those who were notified already.
func (s *SilenceSet) Find(a Alert) int64 {
	if s == nil || a.Resolved || a.Acknowledged {
		return 0
	}
	silences := s.silences.Load()
	if silences == nil || len(*silences) == 0 {
		return 0
	}
	subject := silence.Subject{Key: job.DisplayKey(a.AlertKey), Severity: a.Severity, Source: a.Source, Targets: a.Targets, Details: a.Details}
	for _, silenced := range *silences {
		if !a.CreateTime.Before(silenced.Start) && a.CreateTime.Before(silenced.End) && silenced.Matchers.Match(subject) {
			return silenced.ID
		}
	}
	return 0
}

// cancelSilenced cancels the deliveries of a silenced alert at now. They are in no failover chain:
// if they are replayed, all of them are sent.
func cancelSilenced(ds []Delivery, now time.Time) {
	for i := range ds {
		if d := &ds[i]; !d.State.IsFinal() {
			d.State, d.Reason, d.EndTime, d.Chain, d.NextTime = Canceled, Silenced, now, 0, time.Time{}
		}
	}
}

// countSilenced calls Silenced for the silenced deliveries of an alert that was recorded.
func (h *Handler) countSilenced(added Added) {
	if h.Silenced == nil || added.Alert.Silence == 0 {
		return
	}
	for i := range added.Deliveries {
		if d := &added.Deliveries[i]; d.Reason == Silenced {
			h.Silenced(d.Messenger)
		}
	}
}
