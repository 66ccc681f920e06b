package probe

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/theory/jsonpath"

	"github.com/bongsu-project/bongsu/internal/testenv"
)

// largeDocuments returns bodies of a size whose forms are costly for paths.
func largeDocuments(size int) map[string]string {
	deep := strings.Repeat("[", maxDepth-2)
	wide := func(unit string, left int) string {
		return strings.TrimSuffix(strings.Repeat(unit, left/len(unit)), ",")
	}
	return map[string]string{
		"wide":          "[" + wide("0,", size-2) + "]",
		"wide at depth": deep + wide("0,", size-2*len(deep)) + strings.Repeat("]", len(deep)),
		"many deep":     "[" + wide(strings.Repeat("[", 25)+strings.Repeat("]", 25)+",", size-2) + "]",
		"objects":       "[" + wide(`{"a":{"a":1}},`, size-2) + "]",
	}
}

// TestJSONPathTime verifies that permitted paths end soon with the largest bodies.
func TestJSONPathTime(t *testing.T) {
	for name, body := range largeDocuments(testenv.Pick(maxBody/16, maxBody)) {
		value, err := decodeJSON([]byte(body))
		if err != nil {
			t.Fatal(name, err)
		}
		if depth := depthOf(value, maxDepth); depth >= maxDepth {
			t.Fatalf("%s has depth %d", name, depth)
		}
		for _, text := range []string{
			"$", "$..*", "$..a", "$..[?@ == @]", "$..[?@ == @ && @ == @]", "$..[?@[?@[?@[?@]]]]", "$[?@..a]", "$[?count(@..*) > 1]",
			"$" + strings.Repeat("[*]", 100), "$" + strings.Repeat("[::1]", 90), "$..[?@.a.a == 1 || @.b == 2]", "$..[?length(@) > 3]",
		} {
			if err := checkJSONPath(text); err != nil {
				t.Fatal(text, err)
			}
			start := time.Now()
			jsonpath.MustParse(text).Select(value)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("%s of %s took %s", text, name, took)
			}
		}
	}
}

func TestDepth(t *testing.T) {
	for body, want := range map[string]int{"1": 0, "[]": 0, "[1]": 1, `{"a":[1,{"b":2}]}`: 3, strings.Repeat("[", 200) + "1" + strings.Repeat("]", 200): maxDepth} {
		value, err := decodeJSON([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := depthOf(value, maxDepth); got != want {
			t.Errorf("%.20s: %d, want %d", body, got, want)
		}
	}
}

// FuzzJSONPath verifies that a path that is permitted is evaluated without a panic.
func FuzzJSONPath(f *testing.F) {
	for _, text := range []string{"$.a", "$..b", "$[?@.a == 'x']", "$['a,b'][0:2:-1]", `$["\"$.."]`, "$[?count(@.*) > 1]", "$[?@<@]"} {
		f.Add(text, `{"a":"x","b":[1,2,{"a":null}],"":{"a":[]}}`)
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		c := &HTTP{URL: "http://example.com/", JSONPath: text}
		if c.Validate() != nil || len(text) > 500 || len(body) > 1000 {
			return
		}
		if finding := c.judgeJSON(200, []byte(body)); finding.Outcome != Passed && finding.Outcome != Failed {
			t.Errorf("%+v", finding)
		}
	})
}

// FuzzPattern verifies that a pattern that is permitted compiles, and matches the same at once and in steps.
func FuzzPattern(f *testing.F) {
	for _, text := range []string{"a", "^a.*b$", "(?i)ERROR", `\d{1,3}\.`, "(a|b)*c", "[^x]+", `\bfine\b`, "(?s).$"} {
		f.Add(text, "all is fine: 10.1 ERROR b\nc")
	}
	f.Fuzz(func(t *testing.T, text, body string) {
		if checkPattern(text) != nil || text == "" {
			return
		}
		p, err := compile(text)
		if err != nil {
			t.Fatal(err)
		}
		direct, err := p.matches(t.Context(), []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		p.instructions = maxDirectWork + 1
		if steps, err := p.matches(t.Context(), []byte(body)); err != nil || steps != direct {
			t.Errorf("%q of %q: %v at once, %v in steps, %v", text, body, direct, steps, err)
		}
	})
}

// FuzzDecode verifies that stored JSON of each kind is decoded and validated without a panic, and is the same
// after it is stored again.
func FuzzDecode(f *testing.F) {
	for _, c := range samples {
		data, err := Encode(c)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(c.Kind()), data)
	}
	f.Fuzz(func(t *testing.T, kind string, data []byte) {
		c, err := Decode(Kind(kind), data)
		if err != nil {
			return
		}
		_, _, _ = c.Validate(), c.Secrets(), c.Destination()
		stored, err := Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(c.Kind(), stored)
		if err != nil {
			t.Fatalf("%s: %v", stored, err)
		}
		if twice, err := Encode(again); err != nil || !bytes.Equal(twice, stored) {
			t.Errorf("%s, then %s, %v", stored, twice, err)
		}
	})
}
