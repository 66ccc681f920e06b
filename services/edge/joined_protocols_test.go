package edge_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/bongsu-project/bongsu/services/edge"
)

// connectProtocols are the protocols of Connect's clients.
var connectProtocols = []struct {
	name    string
	options []connect.ClientOption
}{
	{"connect", nil},
	{"connect_get", []connect.ClientOption{connect.WithHTTPGet(), connect.WithHTTPGetMaxURLSize(4096, false)}},
	{"connect_json", []connect.ClientOption{connect.WithCodec(libraryJSON{})}},
	{"grpc", []connect.ClientOption{connect.WithGRPC()}},
	{"grpc_web", []connect.ClientOption{connect.WithGRPCWeb()}},
	{"grpc_gzip", []connect.ClientOption{connect.WithGRPC(), connect.WithSendGzip()}},
}

// client returns a client of a method of a library, through the edge.
func (e *joinedEdge) client(l *library, method string, options ...connect.ClientOption) *connect.Client[dynamicpb.Message, dynamicpb.Message] {
	m := l.method(method)
	return connect.NewClient[dynamicpb.Message, dynamicpb.Message](directClient, e.URL+"/library.v1.BookService/"+method, append([]connect.ClientOption{
		connect.WithSchema(m), connect.WithIdempotency(idempotency[method]),
		connect.WithResponseInitializer(func(_ connect.Spec, message any) error {
			*message.(*dynamicpb.Message) = *dynamicpb.NewMessage(m.Output()) //nolint:forcetypeassert // as connect documents it
			return nil
		}),
	}, options...)...)
}

var idempotency = map[string]connect.IdempotencyLevel{"GetBook": connect.IdempotencyNoSideEffects, "ListBooks": connect.IdempotencyNoSideEffects}

// request returns a request of a library with the role of a caller.
func (l *library) request(message, json, role string) *connect.Request[dynamicpb.Message] {
	req := connect.NewRequest(l.message(message, json))
	req.Header().Set(callerHeader, role)
	return req
}

