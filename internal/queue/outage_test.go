package queue

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestHiccup48Lanes lets all lanes of twelve messengers fail repeatedly, and recover one
// after the other: one line logs the begin, and another the end with the count.
func TestHiccup48Lanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		o := newOutage(slog.New(slog.NewTextHandler(&logged, nil)))
		var lanes []lane
		for _, messenger := range strings.Fields("a b c d e f g h i j k l") {
			for _, rank := range strings.Fields("critical high normal low") {
				lanes = append(lanes, lane{messenger, rank})
			}
		}
		for range 2 { // two outages
			logged.Reset()
			for range 3 {
				for _, l := range lanes {
					o.failed(l, errors.New("no responders"))
					time.Sleep(20 * time.Millisecond)
					o.works(l)
				}
			}
			for _, l := range lanes {
				o.works(l)
			}
			time.Sleep(2 * outageQuiet)
			synctest.Wait()
			got := strings.Split(strings.TrimSpace(logged.String()), "\n")
			if len(got) != 2 || !strings.Contains(got[0], "level=WARN") || !strings.Contains(got[1], "level=INFO") || !strings.Contains(got[1], "failures=144") {
				t.Errorf("it logged:\n%s", logged.String())
			}
		}
		o.failed(lanes[0], errors.New("closing"))
		o.works(lanes[0])
		logged.Reset()
		o.close()
		time.Sleep(2 * outageQuiet)
		synctest.Wait()
		if logged.Len() > 0 {
			t.Errorf("it logged after its end: %s", logged.String())
		}
	})
}
