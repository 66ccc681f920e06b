package rpc

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

func TestUnknownFieldsAreBlanked(t *testing.T) {
	descriptor := (&alertv1.SendAlertRequest{}).ProtoReflect().Descriptor()
	for _, c := range []struct{ body, after, names string }{
		{`{"message":"m"}`, `{"message":"m"}`, ``},
		{`{"source":"x"}`, `{            }`, `source`},
		{`{"message":"m","source":"x"}`, `{"message":"m"             }`, `source`},
		{`{"source":"x","message":"m"}`, `{             "message":"m"}`, `source`},
		{`{"a":1,"message":"m","b":{"c":[1,2]},"d":null}`, `{      "message":"m"                         }`, `a b d`},
		{`{"message":"m" , "a" : 1 , "title":"t" , "b":2 }`, `{"message":"m" ,           "title":"t"         }`, `a b`},
		{`{"details":[{"name":"n","color":1,"value":"v"},{"color":2}]}`, `{"details":[{"name":"n",          "value":"v"},{         }]}`, `details.color`},
		{`{"ttl":"60s","idempotency_key":"k","idempotencyKey":"k"}`, `{"ttl":"60s","idempotency_key":"k","idempotencyKey":"k"}`, ``},
		{`{"a":1,`, `{"a":1,`, ``},
		{`[{"a":1}]`, `[{     }]`, `a`},
		{`"a"`, `"a"`, ``},
		{`{"id":1,"a":1}`, `{"id":1      }`, `a`},
		{`{"details":[{"id":1}]}`, `{"details":[{      }]}`, `details.id`},
		{``, ``, ``},
	} {
		body := []byte(c.body)
		names, count := blankUnknownFields(body, descriptor, "id")
		if string(body) != c.after || strings.Join(names, " ") != c.names || count < len(names) {
			t.Errorf("%s\n got %s %q %d\nwant %s %q", c.body, body, names, count, c.after, c.names)
		}
	}
}

// TestManyUnknownFields checks that the names are limited in number and length.
func TestManyUnknownFields(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"` + strings.Repeat("x", 10_000) + `":1`)
	for i := range 100_000 {
		fmt.Fprintf(&body, `,"f%d":1`, i)
	}
	body.WriteString(`,"message":"m"}`)
	data := []byte(body.String())
	names, count := blankUnknownFields(data, (&alertv1.SendAlertRequest{}).ProtoReflect().Descriptor(), "")
	if len(names) != maxIgnoredNames || count != 100_001 || len(strings.Join(names, "")) > 1000 || strings.TrimSpace(string(data[1:len(data)-1])) != `"message":"m"` {
		t.Errorf("%d names of %d", len(names), count)
	}
}

// FuzzUnknownFields compares the rest of a body with the fields that protojson decodes when
// it discards unknown ones.
func FuzzUnknownFields(f *testing.F) {
	for _, seed := range []string{
		`{"message":"m","source":"x"}`, `{"details":[{"name":"n","color":{"a":[{}]}}],"a":1}`, `{"a":1,"message":"m","b":2,"title":"t"}`,
		"{ \"a\" :\n1 ,\"target\":[\"@x\"] }", `{"ttl":{"a":1}}`, `{"message":"\",\"a\":1"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want, got alertv1.SendAlertRequest
		wantErr := protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, &want)
		after := slices.Clone(body)
		names, _ := blankUnknownFields(after, want.ProtoReflect().Descriptor(), "")
		if len(after) != len(body) {
			t.Fatalf("the length changed: %q", after)
		}
		if json.Valid(body) && !json.Valid(after) {
			t.Errorf("%q became %q", body, after)
		}
		err := protojson.Unmarshal(after, &got)
		if wantErr != nil || err != nil && strings.Contains(err.Error(), "enum") {
			return // stricter than protojson: an unknown enum value is an error
		}
		if err != nil || got.String() != want.String() {
			t.Errorf("%q, without %q: %v\n got %v\nwant %v", body, names, err, &got, &want)
		}
	})
}
