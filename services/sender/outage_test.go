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

// TestOutageOfAllLanes lets all lanes fail to ask for slots, again and again, and some
// succeed meanwhile: that is one line, and another when it is over, each time.
func TestOutageOfAllLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		o := &outage{log: slog.New(slog.NewTextHandler(&logged, nil))}
		o.works()
		for range 2 {
			logged.Reset()
			for range 3 {
				for n := range 12 {
					o.failed(strconv.Itoa(n), errors.New("away"))
				}
				time.Sleep(time.Second)
				o.works()
			}
			time.Sleep(2 * outageQuiet)
			o.works()
			o.works()
			if got := strings.Count(logged.String(), "\n"); got != 2 || strings.Count(logged.String(), "level=WARN") != 1 || !strings.Contains(logged.String(), "failures=36") {
				t.Errorf("it logged:\n%s", logged.String())
			}
		}
	})
}
