package alert_test

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
)

var specs = []messenger.Spec{{Name: "slack"}, {Name: "sms", Costly: true}, {Name: "pager", Idempotent: true}}

// TestVerdictRuleIsComplete checks all outcomes with all facts: only the response of a
// provider makes a delivery Sent, every other final state has a reason, and every retry
// has a time.
func TestVerdictRuleIsComplete(t *testing.T) {
	rule, now := alert.NewVerdictRule(specs), time.Now()
	for kind := messenger.OutcomeKind(0); kind <= messenger.Unknown; kind++ {
		for _, name := range []string{"slack", "sms", "pager", "pigeon"} {
			for _, rank := range job.Ranks {
				for _, canceled := range []bool{false, true} {
					for _, tries := range []int{0, 1, 8, 9, 63, 64, 1 << 30} {
						for _, code := range []string{"", "some_code"} {
							f := alert.VerdictFacts{Now: now, Messenger: name, Rank: rank, Tries: tries, Canceled: canceled}
							v := rule(f, dispatch.Report{Outcome: messenger.Outcome{Kind: kind, Code: code}})
							ok := false
							switch v.State {
							case alert.Sent:
								ok = kind == messenger.Sent && v.Reason == "" && v.NextTime.IsZero()
							case alert.Failed, alert.Canceled:
								ok = kind != messenger.Sent && v.Reason != "" && v.NextTime.IsZero()
							case alert.Queued:
								ok = kind != messenger.Sent && kind != messenger.Failed && v.Reason == "" && !canceled &&
									!v.NextTime.Before(now) && !v.NextTime.After(now.Add(5*time.Minute))
							}
							if v.ProviderDeduplicates && name != "pager" || kind == messenger.Unknown && name == "pager" && v.State == alert.Queued && !v.ProviderDeduplicates {
								t.Fatalf("%s by %s: %+v", kind, name, v)
							}
							if !ok || v.CountsAsTry == (kind == messenger.Paused) {
								t.Fatalf("%s with %+v: %+v", kind, f, v)
							}
						}
					}
				}
			}
		}
	}
}

func TestVerdictRule(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name      string
		messenger string
		rank      job.Rank
		tries     int
		outcome   messenger.Outcome
		state     alert.State
		from, to  time.Duration // of the wait
	}{
		{"the first retry is within a second", "slack", job.Normal, 0, messenger.Outcome{Kind: messenger.Retry}, alert.Queued, 0, time.Second},
		{"the fourth is within eight", "slack", job.Normal, 3, messenger.Outcome{Kind: messenger.Retry}, alert.Queued, 0, 8 * time.Second},
		{"a late one is within five minutes", "slack", job.Normal, 1000, messenger.Outcome{Kind: messenger.Retry}, alert.Queued, 0, 5 * time.Minute},
		{"a wait that the provider requests is kept", "slack", job.Normal, 0, messenger.Outcome{Kind: messenger.Retry, RetryAfter: time.Hour}, alert.Queued, time.Hour, time.Hour},
		{"an hour's pause is an hour", "slack", job.Critical, 0, messenger.Outcome{Kind: messenger.Paused, RetryAfter: time.Hour}, alert.Queued, time.Hour, time.Hour},
		{"a pause without a time is short", "slack", job.Normal, 50, messenger.Outcome{Kind: messenger.Paused}, alert.Queued, time.Second, time.Second},
		{"an unknown outcome is retried", "slack", job.Low, 0, messenger.Outcome{Kind: messenger.Unknown}, alert.Queued, 0, time.Second},
		{"but not of a costly messenger", "sms", job.High, 0, messenger.Outcome{Kind: messenger.Unknown}, alert.Failed, 0, 0},
		{"unless it is critical", "sms", job.Critical, 0, messenger.Outcome{Kind: messenger.Unknown}, alert.Queued, 0, time.Second},
		{"it is retried at once as a new message", "slack", job.Low, 8, messenger.Outcome{Kind: messenger.Retry, PreviousGone: true}, alert.Queued, 0, 0},
		{"a costly messenger is retried if nothing was sent", "sms", job.Low, 0, messenger.Outcome{Kind: messenger.Retry}, alert.Queued, 0, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 100 { // the backoff is random
				v := alert.NewVerdictRule(specs)(alert.VerdictFacts{Now: now, Messenger: c.messenger, Rank: c.rank, Tries: c.tries}, dispatch.Report{Outcome: c.outcome})
				if wait := v.NextTime.Sub(now); v.State != c.state || v.State == alert.Queued && (wait < c.from || wait > c.to) || v.CountsAsTry == (c.outcome.Kind == messenger.Paused || c.outcome.PreviousGone) {
					t.Fatalf("%+v: waits %s", v, wait)
				}
			}
		})
	}
}