// TestJoinedUnary runs the same calls by each protocol of Connect.
func TestJoinedUnary(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := e.join(t)
	for _, p := range connectProtocols {
		t.Run(p.name, func(t *testing.T) {
			list := e.client(l, "ListBooks", p.options...)
			req := l.request("ListBooksRequest", `{"pageSize":5}`, "viewer")
			req.Header().Set("Book-Color", "red")
			res, err := list.CallUnary(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Msg.String(); !strings.Contains(got, `id:"5"`) {
				t.Errorf("response %s", got)
			}
			if res.Header().Get("Book-Place") != "left" || res.Trailer().Get("Book-Count") != "1" || res.Header().Get("Set-Cookie") != "" || len(res.Header().Values("X-Request-Id")) != 1 {
				t.Errorf("header %v, trailer %v", res.Header(), res.Trailer())
			}
			for _, c := range []struct {
				name, role, json string
				want             connect.Code
			}{
				{"rule", "viewer", `{"pageSize":101}`, connect.CodeInvalidArgument},
				{"no caller", "", `{}`, connect.CodeUnauthenticated},
				{"no permission", "sender", `{}`, connect.CodePermissionDenied},
			} {
				_, err := list.CallUnary(t.Context(), l.request("ListBooksRequest", c.json, c.role))
				if got := connect.CodeOf(err); got != c.want {
					t.Errorf("%s: %v, want %s", c.name, err, c.want)
				}
			}
			_, err = e.client(l, "GetBook", p.options...).CallUnary(t.Context(), l.request("GetBookRequest", `{"id":"none"}`, "viewer"))
			checkLentOut(t, err)
			_, err = e.client(l, "GetBook", p.options...).CallUnary(t.Context(), l.request("GetBookRequest", `{"id":"broken"}`, "viewer"))
			if connect.CodeOf(err) != connect.CodeInternal || strings.Contains(err.Error(), "secret") {
				t.Errorf("internal error: %v", err)
			}
		})
	}
}

// checkLentOut checks the error of library.lentOut.
func checkLentOut(t *testing.T, err error) {
	t.Helper()
	e, ok := errors.AsType[*connect.Error](err)
	if !ok || e.Code() != connect.CodeNotFound || e.Message() != "no such book" || e.Meta().Get("Book-Hint") != "ask" {
		t.Errorf("error %v", err)
		return
	}
	types := make([]string, len(e.Details()))
	for i, d := range e.Details() {
		types[i] = d.Type()
		if value, failed := d.Value(); failed == nil {
			if info, ok := value.(*errdetails.ErrorInfo); ok && info.GetReason() != "BOOK_GONE" {
				t.Errorf("reason %s", info.GetReason())
			}
		}
	}
	if !slices.Contains(types, "library.v1.LentOut") || !slices.Contains(types, "google.rpc.ErrorInfo") {
		t.Errorf("details %v", types)
	}
}

// TestJoinedHeaders checks which headers of a request an instance gets.
func TestJoinedHeaders(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := e.join(t)
	_, _, header := e.restAs(t, http.Header{
		callerHeader: {"viewer"}, "Authorization": {"Bearer secret"}, "Cookie": {"a=b"}, "X-Internal-Caller": {"admin"}, "X-Request-Id": {"r1"},
		"Book-Color": {"red", "blue"}, "X-Forwarded-For": {"1.2.3.4"}, "Idempotency-Key": {"k"},
	}, "GET", "/v1/books/7", "")
	seen := *l.seen.Load()
	for name, want := range map[string][]string{
		"Authorization": nil, "Cookie": nil, "X-Internal-Caller": nil, "X-Forwarded-For": nil,
		"Book-Color": {"red", "blue"}, "X-Request-Id": {"r1"}, "Idempotency-Key": {"k"},
	} {
		if got := seen[name]; !slices.Equal(got, want) {
			t.Errorf("header %s is %v, want %v", name, got, want)
		}
	}
	if header.Get("X-Request-Id") != "r1" {
		t.Errorf("header of the response: %v", header)
	}
}

// TestJoinedOwner checks that users may lend books to themselves, that the audit log has the
// call, and that a key in the header is one in the request.
func TestJoinedOwner(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := e.join(t)
	e.audit.take()
	as := func(nickname string) http.Header {
		return http.Header{callerHeader: {"user"}, nickHeader: {nickname}, "Idempotency-Key": {"k1"}}
	}
	if status, body, _ := e.restAs(t, as("kim"), "POST", "/v1/books/7:lend", `{"nickName":"kim"}`); status != 200 || !strings.Contains(body, `"title":"k1"`) {
		t.Errorf("oneself: %d %s", status, body)
	}
	entries := e.audit.take()
	if len(entries) != 1 || entries[0].GetProcedure() != "library.v1.BookService/LendBook" || entries[0].GetResource() != "books/7/kim" || entries[0].GetOutcome() != "ok" || entries[0].GetCaller() != "key-of-user" {
		t.Errorf("audit entries %v", entries)
	}
	// The owner of a request without one is the caller, before the rule that requires it applies.
	if status, body, _ := e.restAs(t, as("kim"), "POST", "/v1/books/7:lend", `{}`); status != 200 || !strings.Contains(body, `"lentTo":"kim"`) {
		t.Errorf("oneself without a name: %d %s", status, body)
	}
	if status, body, _ := e.restAs(t, as(""), "POST", "/v1/books/7:lend", `{}`); status != 403 {
		t.Errorf("nobody: %d %s", status, body)
	}
	if status, body, _ := e.restAs(t, as("lee"), "POST", "/v1/books/7:lend", `{"nickName":"kim"}`); status != 403 || !strings.Contains(body, "or the user whose nick_name it is") {
		t.Errorf("another: %d %s", status, body)
	}
	for _, p := range connectProtocols {
		req := l.request("LendBookRequest", `{"id":"7","nickName":"kim"}`, "user")
		req.Header().Set(nickHeader, "lee")
		if _, err := e.client(l, "LendBook", p.options...).CallUnary(t.Context(), req); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("%s: another: %v", p.name, err)
		}
	}
}

