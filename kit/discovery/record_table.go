package discovery

import (
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxMalformed is the number of keys with malformed records for which a warning is logged.
const maxMalformed = 100

// A recordTable holds the records of the bucket, as long as they hold, and shows them on the
// board. The goroutine of Run owns it.
type recordTable struct {
	board      *board
	reporter   string // of this process, whose reports are on the board already
	log        *slog.Logger
	generation time.Time // of the bucket
	entries    map[string]*tableEntry
	malformed  map[string]bool // the keys of malformed records
}

// A tableEntry is a record of the bucket.
type tableEntry struct {
	record
	revision uint64
	age      time.Duration // since the revision was written, without the time of outages
}

func newRecordTable(board *board, reporter string, log *slog.Logger) *recordTable {
	return &recordTable{board: board, reporter: reporter, log: log, entries: map[string]*tableEntry{}, malformed: map[string]bool{}}
}

// complete takes all records of a generation of the bucket, of which now is the time by the
// broker's clock. The age of a record that is not known is by that clock, which has stamped it
// as well. A known record that is not among them is kept until it is too old: the broker may
// have lost it, or not have let its owner renew it.
func (t *recordTable) complete(generation, now time.Time, entries map[string]jetstream.KeyValueEntry) {
	t.board.change(func() {
		for key, entry := range entries {
			known, ok := t.entries[key]
			if ok && t.generation.Equal(generation) && known.revision == entry.Revision() {
				continue
			}
			t.take(entry, min(max(now.Sub(entry.Created()), 0), lifetime))
		}
		t.generation = generation
	})
}

// apply takes a change of the bucket.
func (t *recordTable) apply(entry jetstream.KeyValueEntry) {
	t.board.change(func() { t.take(entry, 0) })
}

// elapse makes all records older, and drops those that are too old.
func (t *recordTable) elapse(duration time.Duration) {
	var expired []string
	for key, entry := range t.entries {
		if entry.age += duration; entry.age >= lifetime {
			expired = append(expired, key)
		}
	}
	if len(expired) == 0 {
		return
	}
	t.board.change(func() {
		for _, key := range expired {
			t.drop(key)
		}
	})
}

// hold makes no record older, and lets each hold long enough to be written again.
func (t *recordTable) hold() {
	for _, entry := range t.entries {
		entry.age = min(entry.age, lifetime-holdTime)
	}
}

// take sets or drops a record. It must be called within a change of the board.
func (t *recordTable) take(entry jetstream.KeyValueEntry, age time.Duration) {
	key := entry.Key()
	if entry.Operation() != jetstream.KeyValuePut {
		t.drop(key)
		delete(t.malformed, key)
		return
	}
	decoded, err := decodeRecord(key, entry.Value())
	if err != nil {
		t.drop(key)
		if !t.malformed[key] && len(t.malformed) < maxMalformed {
			t.malformed[key] = true
			t.log.Warn("malformed record in the registry of instances, ignoring it", "key", key, "error", err)
		}
		return
	}
	if decoded.reporter == t.reporter {
		return
	}
	t.entries[key] = &tableEntry{decoded, entry.Revision(), age}
	if decoded.reporter == "" {
		t.board.put(decoded.instance)
	} else {
		t.board.report(decoded.instance.ID, decoded.reporter, decoded.instance.Reason)
	}
}

// drop drops a record, if there is one. It must be called within a change of the board.
func (t *recordTable) drop(key string) {
	entry, ok := t.entries[key]
	if !ok {
		return
	}
	delete(t.entries, key)
	if entry.reporter == "" {
		t.board.remove(entry.instance.ID)
	} else {
		t.board.withdraw(entry.instance.ID, entry.reporter)
	}
}
