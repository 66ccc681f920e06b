package rpc_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// listedGroups answers ListGroups.
type listedGroups struct {
	groupv1connect.UnimplementedGroupServiceHandler
	res *groupv1.ListGroupsResponse
}

func (g listedGroups) ListGroups(context.Context, *groupv1.ListGroupsRequest) (*groupv1.ListGroupsResponse, error) {
	return g.res, nil
}

// BenchmarkForward measures a call that is forwarded to another port: with generated code, and
// with dynamic messages, as those of a service that is known only at run time.
func BenchmarkForward(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	options, err := rpc.NewOptions(log, noop.NewMeterProvider(), nil)
	kittest.NoError(b, err)
	files := new(protoregistry.Files)
	descriptor := groupv1.File_bongsu_group_v1_group_proto.Services().ByName("GroupService")
	kittest.NoError(b, files.RegisterFile(descriptor.ParentFile()))
	body, err := proto.Marshal(&groupv1.ListGroupsRequest{})
	kittest.NoError(b, err)
	for _, size := range []struct {
		name   string
		groups int
	}{{"small", 1}, {"large", 200}} {
		res := &groupv1.ListGroupsResponse{}
		for range size.groups {
			res.Groups = append(res.Groups, &groupv1.Group{Id: 7, GroupName: "on-call"})
		}
		upstream := httptest.NewUnstartedServer(nil)
		_, upstream.Config.Handler = groupv1connect.NewGroupServiceHandler(listedGroups{res: res})
		upstream.Config.Protocols = new(http.Protocols)
		upstream.Config.Protocols.SetUnencryptedHTTP2(true)
		upstream.Start()
		b.Cleanup(upstream.Close)
		client := rpc.NewHTTPClient()
		typed := rpc.Public(options, groupv1connect.NewGroupServiceHandler,
			groupv1connect.GroupServiceHandler(groupv1connect.NewGroupServiceClient(client, upstream.URL, rpc.ClientOptions("directory", log))))
		dynamic, err := rpc.Dynamic(options, rpc.DynamicSchema{Service: descriptor, Files: files}, rpc.Upstream{Client: client, URL: upstream.URL, Options: rpc.ClientOptions("directory", log)})
		kittest.NoError(b, err)
		for _, c := range []struct {
			name    string
			service rpc.Service
		}{{"typed", typed}, {"dynamic", dynamic}} {
			b.Run(size.name+"/"+c.name, func(b *testing.B) {
				handler, err := rpc.Listener{Services: []rpc.Service{c.service}}.Handler()
				kittest.NoError(b, err)
				b.ReportAllocs()
				for b.Loop() {
					req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, groupv1connect.GroupServiceListGroupsProcedure, bytes.NewReader(body))
					req.Header.Set("Content-Type", "application/proto")
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, req)
					if w.Code != http.StatusOK {
						b.Fatalf("status %d: %s", w.Code, w.Body)
					}
				}
			})
		}
	}
}
