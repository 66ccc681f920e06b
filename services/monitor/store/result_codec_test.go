package store

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// FuzzBlock checks that results are read from a block as they were appended.
func FuzzBlock(f *testing.F) {
	f.Add(int64(10_000_000), int64(1234), "connection refused", 14.0, true, uint8(2), uint8(3))
	f.Add(int64(1), int64(0), "", 0.0, false, uint8(1), uint8(2))
	f.Add(int64(3_600_000_000), int64(60_000_000), "한글\x00\xff", math.Inf(-1), true, uint8(3), uint8(6))
	f.Fuzz(func(t *testing.T, step, latency int64, message string, value float64, hasValue bool, outcome, state uint8) {
		if step <= 0 || step > math.MaxInt32 || latency < 0 || latency > math.MaxInt32 || value != value {
			t.Skip()
		}
		var b block
		var want []monitor.Result
		at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		for n := range 4 {
			at = at.Add(time.Duration(step) * time.Microsecond)
			r := monitor.Result{
				Time: at, Latency: time.Duration(latency*int64(n)) * time.Microsecond, State: monitor.State(1 + state%6),
				Finding: probe.Finding{Outcome: probe.Outcome(1 + outcome%3)},
			}
			if n != 1 {
				r.Message = storable(message)
			}
			if hasValue && n != 2 {
				r.Value, r.HasValue = value, true
			}
			last, err := b.last()
			if err != nil {
				t.Fatal(err)
			}
			b, want = b.append(last, r), append(want, r)
		}
		var got []monitor.Result
		for r := (blockReader{rest: b.encoded}); ; {
			more, err := r.next()
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
			got = append(got, r.result())
		}
		if !reflect.DeepEqual(got, want) || b.count != len(want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// FuzzBlockReader checks that no bytes make the reader fail otherwise than with an error.
func FuzzBlockReader(f *testing.F) {
	f.Add([]byte{0x92, 1, 2, 5, 'a'})
	f.Add([]byte{0x20, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		count := 0
		for r := (blockReader{rest: encoded}); ; count++ {
			more, err := r.next()
			if err != nil || !more {
				break
			}
			if len(r.result().Message) > len(encoded) {
				t.Error("the message is longer than the block")
			}
		}
		if count > len(encoded) {
			t.Errorf("%d results in %d bytes", count, len(encoded))
		}
	})
}
