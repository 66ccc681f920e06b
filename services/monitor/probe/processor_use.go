package probe

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
)

// A processorUse measures the use of the processors between two checks. It is safe for
// concurrent use.
type processorUse struct {
	mu          sync.Mutex
	time        time.Time // of the last measurement; zero before the first
	total, busy float64   // the processor seconds until it
	share       float64   // the use before it, in percent
}

// minMeasured is the minimum time of a measurement.
const minMeasured = time.Second

// percent returns the use since the call before. The first call measures for a second.
func (u *processorUse) percent(ctx context.Context) (float64, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.time.IsZero() {
		if err := u.measure(ctx); err != nil {
			return 0, err
		}
		select {
		case <-time.After(minMeasured):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	} else if time.Since(u.time) < minMeasured { // of another check
		return u.share, nil
	}
	err := u.measure(ctx)
	return u.share, err
}

func (u *processorUse) measure(ctx context.Context) error {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return err
	}
	if len(times) == 0 {
		return errors.New("no times of processors")
	}
	t := times[0]
	busy := t.User + t.System + t.Nice + t.Irq + t.Softirq + t.Steal
	total := busy + t.Idle + t.Iowait
	if passed := total - u.total; passed > 0 {
		u.share = min(max((busy-u.busy)/passed*100, 0), 100)
	}
	u.time, u.total, u.busy = time.Now(), total, busy
	return nil
}
