package texttemplate

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Upper bounds of the memory that an execution allocates, whatever its result, and of
// its duration on a busy machine: the limits, the overhead of text/template and a
// reserve.
const (
	mostAllocated = 2 << 20
	longest       = 2 * time.Second
)

// measured executes a template, and returns the allocated bytes and the duration.
func measured(t testing.TB, text string, data any) (allocated uint64, took time.Duration, err error) {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	result, err := p.Execute(data)
	took = time.Since(begin)
	runtime.ReadMemStats(&after)
	if len(result) > MaxText {
		t.Errorf("%.60s: text of %d bytes", text, len(result))
	}
	return after.TotalAlloc - before.TotalAlloc, took, err
}

// TestOneArgumentThousandsOfTimes executes all variants of templates that took 10 s and
// 1.9 GB without limits.
func TestOneArgumentThousandsOfTimes(t *testing.T) {
	big := map[string]any{
		"message": strings.Repeat("x", 20_000), "big": strings.Repeat("봉", 5<<20), "hit": true, "list": make([]any, 15_000),
		"all": map[string]any{"a": strings.Repeat("x", 10<<20)},
	}
	times := func(n int, text string) string { return strings.Repeat(text, n) }
	for name, text := range map[string]string{
		"%[1]s":                `{{$f := "` + times(3000, "%[1]s") + `"}}{{len (printf $f .message)}}`,
		"%[1]s in a condition": `{{if .hit}}{{if gt (len (printf "` + times(3000, "%[1]q") + `" .message)) 0}}x{{end}}{{end}}`,
		"a format that grows":  `{{$f := "%[1]s"}}{{range 20}}{{$f = print $f $f}}{{end}}{{len (printf $f .message)}}`,
		"one value many times": `{{len (print ` + times(1000, ".message ") + `)}}`,
		"a list many times":    `{{len (printf "` + times(1000, "%v") + `" ` + times(1000, ".list ") + `)}}`,
		"all that there is":    `{{.}}`,
		"all, printed":         `{{len (print .)}}`,
		"all, in a condition":  `{{if (print .all)}}x{{end}}`,
		"quoted":               `{{len (printf "%q" .big)}}`,
		"quoted again":         `{{$x := .message}}{{range 100}}{{$x = printf "%q" $x}}{{end}}`,
		"hex of hex":           `{{$x := .message}}{{range 100}}{{$x = printf "%x" $x}}{{end}}`,
		"html of html":         `{{$x := "<"}}{{range 100}}{{$x = html $x $x}}{{end}}`,
		"js of js":             `{{$x := "<"}}{{range 100}}{{$x = js $x $x}}{{end}}`,
		"urlquery of urlquery": `{{$x := "<"}}{{range 100}}{{$x = urlquery $x $x}}{{end}}`,
		"doubled":              `{{$x := "x"}}{{range 100}}{{$x = print $x $x}}{{end}}`,
		"joined":               `{{join .message .list}}`,
		"made and dropped":     `{{range 20000}}{{$x := print $.message}}{{end}}`,
		"upper, dropped":       `{{range 20000}}{{$x := upper $.message}}{{end}}`,
		"upper of much":        `{{len (upper .big)}}`,
		"wide numbers":         `{{len (printf "` + times(3000, "%99.99f") + `" ` + times(1, "1.5 ") + `)}}`,
		"wide lists":           `{{len (printf "%99d" .list)}}`,
		"nested ranges":        `{{range .list}}{{range $.list}}{{end}}{{end}}`,
		"ranges over text":     `{{range .big}}{{end}}`,
		"missing values":       `{{len (printf "` + times(7000, "%d") + `")}}`,
	} {
		t.Run(name, func(t *testing.T) {
			allocated, took, err := measured(t, text, big)
			if allocated > mostAllocated || took > longest {
				t.Errorf("%d kB in %s", allocated>>10, took)
			}
			if err == nil && name != "missing values" && name != "wide numbers" || err != nil && !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("error is %v", err)
			}
			if err != nil && len(err.Error()) > 600 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			t.Logf("%d kB in %s: %.200v", allocated>>10, took, err)
		})
	}
}

