package edge_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
)

// inboxNames is an inbox service that notes whose inboxes calls are for.
type inboxNames struct {
	inboxv1connect.UnimplementedInboxServiceHandler

	mu    sync.Mutex
	names []string
}

func (i *inboxNames) note(name string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.names = append(i.names, name)
}

// take returns the names since the last call of take.
func (i *inboxNames) take() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	names := strings.Join(i.names, " ")
	i.names = nil
	return names
}

func (i *inboxNames) List(_ context.Context, req *inboxv1.ListRequest) (*inboxv1.ListResponse, error) {
	i.note("list:" + req.GetNickName())
	return &inboxv1.ListResponse{}, nil
}

func (i *inboxNames) MarkAllRead(_ context.Context, req *inboxv1.MarkAllReadRequest) (*inboxv1.MarkAllReadResponse, error) {
	i.note("all:" + req.GetNickName())
	return &inboxv1.MarkAllReadResponse{}, nil
}

func (i *inboxNames) MarkRead(_ context.Context, req *inboxv1.MarkReadRequest) (*inboxv1.MarkReadResponse, error) {
	i.note("read:" + req.GetNickName() + ":" + req.GetId())
	return &inboxv1.MarkReadResponse{}, nil
}

func (i *inboxNames) Watch(_ context.Context, req *inboxv1.WatchRequest, _ *connect.ServerStream[inboxv1.WatchResponse]) error {
	i.note("watch:" + req.GetNickName())
	return nil
}

// TestOwnInbox checks whose inbox a call is for, by every protocol: a request without a nickname
// is for the inbox of the caller, and nobody but an admin may name another.
func TestOwnInbox(t *testing.T) {
	inboxes := &inboxNames{}
	e := newAuthorizedEdge(t)
	e.Inbox = inboxes
	server := serve(t, e, withTestCaller)
	methods := policies(t)
	for _, c := range []struct{ name, role, nickname, asked, want string }{
		{"the own one", "user", "kim", "", "kim"},
		{"the own one by name", "user", "kim", "kim", "kim"},
		{"another's", "user", "kim", "lee", "denied"},
		{"a user without a nickname", "user", "", "", "denied"},
		{"a user without a nickname, by name", "user", "", "kim", "denied"},
		{"a sender who is a user", "sender", "kim", "", "kim"},
		{"a viewer", "viewer", "", "kim", "denied"},
		{"a viewer, without a name", "viewer", "", "", "denied"},
		{"a viewer who is a user", "viewer", "kim", "", "kim"},
		{"an operator", "operator", "", "kim", "denied"},
		{"an admin", "admin", "", "kim", "kim"},
		{"an admin who is a user", "admin", "lee", "", "lee"},
		{"an admin who is a user, another's", "admin", "lee", "kim", "kim"},
	} {
		for _, p := range protocols() {
			for call, fields := range map[string]map[string]string{"List": {}, "MarkAllRead": {}, "MarkRead": {"id": "7"}, "Watch": {}} {
				if call == "Watch" && p.name == "rest" {
					continue // Watch is no unary method
				}
				t.Run(c.name+"/"+call+"/"+p.name, func(t *testing.T) {
					if c.asked != "" {
						fields["nick_name"] = c.asked
					}
					header := http.Header{callerHeader: {c.role}, nickHeader: {c.nickname}}
					code, _ := p.call(t, server.URL, methods["/bongsu.inbox.v1.InboxService/"+call].Descriptor, header, fields)
					want, wantCode := map[string]string{"List": "list:", "MarkAllRead": "all:", "MarkRead": "read:", "Watch": "watch:"}[call]+c.want, connect.Code(0)
					if call == "MarkRead" {
						want += ":7"
					}
					if c.want == "denied" {
						want, wantCode = "", connect.CodePermissionDenied
					}
					if got := inboxes.take(); got != want || code != wantCode {
						t.Errorf("reached %q with code %s, want %q with %s", got, code, want, wantCode)
					}
				})
			}
		}
	}
}
