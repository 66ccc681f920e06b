package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

var limited = ratelimit.Key{ID: "slack.credential.0123", Rate: ratelimit.Rate{Count: 100, Per: time.Second}}

// slow reserves its tenth slot 9 s ahead: no test is so slow that the slot has passed.
var slow = ratelimit.Key{ID: "slack.credential.4567", Rate: ratelimit.Rate{Count: 1, Per: time.Second}}

// newLimiter runs the limiter of an alert service on its own connection until the test ends.
func newLimiter(t *testing.T, broker *queue.Broker) *ratelimit.Limiter {
	t.Helper()
	return newLimiterOf(t, broker, true)
}

// newLimiterOf runs the limiter of an alert service, which is the owner, or of a sender, until
// the test ends.
func newLimiterOf(t *testing.T, broker *queue.Broker, owner bool) *ratelimit.Limiter {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	conn, err := broker.Connect(log)
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.Open(t.Context(), conn, queue.Options{Owner: owner, AckWait: time.Minute, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	l := ratelimit.New(q.LimiterBucket(), time.Now, log)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		q.Close()
	})
	return l
}

func broker(t *testing.T) *queue.Broker {
	t.Helper()
	b, err := queue.StartBroker(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return b
}

// until polls until condition returns true, and returns how long that took.
func until(t *testing.T, condition func() bool) time.Duration {
	t.Helper()
	start := time.Now()
	for !condition() {
		if time.Since(start) > 20*time.Second {
			t.Fatal("timed out waiting for the condition")
		}
		time.Sleep(time.Millisecond) // there is no event to wait for
	}
	return time.Since(start)
}

// TestPauseIsSeen pauses a limiter key on one connection: within 200 ms another connection
// has the pause, and its slots have moved.
func TestPauseIsSeen(t *testing.T) {
	b := broker(t)
	one := newLimiter(t, b)
	other := newLimiter(t, b)
	slots := reserve(t, other)
	end := time.Now().Add(time.Hour)
	if err := one.Pause(t.Context(), slow, end, "http_429"); err != nil {
		t.Fatal(err)
	}
	took := until(t, func() bool {
		at, ok := other.View(slow).When(slots[9])
		return ok && at.After(end)
	})
	t.Logf("seen after %s", took)
	if took > 200*time.Millisecond || other.View(slow).Status().PausedUntil.IsZero() {
		t.Errorf("the other connection saw it after %s", took)
	}
}

// TestSharedSlots reserves concurrently on two connections: no slot is reserved twice.
func TestSharedSlots(t *testing.T) {
	b := broker(t)
	given := make(chan time.Time, 1000)
	failed := make(chan error, 2)
	for range 2 {
		l := newLimiter(t, b)
		go func() {
			for range 20 {
				slots, err := l.Reserve(t.Context(), limited, 10, false)
				if err != nil {
					failed <- err
					return
				}
				for _, s := range slots {
					at, _ := l.View(limited).When(s)
					given <- at
				}
			}
			failed <- nil
		}()
	}
	for range 2 {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
	close(given)
	seen := map[time.Time]bool{}
	for at := range given {
		if seen[at] {
			t.Errorf("%s was reserved twice", at)
		}
		seen[at] = true
	}
	if len(seen) != 400 {
		t.Errorf("%d slots", len(seen))
	}
}

// TestBucketVanishes deletes the bucket at run time: it is recreated, and the processes
// restore the state that they have cached, so that no slot is reserved twice and a pause
// lasts.
func TestBucketVanishes(t *testing.T) {
	for name, recreated := range map[string]bool{"and is used at once": false, "and is recreated before": true} {
		t.Run(name, func(t *testing.T) {
			b := broker(t)
			one, other := newLimiter(t, b), newLimiter(t, b)
			end := time.Now().Add(time.Hour)
			if err := one.Pause(t.Context(), slow, end, "http_429"); err != nil {
				t.Fatal(err)
			}
			slots := reserve(t, one)
			until(t, func() bool { return behind(other, slots, end) })
			deleteBucket(t, b)
			if recreated {
				until(t, func() bool { return bucketExists(t, b) })
			}
			slots = append(slots, reserve(t, other)...)
			fresh := newLimiter(t, b)
			for _, l := range []*ratelimit.Limiter{one, other, fresh} {
				until(t, func() bool { return behind(l, slots, end) })
			}
			given := map[time.Time]bool{}
			for _, s := range slots {
				at, ok := fresh.View(slow).When(s)
				if !ok || given[at] {
					t.Errorf("a slot holds: %t, is reserved twice: %t", ok, given[at])
				}
				given[at] = true
			}
		})
	}
}

// reserve reserves ten slots of slow.
func reserve(t *testing.T, l *ratelimit.Limiter) []ratelimit.Slot {
	t.Helper()
	slots, err := l.Reserve(t.Context(), slow, 10, false)
	if err != nil || len(slots) != 10 {
		t.Fatalf("%d slots, %v", len(slots), err)
	}
	return slots
}

// behind reports whether a limiter has slots of slow after end in its state, and reserves
// the next ones behind them.
func behind(l *ratelimit.Limiter, slots []ratelimit.Slot, end time.Time) bool {
	view := l.View(slow)
	last, ok := view.When(slots[len(slots)-1])
	return ok && last.After(end) && view.NextSlot().After(last)
}

// TestBucketFolderDeleted deletes the files of a broker, either those of its own run or
// those of an earlier run: reservations work again.
func TestBucketFolderDeleted(t *testing.T) {
	for _, c := range []struct {
		name              string
		restarted, opened bool
	}{
		{"of a broker that made it", false, true},
		{"of a broker that found it", true, true},
		{"before it was looked at", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			start := func() *queue.Broker {
				b, err := queue.StartBroker(dir)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			b := start()
			if c.restarted {
				t.Run("made", func(t *testing.T) { reserveEach(t, newLimiter(t, b), 50) })
				b.Stop()
				b = start()
			}
			t.Cleanup(b.Stop)
			l := newLimiter(t, b)
			if c.opened {
				reserveEach(t, l, 10)
			}
			for os.RemoveAll(dir) != nil { // the broker writes concurrently
			}
			reserveEach(t, l, 50)
			reserveEach(t, l, 50)
		})
	}
}

// TestBucketFolderDeletedUnderSenders deletes the broker's files while only senders, which
// do not create the bucket, write to it: reservations work again, also for a sender that
// started later and has no cached state.
func TestBucketFolderDeletedUnderSenders(t *testing.T) {
	for name, late := range map[string]bool{"started before": false, "started after": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Run("made", func(t *testing.T) {
				b, err := queue.StartBroker(dir)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(b.Stop)
				reserveEach(t, newLimiter(t, b), 50)
			})
			b, err := queue.StartBroker(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.Stop)
			<-newLimiter(t, b).Ready() // the alert service only watches
			sender := newLimiterOf(t, b, false)
			<-sender.Ready()
			for os.RemoveAll(dir) != nil { // the broker writes concurrently
			}
			if late {
				sender = newLimiterOf(t, b, false)
			}
			reserveEach(t, sender, 50)
			reserveEach(t, sender, 50)
		})
	}
}

// reserveEach reserves a slot of each of a number of keys, with retries.
func reserveEach(t *testing.T, l *ratelimit.Limiter, keys int) {
	t.Helper()
	for n := range keys {
		key := ratelimit.Key{ID: fmt.Sprintf("slack.credential.%d", n), Rate: limited.Rate}
		until(t, func() bool {
			slots, err := l.Reserve(t.Context(), key, 1, false)
			return err == nil && len(slots) == 1
		})
	}
}

// deleteBucket deletes the bucket by another connection.
func deleteBucket(t *testing.T, b *queue.Broker) {
	t.Helper()
	js := jetStreamOf(t, b)
	if err := js.DeleteKeyValue(t.Context(), "BONGSU_PACES"); err != nil {
		t.Fatal(err)
	}
}

// bucketExists reports whether the bucket exists.
func bucketExists(t *testing.T, b *queue.Broker) bool {
	t.Helper()
	_, err := jetStreamOf(t, b).KeyValue(t.Context(), "BONGSU_PACES")
	return err == nil
}

func jetStreamOf(t *testing.T, b *queue.Broker) jetstream.JetStream {
	t.Helper()
	conn, err := b.Connect(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
