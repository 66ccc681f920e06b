package sender

import (
	"bytes"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestOutageOfAllPipelines has all pipelines fail to reserve slots, repeatedly, with
// successes between: each outage is logged once at its begin and once at its end.
func TestOutageOfAllPipelines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		o := &slotOutage{log: slog.New(slog.NewTextHandler(&logged, nil))}
		o.recover()
		for range 2 {
			logged.Reset()
			for range 3 {
				for n := range 12 {
					o.fail(strconv.Itoa(n), errors.New("unavailable"))
				}
				time.Sleep(time.Second) // in the synctest bubble
				o.recover()
			}
			time.Sleep(2 * outageQuiet)
			o.recover()
			o.recover()
			if got := strings.Count(logged.String(), "\n"); got != 2 || strings.Count(logged.String(), "level=WARN") != 1 || !strings.Contains(logged.String(), "failures=36") {
				t.Errorf("log:\n%s", logged.String())
			}
		}
	})
}
