package edge

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoregistry"

	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/policy"
)

// TestDeadline checks when a call ends that waits for its context, and how.
func TestDeadline(t *testing.T) {
	const timeout = 30 * time.Second
	ended := errors.New("work interrupted")
	for _, c := range []struct {
		name   string
		own    time.Duration // the timeout in the policy
		caller time.Duration // the deadline of the caller; 0 for none
		err    error         // of the interrupted call; nil for that of its context
		after  time.Duration
		code   connect.Code
	}{
		{"the default", 0, 0, nil, timeout, connect.CodeDeadlineExceeded},
		{"a longer one of the policy", 5 * time.Minute, 0, nil, 5 * time.Minute, connect.CodeDeadlineExceeded},
		{"a shorter one of the policy", time.Second, 0, nil, time.Second, connect.CodeDeadlineExceeded},
		{"an error without a code", 0, 0, ended, timeout, connect.CodeDeadlineExceeded},
		{"unavailable stays", 0, 0, fault.Unavailablef("try again"), timeout, connect.CodeUnknown},
		{"an earlier one of the caller", 0, time.Second, ended, time.Second, connect.CodeUnknown},
		{"a later one of the caller", 0, time.Hour, ended, timeout, connect.CodeDeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := deadline{methods: policy.Table{"": {Policy: policy.Policy{Timeout: c.own}}}, timeout: timeout}
				ctx := t.Context()
				if c.caller > 0 {
					bounded, cancel := context.WithTimeout(ctx, c.caller)
					defer cancel()
					ctx = bounded
				}
				began := time.Now()
				_, err := d.WrapUnary(func(ctx context.Context, _ connect.AnyRequest) (connect.AnyResponse, error) {
					<-ctx.Done()
					if c.err != nil {
						return nil, c.err
					}
					return nil, ctx.Err()
				})(ctx, connect.NewRequest(&groupv1.ListGroupsRequest{}))
				if after := time.Since(began); after != c.after || connect.CodeOf(err) != c.code {
					t.Errorf("after %s: %v", after, err)
				}
				if c.code == connect.CodeDeadlineExceeded && !strings.Contains(err.Error(), "timed out after "+c.after.String()) {
					t.Errorf("error is %v", err)
				}
			})
		})
	}
}

// TestDeadlineOfAResponse checks that a call that responds in time keeps its response and
// its error.
func TestDeadlineOfAResponse(t *testing.T) {
	d := deadline{timeout: time.Minute}
	req := connect.NewRequest(&groupv1.ListGroupsRequest{})
	want := connect.NewResponse(&groupv1.ListGroupsResponse{})
	if res, err := d.WrapUnary(func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) { return want, nil })(t.Context(), req); res != want || err != nil {
		t.Errorf("%v, %v", res, err)
	}
	failed := fault.NotFoundf("no such group")
	if _, err := d.WrapUnary(func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) { return nil, failed })(t.Context(), req); !errors.Is(err, fault.ErrNotFound) {
		t.Errorf("error is %v", err)
	}
}

// TestTimeoutOfAPolicy checks that the timeouts in the Protobuf files are those of the edge.
func TestTimeoutOfAPolicy(t *testing.T) {
	table, err := policy.NewTable(protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	if timeout := table["/bongsu.user.v1.TransferService/ImportDirectory"].Timeout; timeout != 5*time.Minute {
		t.Errorf("timeout of an import is %s", timeout)
	}
}

func BenchmarkDeadline(b *testing.B) {
	d := deadline{methods: policy.Table{}, timeout: 30 * time.Second}
	call := d.WrapUnary(func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) { return nil, nil })
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	req := connect.NewRequest(&groupv1.ListGroupsRequest{})
	b.ReportAllocs()
	for b.Loop() {
		_, _ = call(ctx, req)
	}
}

// TestDeadlineOfInstance checks the error of an instance at which the timeout passed a little
// earlier, and of one that gave up by itself.
func TestDeadlineOfInstance(t *testing.T) {
	const timeout = 30 * time.Second
	for _, c := range []struct {
		name   string
		lead   time.Duration
		caller time.Duration // the deadline of the caller; 0 for none
		want   string
	}{
		{"a little earlier", 10 * time.Millisecond, 0, "timed out after 30s"},
		{"much earlier", time.Second, 0, "from the instance"},
		{"with an earlier deadline of the caller", 10 * time.Millisecond, timeout - time.Nanosecond, "from the instance"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.caller > 0 {
					bounded, cancel := context.WithTimeout(ctx, c.caller)
					defer cancel()
					ctx = bounded
				}
				_, err := deadline{timeout: timeout}.WrapUnary(func(context.Context, connect.AnyRequest) (connect.AnyResponse, error) {
					time.Sleep(timeout - c.lead) // of the synctest bubble
					return nil, connect.NewError(connect.CodeDeadlineExceeded, errors.New("from the instance"))
				})(ctx, connect.NewRequest(&groupv1.ListGroupsRequest{}))
				if connect.CodeOf(err) != connect.CodeDeadlineExceeded || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, want %s", err, c.want)
				}
			})
		})
	}
}
