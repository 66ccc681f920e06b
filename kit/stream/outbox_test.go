package stream_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

func TestEventsFollowTheirTransaction(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		b := newBroker(t)
		s := openShop(t, url, b, stream.OutboxOptions{})
		stop := s.run(t)
		undone := errors.New("undone")
		kittest.Error(t, s.database.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return errors.Join(s.Add(ctx, tx, event("rolled back", "1")), undone)
		}), undone)
		kittest.Error(t, inTx(t, s.database.Writer(), func(tx *sql.Tx) error {
			return errors.Join(s.Add(t.Context(), tx, event("rolled back", "1")), undone)
		}), undone)
		s.add(t, event("a", "1"))
		kittest.NoError(t, inTx(t, s.database.Writer(), func(tx *sql.Tx) error {
			return s.Add(t.Context(), tx, event("b", "1"), stream.Event{Source: "shop", Type: "closed"})
		}))
		s.Wake()
		got := b.next(t, 3)
		slices.SortStableFunc(got, func(a, b cloudEvent) int { return strings.Compare(b.Subject, a.Subject) })
		kittest.Equal(t, got[:2], []cloudEvent{
			{"a", "shop/orders", "order.changed", "1", []byte(`{"total":12.50}`)},
			{"b", "shop/orders", "order.changed", "1", []byte(`{"total":12.50}`)},
		})
		kittest.Equal(t, []any{got[2].Type, len(got[2].ID)}, []any{"closed", 26})
		stop()
		s.backlog(t, 0, 0)
		b.noMore(t, 3)
	})
}

func TestInvalidEventsAreNotAdded(t *testing.T) {
	s := openShop(t, t.TempDir()+"/shop.db", newBroker(t), stream.OutboxOptions{})
	for name, test := range map[string]struct {
		change func(*stream.Event)
		error  string
	}{
		"source":            {func(e *stream.Event) { e.Source = "" }, "events[1].source: must not be empty"},
		"long id":           {func(e *stream.Event) { e.ID = strings.Repeat("é", 201) }, "events[1].id: must have at most 200 characters"},
		"control character": {func(e *stream.Event) { e.Subject = "a\nb" }, "events[1].subject: must not contain control characters"},
		"not UTF-8":         {func(e *stream.Event) { e.Subject = "\xff" }, "events[1].subject: must be UTF-8"},
		"type":              {func(e *stream.Event) { e.Type = "order.*" }, "events[1].type: must be words"},
		"time":              {func(e *stream.Event) { e.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, "events[1].time: must be between"},
		"no JSON":           {func(e *stream.Event) { e.Data = []byte("{") }, "events[1].data: must be JSON"},
		"JSON not in UTF-8": {func(e *stream.Event) { e.Data = []byte("\"\xff\"") }, "events[1].data: must be JSON"},
		"large":             {func(e *stream.Event) { e.Data = slices.Repeat([]byte(" "), stream.MaxData+1) }, "events[1].data: must have at most"},
	} {
		t.Run(name, func(t *testing.T) {
			invalid := event("b", "1")
			test.change(&invalid)
			// The transaction may go on: nothing was stored.
			kittest.NoError(t, s.database.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				kittest.Error(t, s.Add(ctx, tx, event("a", "1"), invalid), fault.ErrInvalid, test.error)
				return nil
			}))
			s.backlog(t, 0, 0)
		})
	}
	largest := event(strings.Repeat("é", stream.MaxAttribute), "")
	largest.Data = append([]byte(`""`), slices.Repeat([]byte(" "), stream.MaxData-2)...)
	s.add(t, largest)
	s.backlog(t, 1, 0)
}

