package architecture

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// reasonLiteral matches the reason of an error in Go: that of fault.WithReason, and the
// constants of kit/rpc.
var reasonLiteral = regexp.MustCompile(`(?:WithReason\(.*, |^\treason[A-Za-z]+\s+= )"([A-Z0-9_]+)"`)

// TestReasonsAreDocumented fails if docs/api.md does not list a reason: programs compare them.
func TestReasonsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile(path.Join(root, "docs/api.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, folder := range []string{"kit/rpc", "services", "internal", "cmd"} {
		err := fs.WalkDir(os.DirFS(root), folder, func(name string, _ fs.DirEntry, err error) error {
			if err != nil || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path.Join(root, name))
			if err != nil {
				return err
			}
			for line := range strings.Lines(string(text)) {
				for _, match := range reasonLiteral.FindAllStringSubmatch(line, -1) {
					found++
					if !strings.Contains(string(doc), "`"+match[1]+"`") {
						t.Errorf("%s: docs/api.md does not list the reason %s", name, match[1])
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 15 {
		t.Fatalf("only %d reasons were found: this test looks in the wrong place", found)
	}
}
