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

// TestOutageOfAllLanes has all pipelines fail to reserve slots, repeatedly, with
// successes between: each outage is logged once at its begin and once at its end.
func TestOutageOfAllLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		o := &outage{log: slog.New(slog.NewTextHandler(&logged, nil))}
		o.works()
		for range 2 {
			logged.Reset()
			for range 3 {
				for n := range 12 {
					o.failed(strconv.Itoa(n), errors.New("unavailable"))
				}
				time.Sleep(time.Second) // in the synctest bubble
				o.works()
			}
			time.Sleep(2 * outageQuiet)
			o.works()
			o.works()
			if got := strings.Count(logged.String(), "\n"); got != 2 || strings.Count(logged.String(), "level=WARN") != 1 || !strings.Contains(logged.String(), "failures=36") {
				t.Errorf("log:\n%s", logged.String())
			}
		}
	})
}