// TestOrderOfSubjects adds events of a few subjects by several processes, whose publishers fail now
// and then: each event is in the stream once, and in the order of its subject.
func TestOrderOfSubjects(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		const processes, subjects, events = 3, 7, 40
		b := newBroker(t)
		var calls atomic.Int64
		faulty := publisherFunc(func(ctx context.Context, all []stream.Event) ([]error, error) {
			switch calls.Add(1) % 6 {
			case 1:
				return nil, errDown
			case 2: // it stores them, and the response is lost
				_, err := b.Publish(ctx, all)
				return nil, errors.Join(err, errDown)
			case 3: // it stores half of them
				half := len(all) / 2
				results, err := b.Publish(ctx, all[:half])
				for range all[half:] {
					results = append(results, errDown)
				}
				return results, err
			}
			return b.Publish(ctx, all)
		})
		options := stream.OutboxOptions{Batch: 16, Interval: time.Millisecond, MinBackoff: time.Microsecond, MaxBackoff: time.Millisecond}
		var shops []shop
		var stops []func()
		for range processes {
			s := openShop(t, url, faulty, options)
			shops, stops = append(shops, s), append(stops, s.run(t))
		}
		errs := kittest.Concurrently(subjects, func(i int) error {
			for n := range events {
				s := shops[rand.N(processes)]
				err := s.database.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					return s.Add(ctx, tx, event(fmt.Sprintf("%d/%d", i, n), fmt.Sprint(i)))
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		kittest.NoError(t, errors.Join(errs...))
		next := map[string]int{}
		for _, e := range b.next(t, subjects*events) {
			if want := fmt.Sprintf("%s/%d", e.Subject, next[e.Subject]); e.ID != want {
				t.Fatalf("got event %s, want %s", e.ID, want)
			}
			next[e.Subject]++
		}
		for _, stop := range stops {
			stop()
		}
		last := openShop(t, url, b, options) // a process may have stopped before it deleted
		stop := last.run(t)
		for pending := 1; pending > 0; {
			backlog, err := last.Backlog(t.Context())
			kittest.NoError(t, err)
			pending = backlog.Pending
		}
		stop()
		b.noMore(t, subjects*events)
	})
}

// TestLeaseOfAStoppedProcess stops a process between claim and publication: another waits for the
// lease, and what the first one does afterwards changes nothing.
func TestLeaseOfAStoppedProcess(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		b, c := newBroker(t), newClock()
		entered, resume := make(chan struct{}), make(chan struct{})
		first := openShop(t, url, publisherFunc(func(ctx context.Context, all []stream.Event) ([]error, error) {
			close(entered)
			<-resume
			return b.Publish(ctx, all)
		}), stream.OutboxOptions{Now: c.Now})
		first.add(t, event("a", "1"))
		stopFirst := first.run(t)
		<-entered

		second := openShop(t, url, b, stream.OutboxOptions{Now: c.Now, Interval: time.Millisecond})
		second.add(t, event("b", "1"), event("c", "2"))
		stopSecond := second.run(t)
		kittest.Equal(t, b.ids(t, 1), []string{"c"}) // the other subject does not wait
		stopSecond()
		second.backlog(t, 2, 0)
		c.advance(31 * time.Second)
		stopSecond = second.run(t)
		kittest.Equal(t, b.ids(t, 2), []string{"a", "b"})
		stopSecond()
		second.add(t, event("d", "1")) // must not get the row of a
		close(resume)
		stopFirst()
		second.backlog(t, 1, 0)
		second.run(t)
		kittest.Equal(t, b.ids(t, 1), []string{"d"})
		b.noMore(t, 4)
	})
}

// TestStopGivesUpLeases checks that another process need not wait for the lease of one that was
// stopped.
func TestStopGivesUpLeases(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		b, c := newBroker(t), newClock()
		entered := make(chan struct{})
		first := openShop(t, url, publisherFunc(func(ctx context.Context, _ []stream.Event) ([]error, error) {
			close(entered)
			<-ctx.Done()
			return nil, ctx.Err()
		}), stream.OutboxOptions{Now: c.Now})
		first.add(t, event("a", "1"), event("b", "1"))
		stop := first.run(t)
		<-entered
		stop()
		openShop(t, url, b, stream.OutboxOptions{Now: c.Now}).run(t)
		kittest.Equal(t, b.ids(t, 2), []string{"a", "b"})
	})
}

// TestFailedEventHoldsUpItsSubject checks that an event which fails holds up its subject only,
// until its delay has passed.
func TestFailedEventHoldsUpItsSubject(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		b, c := newBroker(t), newClock()
		var mended atomic.Bool
		failed := make(chan struct{}, 100)
		s := openShop(t, url, publisherFunc(func(ctx context.Context, all []stream.Event) ([]error, error) {
			results := make([]error, len(all))
			for i, e := range all {
				if e.ID == "a" && !mended.Load() {
					results[i] = errDown
					failed <- struct{}{}
					continue
				}
				one, err := b.Publish(ctx, all[i:i+1])
				if err != nil {
					return nil, err
				}
				results[i] = one[0]
			}
			return results, nil
		}), stream.OutboxOptions{Now: c.Now, Interval: time.Millisecond, MinBackoff: time.Hour, MaxBackoff: time.Hour})
		s.add(t, event("a", "1"), event("b", "1"), event("c", "2"), event("d", "2"))
		stop := s.run(t)
		kittest.Equal(t, b.ids(t, 2), []string{"c", "d"})
		<-failed
		s.add(t, event("e", "3"))
		kittest.Equal(t, b.ids(t, 1), []string{"e"})
		stop()
		s.backlog(t, 2, 0)
		kittest.Equal(t, len(failed), 0) // it was tried once
		mended.Store(true)
		c.advance(time.Hour)
		s.run(t)
		kittest.Equal(t, b.ids(t, 2), []string{"a", "b"})
	})
}

