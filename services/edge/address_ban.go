package edge

import (
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// banStage refuses the requests of banned addresses with 403.
func banStage(d AdmissionDependencies) rpc.Stage {
	return func(next http.Handler) http.Handler { return &addressBan{next: next, AdmissionDependencies: d} }
}

type addressBan struct {
	next http.Handler
	AdmissionDependencies
}

// ServeHTTP serves or refuses a request.
func (s *addressBan) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	banned, ok := s.Bans.Find(rpc.InfoOf(r.Context()).Client)
	if !ok {
		s.next.ServeHTTP(w, r)
		return
	}
	s.Metrics.RefusedRequest(RefusedBanned)
	text := "address " + banned.Text() + " is banned until " + banned.ExpireTime.UTC().Format(time.RFC3339) +
		" for too many requests; an administrator can lift the ban (bongsu ban lift)"
	rpc.WriteError(w, r, refusalError(connect.CodePermissionDenied, RefusedBanned, text, banned.ExpireTime.Sub(s.Now())), s.Log)
}
