package main

import (
	"strings"
	"testing"
)

// TestFlags checks that flags out of their bounds are refused by name, before anything starts.
func TestFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flags, want string }{
		{"--escalate-after=-1s", "--escalate-after"},
		{"--escalate-after=168h1s", "--escalate-after"},
		{"--edge-key-file=admin.key", "--edge-url"},
		{"--services=lunch", "--services"},
	} {
		if err := run(t.Context(), strings.Fields(c.flags)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.flags, err)
		}
	}
}
