package event

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// sample is the event of table tests.
func sample(data string) Event {
	return Event{
		ID: "e1", Source: "shop", Type: "order.created", Subject: "o1", Data: []byte(data),
		Time: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
	}
}

func TestCondition(t *testing.T) {
	const data = `{"total": 100, "ratio": 1.50, "exp": 1e3, "big": 12345678901234567890, "max": 9223372036854775807, "huge": 1e999,
		"name": "kim", "paid": true, "none": null, "list": [1, 2.5, "x"], "nested": {"a": {"b": 7}}, "a-b": 1}`
	for condition, want := range map[string]bool{
		"":     true,
		"  \n": true,
		`type == "order.created" && source == "shop" && subject == "o1" && id == "e1"`: true,
		`type.startsWith("delivery.")`:                          false,
		`data.total > 99 && data.total < 100.5`:                 true,
		`data.total == 100 && data.total == 100.0`:              true,
		`data.total % 2 == 0`:                                   true,
		`type(data.total) == int && type(data.exp) == double`:   true,
		`data.ratio == 1.5`:                                     true,
		`data.big == "12345678901234567890"`:                    true,
		`data.max == 9223372036854775807`:                       true,
		`data.huge == "1e999"`:                                  true,
		`data.name in ["kim", "lee"]`:                           true,
		`data.paid`:                                             true,
		`data.none == null`:                                     true,
		`has(data.other) && data.other > 1`:                     false,
		`has(data.nested.a) && data.nested.a.b == 7`:            true,
		`data["a-b"] == 1`:                                      true,
		`data.list.exists(x, x == 2.5) && size(data.list) == 3`: true,
		`data.name.matches("^k.m$")`:                            true,
		`time > timestamp("2026-04-30T00:00:00Z")`:              true,
		`time.getHours("Asia/Seoul") == 21`:                     true,
	} {
		c, err := ParseCondition(condition)
		kittest.NoError(t, err)
		fields, err := fieldsOf(sample(data))
		kittest.NoError(t, err)
		got, err := c.Match(fields)
		if err != nil || got != want {
			t.Errorf("%s: %t, %v, want %t", condition, got, err, want)
		}
	}
}

func TestConditionWithoutData(t *testing.T) {
	c, err := ParseCondition(`has(data.total)`)
	kittest.NoError(t, err)
	fields, err := fieldsOf(sample(""))
	kittest.NoError(t, err)
	got, err := c.Match(fields)
	kittest.NoError(t, err)
	kittest.Equal(t, got, false)
}

func TestFailingConditions(t *testing.T) {
	const data = `{"total": "100", "list": [], "name": "kim"}`
	for condition, why := range map[string]string{
		`data.other > 1`:       "no such key: other",
		`data.other.more == 1`: "no such key: other",
		`data.total > 1`:       "no such overload",
		`data.list[0] == 1`:    "index out of bounds",
		`data.name`:            "not true or false",
		`data.name == "kim" && [1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, a+b+c+d+e > 0)))))`: "cost limit",
	} {
		c, err := ParseCondition(condition)
		kittest.NoError(t, err)
		fields, err := fieldsOf(sample(data))
		kittest.NoError(t, err)
		got, err := c.Match(fields)
		if got || err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %t, %v, want %q", condition, got, err, why)
		}
	}
}

func TestInvalidConditions(t *testing.T) {
	for condition, why := range map[string]string{
		`data.total >`:             "Syntax error",
		`total > 1`:                "undeclared reference to 'total'",
		`id`:                       "type string",
		`1 + 1`:                    "type int",
		`id > 1`:                   "no matching overload",
		`nothing(data)`:            "undeclared reference",
		`data.name.matches("[")`:   "",
		strings.Repeat("(", 1000):  "",
		strings.Repeat("!", 10000): "",
	} {
		_, err := ParseCondition(condition)
		if why == "" && err == nil {
			continue // refused when it is evaluated
		}
		kittest.Error(t, err, fault.ErrInvalid, why)
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q has several lines", err)
		}
	}
}
