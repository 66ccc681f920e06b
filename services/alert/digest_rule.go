package alert

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// maxDigestCount is the maximum of DigestRule.Count: a counter keeps so many times for each
	// address.
	maxDigestCount = 100
	// minDigestWindow and maxDigestWindow are the bounds of DigestRule.Window.
	minDigestWindow, maxDigestWindow = time.Second, time.Hour
)

// A DigestRule decides which deliveries to an address are held back: those after the first Count
// within Window. The zero DigestRule holds back none.
type DigestRule struct {
	Count  int
	Window time.Duration
}

// DefaultDigestRule is the rule of a Config without one.
var DefaultDigestRule = DigestRule{Count: 10, Window: time.Minute}

// errDigestRule is the error of a malformed rule.
var errDigestRule = errors.New(`must be a number and a duration, such as "10 in 1m", or off`)

// ParseDigestRule parses a rule such as "10 in 1m", or "off".
func ParseDigestRule(text string) (DigestRule, error) {
	if text == "off" {
		return DigestRule{}, nil
	}
	number, window, ok := strings.Cut(text, " in ")
	if !ok {
		return DigestRule{}, errDigestRule
	}
	var r DigestRule
	var err error
	if r.Count, err = strconv.Atoi(strings.TrimSpace(number)); err != nil {
		return DigestRule{}, errDigestRule
	}
	if r.Window, err = time.ParseDuration(strings.TrimSpace(window)); err != nil {
		return DigestRule{}, errDigestRule
	}
	if r.Count < 1 || r.Count > maxDigestCount {
		return DigestRule{}, fmt.Errorf("the number must be from 1 to %d", maxDigestCount)
	}
	if r.Window < minDigestWindow || r.Window > maxDigestWindow {
		return DigestRule{}, fmt.Errorf("the duration must be from %s to %s", minDigestWindow, maxDigestWindow)
	}
	return r, nil
}

// Until returns until when a delivery at now is held back, or the zero time. oldest is the time of
// the Count-th last delivery to its address before it, held back or not, zero if there were
// fewer; end is until when an earlier one is held back, zero for none. So while more than Count
// deliveries come within each Window, there is one digest in each. Times that a clock recorded
// that was ahead are ignored.
func (r DigestRule) Until(oldest, end, now time.Time) time.Time {
	if r.Count == 0 {
		return time.Time{}
	}
	if end.After(now) && !end.After(now.Add(r.Window)) {
		return end
	}
	if next := oldest.Add(r.Window); !oldest.IsZero() && !oldest.After(now) && next.After(now) {
		return next
	}
	return time.Time{}
}
