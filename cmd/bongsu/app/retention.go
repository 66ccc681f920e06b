package app

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// maxRetentionDays is the maximum of --keep in days: a century.
const maxRetentionDays = 36500

// ParseRetention parses the retention of alerts: days (30d), a duration (720h), both
// (1d12h), or forever, which is 0.
func ParseRetention(text string) (time.Duration, error) {
	if text == "forever" || text == "0" {
		return 0, nil
	}
	days, rest, is := strings.Cut(text, "d")
	if !is {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > maxRetentionDays {
		return 0, retentionError(text)
	}
	keep := time.Duration(n) * 24 * time.Hour
	if rest == "" && is {
		return keep, checkRetention(keep, text)
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more > maxRetentionDays*24*time.Hour {
		return 0, retentionError(text)
	}
	return keep + more, checkRetention(keep+more, text)
}

func retentionError(text string) error {
	return fmt.Errorf("invalid --keep %q: use days such as 30d, a duration such as 720h, or forever", text)
}

// checkRetention returns an error if a retention is shorter than that of idempotency keys.
func checkRetention(keep time.Duration, text string) error {
	if keep < alert.MinRetention {
		return fmt.Errorf("invalid --keep %s: must be forever or at least 2d, because idempotency keys are valid for a day", text)
	}
	return nil
}

// runRetention runs the retention of alerts, unless they are kept forever.
func (b *builder) runRetention(store *ledger.Store) {
	if b.config.Retention == 0 {
		return
	}
	k := &alert.RetentionLoop{Deleter: store, Retention: b.config.Retention, OnDelete: b.metrics.Deleted, Now: b.config.Now, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], k.Run)
	b.log.Info("deleting alerts after their retention", "keep", b.config.Retention.String())
}
