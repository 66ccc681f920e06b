package app

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/store/ledger"
	"github.com/bongsu-project/bongsu/services/alert"
)

// mostDays is how many days --keep takes at most: a century.
const mostDays = 36500

// ParseKeep reads how long alerts are kept: days (30d), a duration (720h), days and a
// duration (1d12h), or forever, which is 0.
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
	return fmt.Errorf("--keep is %q: it takes days such as 30d, a duration such as 720h, or forever", text)
}

// checkKeep refuses what is too short to keep what is promised elsewhere.
func checkKeep(keep time.Duration, text string) error {
	if keep < alert.LeastKeep {
		return fmt.Errorf("--keep is %s: it must be at least 2d, as a request may be made again under its idempotency key for a day, or forever", text)
	}
	return nil
}

// keep forgets what was over for longer than the alerts are kept, if they are not kept
// forever.
func (b *builder) keep(store *ledger.Store) {
	if b.config.Keep == 0 {
		return
	}
	k := &alert.Keeper{Forgetter: store, Keep: b.config.Keep, Forgot: b.metrics.Forgot, Now: b.config.Now, Log: b.log}
	b.stages[accept] = append(b.stages[accept], k.Run)
	b.log.Info("alerts are forgotten some time after they are over", "keep", b.config.Keep.String())
}
