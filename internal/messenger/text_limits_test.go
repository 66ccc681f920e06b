package messenger

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFit(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		limit int
		size  func(string) int
		want  string
		cut   bool
	}{
		"short":                 {"node1 down", 10, ByteLen, "node1 down", false},
		"in bytes":              {"node1 down", 9, ByteLen, "node1…", true},
		"Korean in bytes":       {"노드1 장애", 12, ByteLen, "노드1…", true},
		"Korean in characters":  {"노드1 장애", 5, utf8.RuneCountInString, "노드1…", true},
		"a pair in units":       {"🔥🔥", 3, UTF16Len, "🔥…", true},
		"a family stays whole":  {"x👨‍👩‍👧‍👦y", 5, utf8.RuneCountInString, "x…", true},
		"an accent stays":       {"ae\u0301e", 3, utf8.RuneCountInString, "a…", true},
		"counted after escapes": {"a&b&c", 9, func(s string) int { return len(strings.ReplaceAll(s, "&", "&amp;")) }, "a&…", true},
	} {
		t.Run(name, func(t *testing.T) {
			got, cut := Truncate(c.text, c.limit, c.size)
			if got != c.want || cut != c.cut || c.size(got) > c.limit {
				t.Errorf("%q (%d), %v", got, c.size(got), cut)
			}
		})
	}
}

func FuzzFit(f *testing.F) {
	f.Add("노드1 장애 👨‍👩‍👧‍👦", uint8(9))
	f.Fuzz(func(t *testing.T, text string, limit uint8) {
		most := int(limit) + len(Ellipsis)
		got, cut := Truncate(text, most, ByteLen)
		if len(got) > most || cut != (len(text) > most) || !cut && got != text {
			t.Errorf("%q at %d: %q, %v", text, most, got, cut)
		}
		if head, ok := strings.CutSuffix(got, Ellipsis); cut && (!ok || !strings.HasPrefix(text, head)) {
			t.Errorf("%q is not the head of %q", got, text)
		}
	})
}

func TestFull(t *testing.T) {
	m := Message{Text: "[high] disk full"}
	if got := m.PlainText(); got != "[high] disk full" {
		t.Errorf("plain: %q", got)
	}
	m.Title, m.Link = "db1", "https://grafana.example/d/1"
	m.Details = []Detail{{Name: "host", Value: "db1"}, {Name: "free", Value: "0 %"}}
	if got, want := m.PlainText(), "db1\n[high] disk full\n\nhost: db1\nfree: 0 %\n\nhttps://grafana.example/d/1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
