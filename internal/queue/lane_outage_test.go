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

// TestOutageOf48Lanes lets all lanes of twelve messengers fail repeatedly, and recover one
// after the other: one line logs the begin, and another the end with the count.
func TestOutageOf48Lanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		o := newLaneOutage(slog.New(slog.NewTextHandler(&logged, nil)))
		var lanes []laneID
		for _, messenger := range strings.Fields("a b c d e f g h i j k l") {
			for _, rank := range strings.Fields("critical high normal low") {
				lanes = append(lanes, laneID{messenger, rank})
			}
		}
		for range 2 { // two outages
			logged.Reset()
			for range 3 {
				for _, l := range lanes {
					o.fail(l, errors.New("no responders"))
					time.Sleep(20 * time.Millisecond)
					o.recover(l)
				}
			}
			for _, l := range lanes {
				o.recover(l)
			}
			time.Sleep(2 * outageEndAfter)
			synctest.Wait()
			got := strings.Split(strings.TrimSpace(logged.String()), "\n")
			if len(got) != 2 || !strings.Contains(got[0], "level=WARN") || !strings.Contains(got[1], "level=INFO") || !strings.Contains(got[1], "failures=144") {
				t.Errorf("it logged:\n%s", logged.String())
			}
		}
		o.fail(lanes[0], errors.New("closing"))
		o.recover(lanes[0])
		logged.Reset()
		o.close()
		time.Sleep(2 * outageEndAfter)
		synctest.Wait()
		if logged.Len() > 0 {
			t.Errorf("it logged after its end: %s", logged.String())
		}
	})
}
