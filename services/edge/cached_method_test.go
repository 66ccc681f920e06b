package edge

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"connectrpc.com/connect"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// TestKeys checks which calls share a response.
func TestKeys(t *testing.T) {
	list := func(procedure string, shared bool) *cachedMethod {
		return &cachedMethod{name: procedure, policy: policy.Policy{Cache: &policy.Cache{Shared: shared}}}
	}
	for _, c := range []struct {
		name          string
		method, other *cachedMethod
		request       *groupv1.ListGroupsRequest // of the second call; the first one's is empty
		callers       [2]string
		want          bool
	}{
		{"same", list("/a/M", true), list("/a/M", true), &groupv1.ListGroupsRequest{}, [2]string{}, true},
		{"another method", list("/a/M", true), list("/a/N", true), &groupv1.ListGroupsRequest{}, [2]string{}, false},
		{"another request", list("/a/M", true), list("/a/M", true), &groupv1.ListGroupsRequest{PageSize: 1}, [2]string{}, false},
		{"another caller, shared", list("/a/M", true), list("/a/M", true), &groupv1.ListGroupsRequest{}, [2]string{"kim", "lee"}, true},
		{"another caller", list("/a/M", false), list("/a/M", false), &groupv1.ListGroupsRequest{}, [2]string{"kim", "lee"}, false},
		{"same caller", list("/a/M", false), list("/a/M", false), &groupv1.ListGroupsRequest{}, [2]string{"kim", "kim"}, true},
	} {
		first := keyOf(t, c.method, c.callers[0], &groupv1.ListGroupsRequest{})
		if second := keyOf(t, c.other, c.callers[1], c.request); (first == second) != c.want {
			t.Errorf("%s: keys are %q and %q", c.name, first, second)
		}
	}
}

// keyOf returns the key of a call.
func keyOf(t *testing.T, method *cachedMethod, caller string, req *groupv1.ListGroupsRequest) (key string) {
	t.Helper()
	handler, err := rpc.Listener{
		Ready: func(context.Context) error { return nil },
		Handlers: map[string]http.Handler{"/": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			rpc.InfoOf(r.Context()).Caller = caller
			var err error
			if key, err = method.key(r.Context(), connect.NewRequest(req)); err != nil {
				t.Error(err)
			}
		})},
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	return key
}