func TestRefusedEvents(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		b := newBroker(t)
		var mended atomic.Bool
		s := openShop(t, url, publisherFunc(func(ctx context.Context, all []stream.Event) ([]error, error) {
			for _, e := range all {
				if strings.HasPrefix(e.ID, "bad") && !mended.Load() {
					return nil, fault.Invalidf("unknown order") // the publisher does not say which one
				}
			}
			return b.Publish(ctx, all)
		}), stream.OutboxOptions{})
		large := event("large", "2")
		large.Data = []byte(`"` + strings.Repeat("x", 70<<10) + `"`) // more than the broker takes
		s.add(t, event("bad1", "1"), event("a", "1"), event("bad2", "1"), event("b", "2"), large, event("c", "2"))
		stop := s.run(t)
		got := b.ids(t, 3)
		slices.Sort(got)
		kittest.Equal(t, got, []string{"a", "b", "c"})
		stop()
		s.backlog(t, 0, 3)

		refused, err := s.Refused(t.Context(), 10)
		kittest.NoError(t, err)
		var reasons []string
		for _, one := range refused {
			reasons = append(reasons, one.ID+": "+one.Reason)
		}
		kittest.Equal(t, reasons[:2], []string{"bad1: unknown order", "bad2: unknown order"})
		kittest.Equal(t, strings.HasPrefix(reasons[2], "large: the event is too large"), true)
		some, err := s.Refused(t.Context(), 1)
		kittest.NoError(t, err)
		kittest.Equal(t, some, refused[:1])

		s.add(t, event("d", "1"))
		kittest.NoError(t, s.Discard(t.Context(), refused[0].Row, refused[2].Row, refused[2].Row+1)) // d is not refused
		s.backlog(t, 1, 1)
		mended.Store(true)
		kittest.NoError(t, s.Replay(t.Context(), refused[1].Row))
		s.backlog(t, 2, 0)
		s.run(t)
		kittest.Equal(t, b.ids(t, 2), []string{"bad2", "d"})
	})
}

// TestBackoff checks the delays while the publisher is down, and that the first success ends them.
func TestBackoff(t *testing.T) {
	b := newBroker(t)
	var failures atomic.Int64
	var delays []time.Duration
	s := openShop(t, t.TempDir()+"/shop.db", publisherFunc(func(ctx context.Context, all []stream.Event) ([]error, error) {
		if failures.Add(1) <= 6 {
			return nil, errDown
		}
		return b.Publish(ctx, all)
	}), stream.OutboxOptions{
		Interval: time.Hour, MinBackoff: time.Second, MaxBackoff: 10 * time.Second,
		After: func(d time.Duration) <-chan time.Time {
			delays = append(delays, d)
			if d == time.Hour { // nothing to publish
				return nil
			}
			now := make(chan time.Time, 1)
			now <- time.Time{}
			return now
		},
	})
	s.add(t, event("a", "1"))
	stop := s.run(t)
	kittest.Equal(t, b.ids(t, 1), []string{"a"})
	stop()
	for i, seconds := range []int{1, 2, 4, 8, 10, 10} {
		most := time.Duration(seconds) * time.Second
		if delays[i] < most/2 || delays[i] > most {
			t.Errorf("delay %d is %s, want %s to %s", i, delays[i], most/2, most)
		}
	}
	for _, d := range delays[6:] {
		kittest.Equal(t, d, time.Hour)
	}
}

func TestProcessesMigrateAtOnce(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		d, err := database.Open(t.Context(), url, shopSchema)
		kittest.NoError(t, err)
		kittest.NoError(t, d.Close())
		errs := kittest.Concurrently(8, func(int) (err error) {
			d, err := database.Open(t.Context(), url, shopSchema)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, d.Close()) }()
			outbox, err := stream.NewOutbox(d.Writer(), d.Dialect(), newBrokerless(), stream.OutboxOptions{})
			if err != nil {
				return err
			}
			return outbox.Migrate(t.Context())
		})
		kittest.NoError(t, errors.Join(errs...))
	})
}

// newBrokerless returns a publisher for an outbox that is not run.
func newBrokerless() stream.Publisher {
	return publisherFunc(func(context.Context, []stream.Event) ([]error, error) { return nil, errDown })
}

func TestOptionsAreChecked(t *testing.T) {
	for _, test := range []struct{ dialect, table, error string }{
		{"mysql", "", `unsupported dialect "mysql"`},
		{stream.SQLite, "out box", `invalid table name "out box"`},
	} {
		_, err := stream.NewOutbox(nil, test.dialect, newBrokerless(), stream.OutboxOptions{Table: test.table})
		if err == nil || !strings.Contains(err.Error(), test.error) {
			t.Errorf("error is %v, want %s", err, test.error)
		}
	}
}
