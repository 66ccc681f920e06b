package mockup_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/mockup"
)

func setFault(t *testing.T, client mockupv1connect.MockupServiceClient, f *mockupv1.Fault) {
	t.Helper()
	if _, err := client.SetFault(t.Context(), &mockupv1.SetFaultRequest{Fault: f}); err != nil {
		t.Fatal(err)
	}
}

func listCalls(t *testing.T, client mockupv1connect.MockupServiceClient, path string) []*mockupv1.Call {
	t.Helper()
	res, err := client.ListCalls(t.Context(), &mockupv1.ListCallsRequest{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetCalls()
}

func TestListCalls(t *testing.T) {
	_, _, server, client := serveMockup(t)
	post(t, server, "first")
	res, err := server.Client().Do(request(t.Context(), t, server, "not \xff UTF-8"))
	if err != nil {
		t.Fatal(err)
	}
	read(t, res)

	calls := listCalls(t, client, postMessage)
	if len(calls) != 2 {
		t.Fatalf("%d calls, want 2", len(calls))
	}
	c := calls[0]
	if c.GetMethod() != http.MethodPost || c.GetPath() != postMessage || c.GetAnswerStatus() != 200 || !c.GetTime().AsTime().Equal(noon) {
		t.Errorf("first call is %v", c)
	}
	if got := c.GetBody(); got != `{"channel":"first","text":"[normal] node1 down"}` {
		t.Errorf("body %q", got)
	}
	if c.GetHeaders()["Authorization"] != "Bearer SLACK-USER1-TOKEN" || c.GetHeaders()["Content-Type"] != "application/json" {
		t.Errorf("headers %v", c.GetHeaders())
	}
	if got := calls[1].GetBody(); got != "not \uFFFD UTF-8" {
		t.Errorf("body %q, want its bad byte replaced", got)
	}
	if calls := listCalls(t, client, "/elsewhere"); len(calls) != 0 {
		t.Errorf("another path has %v", calls)
	}
}

func TestReset(t *testing.T) {
	_, _, server, client := serveMockup(t)
	setFault(t, client, &mockupv1.Fault{Status: 500})
	post(t, server, "C1")
	if _, err := client.Reset(t.Context(), &mockupv1.ResetRequest{}); err != nil {
		t.Fatal(err)
	}
	if calls := listCalls(t, client, ""); len(calls) != 0 {
		t.Errorf("after Reset: %v", calls)
	}
	if status, _, _ := post(t, server, "C1"); status != 200 {
		t.Errorf("after Reset: status %d", status)
	}
}

func TestFaultResponses(t *testing.T) {
	for name, c := range map[string]struct {
		fault  *mockupv1.Fault
		status int
		form   string
		body   string // "" expects the fake's own
	}{
		"status and headers": {&mockupv1.Fault{Status: 429, Headers: map[string]string{"Retry-After": "3"}, Body: "slow down"}, 429, "text/plain; charset=utf-8", "slow down"},
		"JSON body":          {&mockupv1.Fault{Body: `{"ok":false,"error":"is_archived"}`}, 200, "application/json; charset=utf-8", `{"ok":false,"error":"is_archived"}`},
		"own Content-Type":   {&mockupv1.Fault{Status: 502, Body: "<h1>", Headers: map[string]string{"Content-Type": "text/html"}}, 502, "text/html", "<h1>"},
		"headers only":       {&mockupv1.Fault{Headers: map[string]string{"Retry-After": "3"}}, 200, "application/json; charset=utf-8", ""},
		"its path":           {&mockupv1.Fault{Path: postMessage, Status: 503, Body: "x"}, 503, "text/plain; charset=utf-8", "x"},
		"another path":       {&mockupv1.Fault{Path: "/elsewhere", Status: 503}, 200, "application/json; charset=utf-8", ""},
		"its body":           {&mockupv1.Fault{BodyContains: "C1", Status: 503, Body: "x"}, 503, "text/plain; charset=utf-8", "x"},
		"another body":       {&mockupv1.Fault{BodyContains: "C2", Status: 503}, 200, "application/json; charset=utf-8", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, server, client := serveMockup(t)
			setFault(t, client, c.fault)
			status, body, header := post(t, server, "C1")
			if status != c.status || header.Get("Content-Type") != c.form {
				t.Errorf("response %d %q, want %d %q", status, header.Get("Content-Type"), c.status, c.form)
			}
			if own := strings.HasPrefix(body, `{"ok":true`); own != (c.body == "") || !own && body != c.body {
				t.Errorf("body %q, want %q (empty: the fake's own)", body, c.body)
			}
			for name, value := range c.fault.GetHeaders() {
				if header.Get(name) != value {
					t.Errorf("%s: %q, want %q", name, header.Get(name), value)
				}
			}
			if got := listCalls(t, client, "")[0].GetAnswerStatus(); int(got) != c.status {
				t.Errorf("recorded status %d, want %d", got, c.status)
			}
		})
	}
}

func TestFaultReplacement(t *testing.T) {
	_, _, server, client := serveMockup(t)
	setFault(t, client, &mockupv1.Fault{Status: 500})
	setFault(t, client, &mockupv1.Fault{BodyContains: "C1", Status: 429})
	for channel, want := range map[string]int{"C1": 429, "C2": 500} {
		if status, _, _ := post(t, server, channel); status != want {
			t.Errorf("%s: status %d, want %d", channel, status, want)
		}
	}
	setFault(t, client, &mockupv1.Fault{BodyContains: "C1"})
	for channel, want := range map[string]int{"C1": 200, "C2": 500} {
		if status, _, _ := post(t, server, channel); status != want {
			t.Errorf("after the narrow fault was emptied, %s: status %d, want %d", channel, status, want)
		}
	}
}

func TestFaultShare(t *testing.T) {
	m, _, server, client := serveMockup(t)
	numbers := []float64{0, 0.24, 0.25, 0.99}
	m.Random = func() float64 {
		n := numbers[0]
		numbers = numbers[1:]
		return n
	}
	setFault(t, client, &mockupv1.Fault{Share: 0.25, Status: 500})
	for i, want := range []int{500, 500, 200, 200} {
		if status, _, _ := post(t, server, "C1"); status != want {
			t.Errorf("call %d: status %d, want %d", i, status, want)
		}
	}
}

func TestFaultDelay(t *testing.T) {
	m, _, server, client := serveMockup(t)
	waits, let := make(chan time.Duration), make(chan struct{})
	m.Wait = func(ctx context.Context, d time.Duration) error {
		waits <- d
		select {
		case <-let:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	setFault(t, client, &mockupv1.Fault{Delay: durationpb.New(time.Hour)})

	t.Run("is waited for", func(t *testing.T) {
		answered := make(chan int)
		go func() {
			status, _, _ := post(t, server, "C1")
			answered <- status
		}()
		if d := <-waits; d != time.Hour {
			t.Errorf("waits %v, want an hour", d)
		}
		if calls := listCalls(t, client, ""); len(calls) != 1 || calls[0].GetAnswerStatus() != 0 {
			t.Errorf("while it hangs: %v, want the call, unanswered", calls)
		}
		let <- struct{}{}
		if status := <-answered; status != 200 {
			t.Errorf("status %d", status)
		}
		if calls := listCalls(t, client, ""); calls[0].GetAnswerStatus() != 200 {
			t.Errorf("once answered: %v", calls)
		}
	})

	t.Run("ends with the caller", func(t *testing.T) {
		ended := make(chan error, 1)
		m.Wait = func(ctx context.Context, _ time.Duration) error {
			waits <- 0
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			res, err := server.Client().Do(request(ctx, t, server, "{}"))
			if err == nil {
				err = res.Body.Close()
			}
			failed <- err
		}()
		<-waits
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller got %v", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the wait ended with %v", err)
		}
	})
}

func TestWaitInRealTime(t *testing.T) {
	m := mockup.New(nil)
	if err := m.Wait(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
}

func TestFaultCutsTheResponse(t *testing.T) {
	_, _, server, client := serveMockup(t)
	setFault(t, client, &mockupv1.Fault{CutAnswer: true})
	res, err := server.Client().Do(request(t.Context(), t, server, `{"channel":"C1","text":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(string(body), `{"ok":true`) || json.Valid(body) {
		t.Errorf("got %s %q, %v; want the half of an answer", res.Status, body, err)
	}
	if calls := listCalls(t, client, ""); len(calls) != 1 || calls[0].GetAnswerStatus() != http.StatusOK {
		t.Errorf("recorded %v, want the one, answered", calls)
	}
}

func TestFaultClosesTheConnection(t *testing.T) {
	_, shown, server, client := serveMockup(t)
	setFault(t, client, &mockupv1.Fault{CloseConnection: true})
	long := strings.NewReader(`{"channel":"C1","text":"` + strings.Repeat("x", 32<<20) + `"}`) // exceeds socket buffers
	req := request(t.Context(), t, server, "")
	req.Body, req.ContentLength, req.GetBody = io.NopCloser(long), long.Size(), nil
	res, err := server.Client().Do(req)
	if err == nil {
		_ = res.Body.Close()
		t.Fatalf("answered %s", res.Status)
	}
	if long.Len() != 0 {
		t.Errorf("%d bytes of the request were not read", long.Len())
	}
	calls := listCalls(t, client, "")
	if len(calls) != 1 || calls[0].GetAnswerStatus() != 0 || !strings.HasPrefix(calls[0].GetBody(), `{"channel":"C1"`) {
		t.Errorf("recorded %d calls, want the one, unanswered, with its body", len(calls))
	}
	if len(shown.writes) != 1 {
		t.Errorf("printed %d calls, want 1", len(shown.writes))
	}
}

func TestTooManyFaults(t *testing.T) {
	m := mockup.New(nil)
	for i := range 1000 {
		if err := m.SetFault(mockup.Fault{BodyContains: strings.Repeat("x", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.SetFault(mockup.Fault{BodyContains: "new"}); !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("one too many: %v, want ErrInvalid", err)
	}
	if err := m.SetFault(mockup.Fault{BodyContains: "x", Status: 500}); err != nil {
		t.Errorf("one that takes another's place: %v", err)
	}
}

// TestFaultPerSecond verifies that calls above the rate fail, and that calls early by
// less than a tenth of the interval pass.
func TestFaultPerSecond(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	if err := m.SetFault(mockup.Fault{PerSecond: 2, Status: http.StatusTooManyRequests, BodyContains: "C1"}); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		at      time.Duration
		channel string
		want    int
	}{
		{0, "C1", 200},
		{0, "C1", 429},
		{0, "C2", 200}, // no match
		{440 * time.Millisecond, "C1", 429},
		{460 * time.Millisecond, "C1", 200}, // 40 ms early
		{920 * time.Millisecond, "C1", 429}, // 80 ms early in total
		{time.Second, "C1", 200},
		{10 * time.Second, "C1", 200}, // no burst after a rest
		{10 * time.Second, "C1", 429},
	} {
		m.Now = func() time.Time { return noon.Add(row.at) }
		if status, _, _ := post(t, server, row.channel); status != row.want {
			t.Errorf("%s after %s: %d, want %d", row.channel, row.at, status, row.want)
		}
	}
}
