package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bongsu-project/bongsu/services/access"
)

// unpack returns the entries of a batch without their caller.
func unpack(data []byte) (entries []access.AuditEntry, err error) {
	d, err := newBatchDecoder(data)
	if err != nil {
		return nil, err
	}
	for d.next() {
		entries = append(entries, d.entry)
	}
	return entries, d.err
}

// withChecksum returns the data of a batch with a body.
func withChecksum(body []byte) []byte {
	return binary.BigEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, castagnoli))
}

// drawEntries draws entries with texts that repeat, share prefixes or are long.
func drawEntries(t *rapid.T) []access.AuditEntry {
	text := rapid.OneOf(rapid.Just(""), rapid.SampledFrom([]string{"alerts/1", "alerts/12", strings.Repeat("x", 300), strings.Repeat("x", 299) + "y"}), rapid.String())
	callers := rapid.SampledFrom([]string{"", "k1", "k2"})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) access.AuditEntry {
		e := access.AuditEntry{
			ID:     rapid.OneOf(rapid.StringN(1, 20, 40), rapid.SampledFrom([]string{"A0", "A1", "A11"})).Draw(t, "id"),
			Time:   moment(rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64Range(0, 200_000_000), rapid.Int64Range(-1<<60, 1<<60)).Draw(t, "time")),
			Caller: callers.Draw(t, "caller"),
		}
		for _, field := range entryTexts(&e) {
			*field = text.Draw(t, "text")
		}
		return e
	}), 1, 50).Draw(t, "entries")
}

// TestBatchesHoldTheEntries checks that packed entries are read back, each once, in the order of a
// query, and that the columns of a batch describe them.
func TestBatchesHoldTheEntries(t *testing.T) {
	type place struct {
		caller, id string
		micros     int64
	}
	rapid.Check(t, func(t *rapid.T) {
		entries := drawEntries(t)
		want := map[place]bool{}
		var known []access.AuditEntry
		for _, e := range entries {
			want[place{e.Caller, e.ID, micros(e.Time)}] = true
			known = append(known, e)
		}
		for _, b := range packEntries(entries) {
			got, err := unpack(b.data)
			if err != nil {
				t.Fatalf("decode: %v", err)
			}
			if len(got) == 0 || len(got) != b.count || micros(got[0].Time) != b.lastTime || micros(got[len(got)-1].Time) != b.firstTime {
				t.Fatalf("%d entries from %d to %d are not those of %v", b.count, b.firstTime, b.lastTime, got)
			}
			for _, e := range got {
				e.Caller = b.caller
				at := place{e.Caller, e.ID, micros(e.Time)}
				if !want[at] || !slices.Contains(known, e) {
					t.Fatalf("%+v is packed twice, or was never added", e)
				}
				delete(want, at)
				if has, err := hasHash(b.resources, resourceHash([]byte(e.Resource))); err != nil || e.Resource != "" && !has {
					t.Fatalf("the batch does not name the resource %q: %v", e.Resource, err)
				}
			}
		}
		if len(want) != 0 {
			t.Fatalf("not packed: %v", want)
		}
	})
}

// TestBatchBounds checks that no batch is longer than promised.
func TestBatchBounds(t *testing.T) {
	start := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	for _, c := range []struct {
		name   string
		count  int
		step   time.Duration
		text   int
		counts []int // of the batches
	}{
		{"many", 2*access.MaxBatchEntries + 1, time.Microsecond, 0, []int{access.MaxBatchEntries, access.MaxBatchEntries, 1}},
		{"a minute", 3, access.MaxBatchSpan / 2, 0, []int{3}},
		{"more than a minute", 3, access.MaxBatchSpan/2 + time.Microsecond, 0, []int{2, 1}},
		{"long texts", 100, time.Microsecond, maxBatchBytes/40 + 1, []int{40, 40, 20}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var entries []access.AuditEntry
			for i := range c.count {
				entries = append(entries, access.AuditEntry{ID: fmt.Sprintf("%05d", i), Time: start.Add(time.Duration(i) * c.step), Resource: fmt.Sprint(i%2) + strings.Repeat("x", c.text)})
			}
			var counts []int
			for _, b := range packEntries(entries) {
				counts = append(counts, b.count)
			}
			if !slices.Equal(counts, c.counts) {
				t.Errorf("the batches have %v entries, want %v", counts, c.counts)
			}
		})
	}
}

func TestInvalidBatches(t *testing.T) {
	valid := packEntries([]access.AuditEntry{{ID: "b", Time: moment(5), Outcome: "ok"}, {ID: "a", Time: moment(4), Outcome: "ok"}})[0].data
	flipped := slices.Clone(valid)
	flipped[5] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, errBatchData},
		{"short", valid[:4], errBatchData},
		{"cut", valid[:len(valid)-1], errBatchChecksum},
		{"a bit", flipped, errBatchChecksum},
		{"newer version", withChecksum([]byte{batchVersion + 1}), errBatchVersion},
		{"unknown text", withChecksum([]byte{batchVersion, 0x80, 0, 0, 1, 'a'}), errBatchData},
		{"no time", withChecksum([]byte{batchVersion, 0}), errBatchData},
		{"no id", withChecksum([]byte{batchVersion, 0, 0}), errBatchData},
		{"prefix of nothing", withChecksum([]byte{batchVersion, 0, 0, 1, 1, 'a'}), errBatchData},
		{"cut text", withChecksum([]byte{batchVersion, 0, 0, 0, 2, 'a'}), errBatchData},
		{"twice", withChecksum([]byte{batchVersion, 0, 0, 0, 1, 'a', 0, 0, 0, 1, 'a'}), errBatchData},
		{"later", withChecksum(append(binary.AppendUvarint([]byte{batchVersion, 0, 0, 0, 1, 'b', 0}, 1<<64-1), 0, 1, 'a')), errBatchData},
	} {
		if _, err := unpack(c.data); !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v, want %v", c.name, err, c.want)
		}
	}
}

// FuzzDecodeBatch checks that no data makes the decoder panic, and that what it accepts is in the
// order of a batch and encoded again as the same entries.
func FuzzDecodeBatch(f *testing.F) {
	start := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	b := packEntries([]access.AuditEntry{
		{ID: "A1", Time: start, CallerName: "ops", Address: "10.0.0.7", Procedure: "s/M", Resource: "alerts/1", Outcome: "ok", RequestID: "r1", TraceID: "t1"},
		{ID: "A2", Time: start, CallerName: "ops", Address: "10.0.0.7", Procedure: "s/M", Resource: "alerts/12", Outcome: "ok", RequestID: "r2"},
		{ID: "A3", Time: start.Add(time.Second)},
	})[0]
	f.Add(b.data[:len(b.data)-checksumSize])
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = unpack(body) // mostly of an invalid checksum
		entries, err := unpack(withChecksum(body))
		if err != nil || len(entries) == 0 {
			return
		}
		var encoder batchEncoder
		for i := range entries {
			if i > 0 && comparePlaces(micros(entries[i].Time), entries[i].ID, micros(entries[i-1].Time), entries[i-1].ID) >= 0 {
				t.Fatalf("entry %d is not after the one before: %+v", i, entries)
			}
			encoder.add(micros(entries[i].Time), &entries[i])
		}
		again, err := unpack(encoder.finish())
		if err != nil || !slices.Equal(again, entries) {
			t.Fatalf("%+v is read back as %+v, %v", entries, again, err)
		}
	})
}