// TestJoinedCache checks that responses are cached as the policy says, by all protocols, and
// that a change makes them stale.
func TestJoinedCache(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := e.join(t)
	_, body, header := e.rest(t, "viewer", "GET", "/v1/books/7", "")
	status, again, _ := e.rest(t, "operator", "GET", "/v1/books/7", "")
	if body != again || status != 200 || l.gets.Load() != 1 || header.Get("Etag") == "" {
		t.Errorf("%d calls, %s, then %s", l.gets.Load(), body, again)
	}
	for _, p := range connectProtocols {
		res, err := e.client(l, "GetBook", p.options...).CallUnary(t.Context(), l.request("GetBookRequest", `{"id":"7"}`, "viewer"))
		if err != nil || text(res.Msg, "title") != "Dune" {
			t.Errorf("%s: %v %v", p.name, res, err)
		}
	}
	if status, _, _ := e.restAs(t, http.Header{callerHeader: {"viewer"}, "If-None-Match": {header.Get("Etag")}}, "GET", "/v1/books/7", ""); status != http.StatusNotModified {
		t.Errorf("conditional: status %d", status)
	}
	if n := l.gets.Load(); n != 1 {
		t.Errorf("%d calls before the change", n)
	}
	if status, body, _ := e.rest(t, "admin", "PUT", "/v1/books/7", `{}`); status != 200 {
		t.Fatalf("change: %d %s", status, body)
	}
	e.rest(t, "viewer", "GET", "/v1/books/7", "")
	if n := l.gets.Load(); n != 2 {
		t.Errorf("%d calls after the change", n)
	}
	if status, _, _ := e.rest(t, "sender", "GET", "/v1/books/7", ""); status != 403 {
		t.Errorf("a cached response for a caller without the permission: status %d", status)
	}
}

// TestJoinedLimit checks the limit of a joined service.
func TestJoinedLimit(t *testing.T) {
	limited := admit(t, func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"library.v1.BookService=1/s"} })
	e := startJoined(t, func(e *edge.Edge) { e.Admission = limited.admission }, withTestCaller)
	l := e.join(t)
	statuses := []int{}
	for range 3 {
		status, body, header := e.rest(t, "viewer", "GET", "/v1/books", "")
		statuses = append(statuses, status)
		if status == 429 && (header.Get("Retry-After") != "1" || !strings.Contains(body, "too many requests to the library.v1.BookService service")) {
			t.Errorf("header %v, body %s", header, body)
		}
	}
	if !slices.Equal(statuses, []int{200, 200, 429}) {
		t.Errorf("statuses %v", statuses)
	}
	for _, p := range connectProtocols {
		_, err := e.client(l, "ListBooks", p.options...).CallUnary(t.Context(), l.request("ListBooksRequest", `{}`, "viewer"))
		if connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}

// streamProtocols are those of connectProtocols that have streams in both directions.
var streamProtocols = slices.DeleteFunc(slices.Clone(connectProtocols), func(p struct {
	name    string
	options []connect.ClientOption
}) bool {
	return p.name == "connect_get"
})

