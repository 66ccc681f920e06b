package fake

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// A Tally records which messages a fake received, and when.
type Tally struct {
	width int
	start time.Time
	at    []atomic.Int64 // nanoseconds after start, of the first call; 0 for none

	first, again, strange atomic.Int64
	latest                atomic.Int64 // nanoseconds after start
	goal                  atomic.Int64
	news                  chan struct{} // holds one value if the goal was reached
}

// Text returns the text that identifies the message with a number.
func Text(number int) string { return "node down, bench#" + strconv.Itoa(number) + "#" }

// Channel returns the destination that identifies a user. Those of one message must be
// distinct modulo the width of the tally.
func Channel(person int) string { return "Cbench" + strconv.Itoa(person) + "#" }

var (
	textMark    = []byte("bench#")
	channelMark = []byte(`"Cbench`)
)

// take records one call.
func (t *Tally) take(body []byte) {
	number, ok := numberAfter(body, textMark)
	person := 0
	if t.width > 1 {
		var known bool
		person, known = numberAfter(body, channelMark)
		ok = ok && known
	}
	index := number*t.width + person%t.width
	if !ok || index >= len(t.at) {
		t.strange.Add(1)
		return
	}
	now := max(int64(time.Since(t.start)), 1)
	if !t.at[index].CompareAndSwap(0, now) {
		t.again.Add(1)
		return
	}
	for last := t.latest.Load(); last < now && !t.latest.CompareAndSwap(last, now); last = t.latest.Load() {
	}
	if t.first.Add(1) == t.goal.Load() {
		t.wakeWaiter()
	}
}

// numberAfter parses the digits between a mark and a #.
func numberAfter(body, mark []byte) (number int, ok bool) {
	_, rest, found := bytes.Cut(body, mark)
	if !found {
		return 0, false
	}
	for i, c := range rest {
		if c < '0' || c > '9' {
			return number, c == '#' && i > 0
		}
		number = number*10 + int(c-'0')
	}
	return 0, false
}

func (t *Tally) wakeWaiter() {
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// Wait waits until count distinct messages were received, or returns the error of ctx
// with the number received. Only one goroutine may wait at a time.
func (t *Tally) Wait(ctx context.Context, count int) error {
	t.goal.Store(int64(count))
	for t.first.Load() < int64(count) {
		select {
		case <-t.news:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d messages were received: %w", t.first.Load(), count, ctx.Err())
		}
	}
	return nil
}

// Check returns an error if a message was received twice or was not expected.
func (t *Tally) Check() error {
	if again, strange := t.again.Load(), t.strange.Load(); again+strange > 0 {
		return fmt.Errorf("%d messages were duplicates, and %d were not expected", again, strange)
	}
	return nil
}

// Received returns the number of distinct messages received.
func (t *Tally) Received() int { return int(t.first.Load()) }

// Duplicates returns the number of duplicates received.
func (t *Tally) Duplicates() int { return int(t.again.Load()) }

// Last returns when the last new message was received; the zero time for none.
func (t *Tally) Last() time.Time {
	last := t.latest.Load()
	if last == 0 {
		return time.Time{}
	}
	return t.start.Add(time.Duration(last))
}

// At returns when a user first received the message with a number, and whether that was
// so.
func (t *Tally) At(number, person int) (at time.Time, ok bool) {
	nanoseconds := t.at[number*t.width+person%t.width].Load()
	return t.start.Add(time.Duration(nanoseconds)), nanoseconds > 0
}