// TestPrintfEstimates proves that no verb formats a value longer than estimated.
func TestPrintfEstimates(t *testing.T) {
	values := []any{
		nil, true, -1, 1e308, 5e-324, "", "a", strings.Repeat("\x00", 100), strings.Repeat("\xff", 100), strings.Repeat("\u0080", 50), strings.Repeat("\U0010ffff", 50),
		[]any{}, []any{1, 2.5, "x", nil}, map[string]any{"a": map[string]any{}, "b": []any{[]any{}}}, struct{ Name, Value string }{"n", "v"},
	}
	for verb := byte(' '); verb < 0x7f; verb++ {
		if strings.ContainsRune("%[*.+-# 0123456789", rune(verb)) {
			continue
		}
		for _, flags := range []string{"", "+", "#", "+#", " ", "# ", "0", "-", "99", "99.99", ".99", "#99.99", "+99.99"} {
			format := "%" + flags + string(verb)
			read, err := readVerbs(format)
			if err != nil {
				t.Fatal(format, err)
			}
			for _, v := range values {
				const much = 1 << 30
				s := sizeEstimator{base: printfOverhead + read.width, left: much}
				if err := s.add(v, 0); err != nil {
					t.Fatal(err)
				}
				most := len(format) + (read.count+1)*printfOverhead + (much-s.left)*read.expansion
				if got := len(fmt.Sprintf(format, v)); got > most {
					t.Errorf("%s of %.20v is %d bytes, estimated %d", format, v, got, most)
				}
			}
		}
	}
}

// TestMissingFieldsAreEmpty proves that the limits do not change the text of templates.
func TestMissingFieldsAreEmpty(t *testing.T) {
	for text, want := range map[string]string{
		`[{{.none}}]`: "[]", `{{$x := .none}}[{{$x}}]`: "[]", `{{with .none}}a{{else}}b{{end}}`: "b", `{{with $x := .message}}{{$x}}{{end}}`: "node1 <down>",
		`{{range $k, $v := .labels}}{{$k}}{{$v}}{{end}}`: "hostnode1", `{{range 3}}{{.}}{{end}}`: "012", `{{range .none}}a{{else}}b{{end}}`: "b",
		`{{if and .message (not .none)}}a{{end}}`: "a", `{{print nil}}`: "<nil>", `{{true}} {{1.5}} {{"s"}}`: "true 1.5 s", `{{println "a" 1}}`: "a 1\n",
		`{{printf "%q %x %05.1f|%-4s|%%|%t" "a" "b" 2.25 "c" true}}`: `"a" 62 002.2|c   |%|true`, `{{printf "%d%%"  50}}`: "50%", `{{js "<"}}`: `\u003C`,
		`{{range .list}}{{if eq (print .) "b"}}{{continue}}{{end}}{{.}}{{end}}`: "a3",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := p.Execute(data); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}

// FuzzBounds executes any template over data of all kinds within the limits.
func FuzzBounds(f *testing.F) {
	for _, text := range []string{
		`{{$f := "%[1]s%[1]s"}}{{len (printf $f .long)}}`, `{{range .wide}}{{printf "%q" $.ctrl}}{{end}}`, `{{print . . . .}}`,
		`{{range $k, $v := .}}{{$k}}{{$v}}{{end}}`, `{{html (js (urlquery .ctrl))}}`, `{{join .long .wide}}`, `{{.deep}}`, `{{printf "%99x" .}}`,
		`{{$x := "ab"}}{{range 30}}{{$x = print $x $x}}{{end}}{{$x}}`, `{{slice .long 1 2}}{{index .list 0}}{{len .wide}}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		allocated, took, err := measured(t, text, data)
		if err != nil && !errors.Is(err, fault.ErrInvalid) {
			t.Error(err)
		}
		if allocated > mostAllocated || took > longest {
			t.Errorf("%d kB in %s, %v", allocated>>10, took, err)
		}
	})
}
