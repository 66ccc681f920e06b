package edge_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/edge"
)

// BenchmarkAdmission measures the stages before authentication: of a request that is served, of
// one beyond the limit, and of one of a banned address.
func BenchmarkAdmission(b *testing.B) {
	for name, c := range map[string]struct {
		limit  string
		banned bool
	}{"off": {"off", false}, "served": {"100000/s", false}, "refused": {"1/h", false}, "banned": {"50/s", true}} {
		b.Run(name, func(b *testing.B) {
			a := admit(b, func(cfg *edge.AdmissionConfig) { cfg.AddressLimit, cfg.BanAfter = c.limit, "off" })
			if c.banned {
				a.bans.Add(netip.MustParseAddr(client), time.Hour)
			}
			r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/nothing", nil)
			r.RemoteAddr = client + ":4711"
			w := &discard{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				a.clock.Advance(20 * time.Microsecond)
				a.ServeHTTP(w, r)
			}
		})
	}
}

// A discard is a response without a reader.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header { return d.header }

func (*discard) Write(data []byte) (int, error) { return len(data), nil }

func (*discard) WriteHeader(int) {}