// TestJoinedStreams runs streams in each direction, with their headers, trailers and errors.
func TestJoinedStreams(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := e.join(t)
	for _, p := range streamProtocols {
		t.Run(p.name+"/server", func(t *testing.T) {
			watch := e.client(l, "WatchBooks", p.options...)
			stream, err := watch.CallServerStream(t.Context(), l.request("ListBooksRequest", `{}`, "viewer"))
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for stream.Receive() {
				ids = append(ids, text(stream.Msg(), "id"))
			}
			if stream.Err() != nil || strings.Join(ids, " ") != "1 2 3" || stream.ResponseHeader().Get("Book-Place") != "left" || stream.ResponseTrailer().Get("Book-Count") != "3" {
				t.Errorf("books %v, header %v, trailer %v, %v", ids, stream.ResponseHeader(), stream.ResponseTrailer(), stream.Err())
			}
			_ = stream.Close()
			stream, err = watch.CallServerStream(t.Context(), l.request("ListBooksRequest", `{"pageSize":1}`, "viewer"))
			if err != nil {
				t.Fatal(err)
			}
			for stream.Receive() {
				continue
			}
			checkLentOut(t, stream.Err())
			_ = stream.Close()
			stream, err = watch.CallServerStream(t.Context(), l.request("ListBooksRequest", `{"pageSize":101}`, "viewer"))
			if err == nil {
				stream.Receive()
				err = stream.Err()
				_ = stream.Close()
			}
			if connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("rule: %v", err)
			}
			stream, err = watch.CallServerStream(t.Context(), l.request("ListBooksRequest", `{"pageSize":2}`, "viewer"))
			if err != nil || !stream.Receive() {
				t.Fatal(err, stream.Err())
			}
			_ = stream.Close() // the caller is gone
			<-l.closed
		})
		t.Run(p.name+"/client", func(t *testing.T) {
			stream := e.client(l, "CountBooks", p.options...).CallClientStream(t.Context())
			stream.RequestHeader().Set(callerHeader, "viewer")
			for _, id := range []string{"1", "2"} {
				if err := stream.Send(l.message("GetBookRequest", `{"id":"`+id+`"}`)); err != nil {
					t.Fatal(err)
				}
			}
			res, err := stream.CloseAndReceive()
			if err != nil || text(res.Msg, "count") != "2" || res.Trailer().Get("Book-Ids") != "1 2" {
				t.Errorf("response %v, %v", res, err)
			}
			stream = e.client(l, "CountBooks", p.options...).CallClientStream(t.Context())
			stream.RequestHeader().Set(callerHeader, "viewer")
			_ = stream.Send(l.message("GetBookRequest", `{"id":"1"}`))
			_ = stream.Send(l.message("GetBookRequest", `{}`)) // invalid: the call must not end as if it were whole
			if _, err := stream.CloseAndReceive(); connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("rule: %v", err)
			}
			<-l.closed
		})
		if p.name == "grpc_web" {
			continue // its clients have no streams in both directions at once
		}
		t.Run(p.name+"/both", func(t *testing.T) {
			find := func() *connect.BidiStreamForClient[dynamicpb.Message, dynamicpb.Message] {
				stream := e.client(l, "FindBooks", p.options...).CallBidiStream(t.Context())
				stream.RequestHeader().Set(callerHeader, "viewer")
				return stream
			}
			stream := find()
			for _, id := range []string{"1", "2"} { // each is answered before the next is sent
				if err := stream.Send(l.message("GetBookRequest", `{"id":"`+id+`"}`)); err != nil {
					t.Fatal(err)
				}
				if res, err := stream.Receive(); err != nil || text(res, "id") != id {
					t.Fatal(res, err)
				}
			}
			_ = stream.CloseRequest()
			if _, err := stream.Receive(); !errors.Is(err, io.EOF) || stream.ResponseTrailer().Get("Book-Count") != "all" {
				t.Errorf("end %v, trailer %v", err, stream.ResponseTrailer())
			}
			_ = stream.CloseResponse()

			stream = find() // the service ends the stream, while the caller could go on
			_ = stream.Send(l.message("GetBookRequest", `{"id":"last"}`))
			_, err := stream.Receive()
			checkLentOut(t, err)
			_ = stream.CloseResponse()

			stream = find()
			_ = stream.Send(l.message("GetBookRequest", `{"id":"1"}`))
			if _, err := stream.Receive(); err != nil {
				t.Fatal(err)
			}
			_ = stream.Send(l.message("GetBookRequest", `{}`))
			if _, err := stream.Receive(); connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("rule: %v", err)
			}
			<-l.closed
			_ = stream.CloseResponse()
		})
	}
}

// TestJoinedWithoutCaller checks that authentication comes first, also for streams.
func TestJoinedWithoutCaller(t *testing.T) {
	e := startJoined(t, nil)
	l := e.join(t)
	for _, name := range []string{"WatchBooks", "FindBooks", "CountBooks"} {
		if code := post(t, e.URL+"/library.v1.BookService/"+name, ""); code != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, code)
		}
	}
	if n := l.gets.Load(); n != 0 {
		t.Errorf("%d calls", n)
	}
}
