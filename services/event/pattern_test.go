package event_test

import (
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

func TestPattern(t *testing.T) {
	for _, row := range []struct {
		pattern, eventType string
		want               bool
	}{
		{"order.created", "order.created", true},
		{"order.created", "order.Created", false},
		{"order.created", "order.created.late", false},
		{"order.created", "order", false},
		{"order.created", "", false},
		{"order.*", "order.created", true},
		{"order.*", "order", false},
		{"order.*", "order.", false},
		{"order.*", "order.created.late", false},
		{"order.*", "orders.created", false},
		{"*.created", "order.created", true},
		{"*.created", "created", false},
		{"*", "order", true},
		{"*", "order.created", false},
		{"*", "", false},
		{"order.*.late", "order.created.late", true},
		{"order.*.late", "order.late", false},
		{"order.*.late", "order.created.early", false},
		{"order.>", "order.created", true},
		{"order.>", "order.created.late", true},
		{"order.>", "order", false},
		{"order.>", "order.", false},
		{"*.created.>", "order.created.late", true},
		{"*.created.>", "order.created", false},
		{">", "order", true},
		{">", "order.created", true},
		{">", "", false},
		{"com.example-shop.v1_2", "com.example-shop.v1_2", true},
	} {
		p, err := event.ParsePattern(row.pattern)
		kittest.NoError(t, err)
		if got := p.Match(row.eventType); got != row.want {
			t.Errorf("%s matches %q: %t, want %t", row.pattern, row.eventType, got, row.want)
		}
	}
}

func TestInvalidPatterns(t *testing.T) {
	for pattern, why := range map[string]string{
		"": "empty word", ".": "empty word", "a..b": "empty word", "a.": "empty word", ".a": "empty word", ".>": "empty word",
		"a.>.b": "last word", ">.>": "last word", "ord*": "whole words", "a.b>": "whole words", "a.**": "whole words",
	} {
		_, err := event.ParsePattern(pattern)
		kittest.Error(t, err, fault.ErrInvalid, why)
	}
}
