package web

import (
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/school/announcement/v1/announcementv1connect"
	"github.com/bongsu-project/bongsu/gen/go/school/auth/v1/authv1connect"
	"github.com/bongsu-project/bongsu/gen/go/school/club/v1/clubv1connect"
	"github.com/bongsu-project/bongsu/gen/go/school/outing/v1/outingv1connect"
	"github.com/bongsu-project/bongsu/gen/go/school/schedule/v1/schedulev1connect"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// clients are the clients of the services, through the edge.
type clients struct {
	auth         authv1connect.AuthServiceClient
	outing       outingv1connect.OutingServiceClient
	schedule     schedulev1connect.ScheduleServiceClient
	announcement announcementv1connect.AnnouncementServiceClient
	club         clubv1connect.ClubServiceClient
	inbox        inboxv1connect.InboxServiceClient
}

func newClients(edge string, log *slog.Logger) *clients {
	client := &http.Client{Transport: asPerson{rpc.NewHTTPClient().Transport}}
	options := rpc.ClientOptions("edge", log)
	return &clients{
		auth:         authv1connect.NewAuthServiceClient(client, edge, options),
		outing:       outingv1connect.NewOutingServiceClient(client, edge, options),
		schedule:     schedulev1connect.NewScheduleServiceClient(client, edge, options),
		announcement: announcementv1connect.NewAnnouncementServiceClient(client, edge, options),
		club:         clubv1connect.NewClubServiceClient(client, edge, options),
		inbox:        inboxv1connect.NewInboxServiceClient(client, edge, options),
	}
}

// A credential is as whom a call is made.
type credential struct {
	token     string // empty without sign-in
	forwarded string // the addresses of the person, for the limits of the edge
}

type credentialKey struct{}

// asPerson makes calls with the credential of their context.
type asPerson struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t asPerson) RoundTrip(req *http.Request) (*http.Response, error) {
	c, _ := req.Context().Value(credentialKey{}).(credential)
	req = req.Clone(req.Context())
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.forwarded != "" {
		req.Header.Set("X-Forwarded-For", c.forwarded)
	}
	return t.next.RoundTrip(req)
}

// forwardedFor returns the X-Forwarded-For of calls: with it, an edge that trusts this server limits each
// person, and not all of them together.
func forwardedFor(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return strings.Join(append(r.Header["X-Forwarded-For"], host), ", ")
}
