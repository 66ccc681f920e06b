package discovery

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/kittest"
)

// A bucketEntry is a record as the broker delivers it.
type bucketEntry struct {
	jetstream.KeyValueEntry
	key       string
	value     []byte
	revision  uint64
	created   time.Time
	operation jetstream.KeyValueOp
}

func (e bucketEntry) Key() string                     { return e.key }
func (e bucketEntry) Value() []byte                   { return e.value }
func (e bucketEntry) Revision() uint64                { return e.revision }
func (e bucketEntry) Created() time.Time              { return e.created }
func (e bucketEntry) Operation() jetstream.KeyValueOp { return e.operation }

// TestRecordTableAfterOutage checks how long an instance is listed after a subscription began
// anew.
func TestRecordTableAfterOutage(t *testing.T) {
	begin := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC) // by the broker's clock
	value, err := encodeInstance(Instance{ID: "one", Name: "library", URL: "http://10.0.0.7:80"})
	kittest.NoError(t, err)
	entryOf := func(revision uint64, age time.Duration) map[string]jetstream.KeyValueEntry {
		return map[string]jetstream.KeyValueEntry{
			"instances.one": bucketEntry{key: "instances.one", value: value, revision: revision, created: begin.Add(-age)},
		}
	}
	const second = time.Second
	for _, test := range []struct {
		name       string
		known      bool // as revision 7, and 3 s old
		generation time.Time
		entries    map[string]jetstream.KeyValueEntry
		want       time.Duration // until it is gone; 0 if it is gone at once
	}{
		{"a new record is as old as it is for the broker", false, begin, entryOf(7, 8*second), second},
		{"a new record from the future is new", false, begin, entryOf(7, -5*second), lifetime},
		{"a known record keeps its age", true, begin, entryOf(7, 8*second), 6 * second},
		{"a renewed record is as old as it is for the broker", true, begin, entryOf(8, 2*second), 7 * second},
		{"a revision of another generation is another one", true, begin.Add(second), entryOf(7, 0), lifetime},
		{"a known record that the broker lost keeps its age", true, begin.Add(second), nil, 6 * second},
		{"a deleted record is gone", true, begin, map[string]jetstream.KeyValueEntry{
			"instances.one": bucketEntry{key: "instances.one", revision: 8, created: begin, operation: jetstream.KeyValuePurge},
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := newRecordTable(newBoard(), "me", slog.New(slog.DiscardHandler))
			table.complete(begin, begin, nil)
			if test.known {
				table.apply(entryOf(7, 0)["instances.one"])
				table.elapse(3 * second)
			}
			table.complete(test.generation, begin, test.entries)
			listed := func() bool {
				instances, _, _ := table.board.current()
				return slices.ContainsFunc(instances, func(i Instance) bool { return i.ID == "one" })
			}
			passed := time.Duration(0)
			for ; listed() && passed < 2*lifetime; passed += second {
				table.elapse(second)
			}
			if passed != test.want {
				t.Errorf("instance is gone after %s, want %s", passed, test.want)
			}
		})
	}
}
