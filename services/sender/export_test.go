package sender

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// NoMetrics is a Metrics that records nothing.
type NoMetrics struct{}

func (NoMetrics) Attempted(string, messenger.Outcome, time.Duration) {}
func (NoMetrics) Waited(string, time.Duration)                       {}
func (NoMetrics) Deferred(string, string)                            {}
func (NoMetrics) Paused(string, time.Duration)                       {}
func (NoMetrics) Refused(string)                                     {}
func (NoMetrics) BreakerChanged(string, string, string)              {}
