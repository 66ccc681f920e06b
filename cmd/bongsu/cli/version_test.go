package cli

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"testing"
)

func TestVersion(t *testing.T) {
	code, stdout, stderr := bongsu(t, "", "version", "--json")
	var b build
	if err := json.Unmarshal([]byte(stdout), &b); err != nil || code != exitOK || stderr != "" {
		t.Fatalf("exit %d, stdout %q, stderr %q: %v", code, stdout, stderr, err)
	}
	if b.Version == "" || b.Commit == "" || b.Go != runtime.Version() {
		t.Errorf("got %+v", b)
	}
}

func TestBuiltFrom(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.modified", Value: "true"},
		{Key: "vcs.revision", Value: "69aff13"},
	}}
	if got, want := builtFrom("", func() (*debug.BuildInfo, bool) { return info, true }), (build{Version: "v1.2.3", Commit: "69aff13+changes", Go: "go1.26.8"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := builtFrom("", func() (*debug.BuildInfo, bool) { return nil, false }), (build{Version: "(devel)", Commit: "unknown", Go: "unknown"}); got != want {
		t.Errorf("without build info: got %+v, want %+v", got, want)
	}
}
