package app

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/store/ledger"
	"github.com/bongsu-project/bongsu/services/alert"
)

// mostDays is the maximum of --keep in days: a century.
const mostDays = 36500

// ParseKeep parses the retention of alerts: days (30d), a duration (720h), both
// (1d12h), or forever, which is 0.
func ParseKeep(text string) (time.Duration, error) {
	if text == "forever" || text == "0" {
		return 0, nil
	}
	days, rest, is := strings.Cut(text, "d")
	if !is {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 32)
	if err != nil || n > mostDays {
		return 0, unkept(text)
	}
	keep := time.Duration(n) * 24 * time.Hour
	if rest == "" && is {
		return keep, checkKeep(keep, text)
	}
	more, err := time.ParseDuration(rest)
	if err != nil || more < 0 || more > mostDays*24*time.Hour {
		return 0, unkept(text)
	}
	return keep + more, checkKeep(keep+more, text)
}

func unkept(text string) error {
	return fmt.Errorf("invalid --keep %q: use days such as 30d, a duration such as 720h, or forever", text)
}

// checkKeep returns an error if a retention is shorter than that of idempotency keys.
func checkKeep(keep time.Duration, text string) error {
	if keep < alert.LeastKeep {
		return fmt.Errorf("invalid --keep %s: must be forever or at least 2d, because idempotency keys are valid for a day", text)
	}
	return nil
}

// keep runs the retention of alerts, unless they are kept forever.
func (b *builder) keep(store *ledger.Store) {
	if b.config.Keep == 0 {
		return
	}
	k := &alert.Keeper{Forgetter: store, Keep: b.config.Keep, Forgot: b.metrics.Forgot, Now: b.config.Now, Log: b.log}
	b.stages[accept] = append(b.stages[accept], k.Run)
	b.log.Info("deleting alerts after their retention", "keep", b.config.Keep.String())
}
