package edge_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// groups is a service whose changes return an error.
type groups struct {
	groupv1connect.UnimplementedGroupServiceHandler
	reads  atomic.Int64
	change func(ctx context.Context) error
}

func (g *groups) ListGroups(context.Context, *groupv1.ListGroupsRequest) (*groupv1.ListGroupsResponse, error) {
	return &groupv1.ListGroupsResponse{Groups: []*groupv1.Group{{Id: int32(g.reads.Add(1))}}}, nil
}

func (g *groups) DeleteGroup(ctx context.Context, _ *groupv1.DeleteGroupRequest) (*groupv1.DeleteGroupResponse, error) {
	return &groupv1.DeleteGroupResponse{}, g.change(ctx)
}

// outcomes counts the outcomes of a cache.
type outcomes struct{ hits, changes atomic.Int64 }

func (o *outcomes) CachedCall(_, outcome string) {
	if outcome == "hit" {
		o.hits.Add(1)
	}
}

func (o *outcomes) InvalidatingCall(string, bool) { o.changes.Add(1) }

// TestChanges checks that responses are stale after a change, whatever its result, and that
// nothing is cached for a time if the change may be executed later.
func TestChanges(t *testing.T) {
	for _, c := range []struct {
		name      string
		change    func(ctx context.Context) error
		uncertain bool
	}{
		{"success", func(context.Context) error { return nil }, false},
		{"not found", func(context.Context) error { return fault.NotFoundf("group") }, false},
		{"invalid", func(context.Context) error { return fault.Invalidf("group") }, false},
		{"already exists by another process", func(context.Context) error { return connect.NewError(connect.CodeAlreadyExists, errors.New("taken")) }, false},
		{"unavailable", func(context.Context) error { return fault.Unavailablef("store") }, true},
		{"timed out", func(context.Context) error { return context.DeadlineExceeded }, true},
		{"timed out in another process", func(context.Context) error { return connect.NewError(connect.CodeDeadlineExceeded, errors.New("late")) }, true},
		{"abandoned", func(context.Context) error { return context.Canceled }, true},
		{"internal", func(context.Context) error { return errors.New("disk full") }, true},
		{"panic", func(context.Context) error { panic("change") }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			service, counted := &groups{change: c.change}, &outcomes{}
			client := serveCached(t, service, counted)
			list := func() int32 {
				t.Helper()
				res, err := client.ListGroups(t.Context(), &groupv1.ListGroupsRequest{})
				if err != nil {
					t.Fatal(err)
				}
				return res.GetGroups()[0].GetId()
			}
			if first, second := list(), list(); first != 1 || second != 1 || counted.hits.Load() != 1 {
				t.Fatalf("before the change: reads %d and %d", first, second)
			}
			_, _ = client.DeleteGroup(t.Context(), &groupv1.DeleteGroupRequest{Id: 1})
			third, fourth := list(), list()
			if want := map[bool]int32{false: 2, true: 3}[c.uncertain]; third != 2 || fourth != want {
				t.Errorf("after the change: reads %d and %d, want 2 and %d", third, fourth, want)
			}
			if got := counted.changes.Load(); got != 1 {
				t.Errorf("%d changes are counted, want 1", got)
			}
		})
	}
}

// serveCached serves a service behind a cache without other edges.
func serveCached(t *testing.T, service *groups, metrics edge.CacheMetrics) groupv1connect.GroupServiceClient {
	t.Helper()
	responses, err := edge.NewResponseCache(1<<20, nil, metrics)
	if err != nil {
		t.Fatal(err)
	}
	options, err := rpc.NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), edge.RESTRules)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := rpc.Listener{
		Services: []rpc.Service{rpc.Public(options.With(responses), groupv1connect.NewGroupServiceHandler, groupv1connect.GroupServiceHandler(service))},
		Stages:   []rpc.Stage{responses.Conditional},
		Ready:    func(context.Context) error { return nil },
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return groupv1connect.NewGroupServiceClient(server.Client(), server.URL)
}
