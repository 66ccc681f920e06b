package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/test/proc"
)

// TestProfiles requests profiles: they are served on their own port if it is
// configured, on no other, and without the command line. A running profile does not
// delay shutdown.
func TestProfiles(t *testing.T) {
	args := append([]string{"--services=all,mockup", "--data=" + t.TempDir()}, anywhere...)
	p := binaries.Serve(t, append(args, "--pprof-addr=127.0.0.1:0")...)
	urls := p.URLs(t, 6)
	heap, stacks := "/debug/pprof/heap", "/debug/pprof/goroutine?debug=1"
	for service, url := range urls {
		for _, path := range []string{heap, stacks, "/debug/pprof/", "/debug/pprof/cmdline"} {
			status, answer := request(t, http.MethodGet, url+path, "")
			want := http.StatusNotFound
			if service == "pprof" && !strings.HasSuffix(path, "cmdline") {
				want = http.StatusOK
			}
			if status != want {
				t.Errorf("%s on the port of %s: %d, want %d", path, service, status, want)
			}
			if path == stacks && service == "pprof" && !strings.Contains(answer, "services/alert.(*DispatchLoop).Run") {
				t.Errorf("the dispatch loop is not among the goroutines:\n%s", answer)
			}
		}
	}
	for _, path := range []string{"/metrics", "/v1/alerts", "/healthz"} {
		if status, _ := request(t, http.MethodGet, urls["pprof"]+path, ""); status != http.StatusNotFound {
			t.Errorf("%s on the port of profiles: %d", path, status)
		}
	}

	asked, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, urls["pprof"]+"/debug/pprof/profile?seconds=3600", nil)
		if err != nil {
			t.Error(err)
		}
		close(asked)
		if res, err := http.DefaultClient.Do(req); err == nil {
			defer res.Body.Close()
		}
	}()
	<-asked
	for busy := ""; !strings.Contains(busy, "pprof.Profile"); {
		_, busy = request(t, http.MethodGet, urls["pprof"]+stacks, "")
	}
	if err := p.Stop(t); err != nil {
		t.Errorf("exit: %v", err)
	}
	<-done

	d := oneProcess(t)
	for _, url := range []string{d.edge, d.alert, d.sender} {
		if status, _ := request(t, http.MethodGet, url+heap, ""); status != http.StatusNotFound {
			t.Errorf("profiles without --pprof-addr: %d", status)
		}
	}
}
