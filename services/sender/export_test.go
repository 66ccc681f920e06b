package sender

import (
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// Unmeasured is a Meter that records nothing.
type Unmeasured struct{}

func (Unmeasured) Attempted(string, messenger.Outcome, time.Duration) {}
func (Unmeasured) Waited(string, time.Duration)                       {}
func (Unmeasured) Deferred(string, string)                            {}
func (Unmeasured) Paused(string, time.Duration)                       {}
func (Unmeasured) Refused(string)                                     {}
func (Unmeasured) Broke(string, string, string)                       {}
