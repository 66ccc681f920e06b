package cache

import (
	"reflect"
	"testing"
	"time"
)

func TestDecodeMessage(t *testing.T) {
	m := peerMessage{From: "a", Number: 7, Seen: map[string]uint64{"b": 3}, Tags: []string{"user", "group"}, Hold: time.Second, Leaving: true}
	if got, err := decodeMessage(m.encode()); err != nil || !reflect.DeepEqual(got, m) {
		t.Errorf("%+v became %+v, %v", m, got, err)
	}
	for _, text := range []string{
		``, `null`, `[]`, `{}`, `{"from":"a"}`, `{"number":1}`, `{"from":"a","number":-1}`, `{"from":"a","number":1,"hold":-1}`,
		`{"from":"a","number":1,"hold":600000000001}`, `{"from":"a","number":1,"tags":"b"}`,
		`{"from":"0123456789012345678901234567890123456789012345678901234567890123456789","number":1}`,
	} {
		if m, err := decodeMessage([]byte(text)); err == nil {
			t.Errorf("%s is decoded as %+v", text, m)
		}
	}
}

// FuzzDecodeMessage checks that a decoded message is within its limits and survives a round
// trip.
func FuzzDecodeMessage(f *testing.F) {
	f.Add([]byte(`{"from":"a","number":1,"seen":{"b":2},"tags":["group"],"hold":1000,"leaving":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMessage(data)
		if err != nil {
			return
		}
		if m.Number == 0 || m.From == "" || len(m.Tags) > maxTags || m.Hold < 0 || m.Hold > maxHold {
			t.Errorf("%q is decoded as %+v", data, m)
		}
		again, err := decodeMessage(m.encode())
		if err != nil || again.Number != m.Number || again.Hold != m.Hold || again.Leaving != m.Leaving || len(again.Seen) != len(m.Seen) || len(again.Tags) != len(m.Tags) {
			t.Errorf("%+v became %+v, %v", m, again, err)
		}
	})
}
