package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

const (
	alertService     = "/bongsu.alert.v1.AlertService/"
	groupService     = "/bongsu.group.v1.GroupService/"
	userService      = "/bongsu.user.v1.UserService/"
	messengerService = "/bongsu.messenger.v1.MessengerService/"
)

// An errorCase is a request that gets an error, by each protocol.
type errorCase struct {
	name      string
	procedure string
	message   proto.Message
	rest      string            // method and path; empty for an RPC without one
	header    map[string]string // of the request
	broken    bool              // the message is malformed, by REST too
	status    int               // by REST
	want      string            // code, reason, and other details, see described
}

var errorCases = []errorCase{
	{name: "violations of the schema", procedure: alertService + "SendAlert", message: &alertv1.SendAlertRequest{}, rest: "POST /v1/alerts", status: 400,
		want: "invalid_argument INVALID_FIELD; target: must contain at least 1 item(s); message: must be at least 1 characters"},
	{name: "violation in a list", procedure: userService + "CreateUser", message: &userv1.CreateUserRequest{NickName: "errors", Addresses: []*userv1.NewAddress{{Messenger: "slack", Destination: "C", Credential: "x", Rank: new(int32(-1))}}}, rest: "POST /v1/users", status: 400,
		want: "invalid_argument INVALID_FIELD; addresses[0].rank: must be greater than or equal to 0 and less than or equal to 1000"},
	{name: "invalid field of a rule", procedure: alertService + "SendAlert", message: &alertv1.SendAlertRequest{Target: []string{"@user1"}, Message: "m", Status: alertv1.AlertStatus_ALERT_STATUS_RESOLVED}, rest: "POST /v1/alerts", status: 400,
		want: "invalid_argument INVALID_FIELD; key: required if status is resolved"},
	{name: "invalid field in a list", procedure: userService + "CreateUser", message: &userv1.CreateUserRequest{NickName: "errors", Addresses: []*userv1.NewAddress{{Messenger: "nope", Destination: "C", Credential: "x"}}}, rest: "POST /v1/users", status: 400,
		want: `invalid_argument INVALID_FIELD; addresses[0].messenger: unknown messenger "nope", use one of ListMessengers`},
	{name: "malformed target", procedure: alertService + "ResolveTargets", message: &alertv1.ResolveTargetsRequest{Target: []string{"@user1", "user2"}}, rest: "POST /v1/alerts:resolve", status: 400,
		want: `invalid_argument INVALID_FIELD; target[1]: malformed target "user2", must be @user, @@group or @all`},
	{name: "unknown target", procedure: alertService + "SendAlert", message: &alertv1.SendAlertRequest{Target: []string{"@nope"}, Message: "m", Strict: true}, rest: "POST /v1/alerts", status: 400,
		want: "invalid_argument UNKNOWN_TARGET; target: unknown target @nope (strict)"},
	{name: "page token", procedure: alertService + "ListAlerts", message: &alertv1.ListAlertsRequest{PageToken: "x"}, rest: "GET /v1/alerts?pageToken=x", status: 400,
		want: "invalid_argument INVALID_FIELD; page_token: invalid page_token"},
	{name: "text template", procedure: messengerService + "SetTemplate", message: &messengerv1.SetTemplateRequest{Template: &messengerv1.Template{Messenger: "slack", Text: "{{.Nope}}"}}, status: 400,
		want: `invalid_argument INVALID_FIELD; template.text: execute template: :1:2: executing "template" at <.Nope>: can't evaluate field Nope in type alert.TemplateData`},
	{name: "header and field", procedure: alertService + "SendAlert", message: &alertv1.SendAlertRequest{Target: []string{"@user1"}, Message: "m", IdempotencyKey: "a"}, rest: "POST /v1/alerts", header: map[string]string{"Idempotency-Key": "b"}, status: 400,
		want: "invalid_argument INVALID_FIELD; idempotency_key: idempotency_key and header Idempotency-Key differ"},
	{name: "malformed message", procedure: alertService + "SendAlert", message: &alertv1.SendAlertRequest{}, rest: "POST /v1/alerts", broken: true, status: 400,
		want: "invalid_argument MALFORMED_REQUEST; "},
	{name: "alert not found", procedure: alertService + "GetAlert", message: &alertv1.GetAlertRequest{Id: "999999"}, rest: "GET /v1/alerts/999999", status: 404,
		want: "not_found ALERT_NOT_FOUND; alert 999999"},
	{name: "group not found", procedure: groupService + "GetGroup", message: &groupv1.GetGroupRequest{Id: 9999}, rest: "GET /v1/groups/9999", status: 404,
		want: "not_found GROUP_NOT_FOUND; group 9999"},
	{name: "user not found", procedure: userService + "GetUser", message: &userv1.GetUserRequest{NickName: "nobody"}, rest: "GET /v1/users/nobody", status: 404,
		want: "not_found USER_NOT_FOUND; user nobody"},
	{name: "group exists", procedure: groupService + "CreateGroup", message: &groupv1.CreateGroupRequest{GroupName: "test-team2"}, rest: "POST /v1/groups", status: 400,
		want: "already_exists GROUP_ALREADY_EXISTS; group test-team2"},
	{name: "user exists", procedure: userService + "CreateUser", message: &userv1.CreateUserRequest{NickName: "user1"}, rest: "POST /v1/users", status: 400,
		want: "already_exists USER_ALREADY_EXISTS; user user1"},
	{name: "idempotency key", procedure: alertService + "SendAlert", message: &alertv1.SendAlertRequest{Target: []string{"@nope"}, Message: "other", IdempotencyKey: "used"}, rest: "POST /v1/alerts", status: 409,
		want: "already_exists IDEMPOTENCY_KEY_REUSED; idempotency key used"},
	{name: "unknown method", procedure: groupService + "Nope", message: &groupv1.CreateGroupRequest{}, rest: "POST /v1/nope", status: 404,
		want: "unimplemented UNKNOWN_METHOD"},
	{name: "too large", procedure: groupService + "CreateGroup", message: &groupv1.CreateGroupRequest{GroupName: strings.Repeat("x", 2<<20)}, rest: "POST /v1/groups", status: 413,
		want: "resource_exhausted REQUEST_TOO_LARGE"},
	{name: "origin", procedure: groupService + "ListGroups", message: &groupv1.ListGroupsRequest{}, rest: "POST /v1/groups", header: map[string]string{"Origin": "https://example.com"}, status: 403,
		want: "permission_denied FOREIGN_ORIGIN"},
}

// TestErrors checks that each kind of error has the same details by each protocol, in one
// process and in several, and that docs/api.md lists their reasons.
func TestErrors(t *testing.T) {
	reasons, err := os.ReadFile("../../docs/api.md")
	must(t, err)
	for name, start := range map[string]func(*testing.T) deployment{
		"one process":   func(t *testing.T) deployment { return oneProcess(t) },
		"six processes": func(t *testing.T) deployment { return sixProcesses(t) },
	} {
		t.Run(name, func(t *testing.T) {
			d := start(t)
			if s, answer := request(t, http.MethodPost, d.edge+"/v1/alerts", `{"target":["@nope"],"message":"m","idempotencyKey":"used"}`); s != http.StatusOK {
				t.Fatalf("%d %s", s, answer)
			}
			for _, c := range errorCases {
				t.Run(c.name, func(t *testing.T) { c.run(t, d.edge) })
				reason := strings.TrimSuffix(strings.Fields(c.want)[1], ";")
				if !bytes.Contains(reasons, []byte("`"+reason+"`")) && !strings.HasSuffix(reason, "_NOT_FOUND") && !strings.HasSuffix(reason, "_ALREADY_EXISTS") {
					t.Errorf("docs/api.md does not list %s", reason)
				}
			}
			if d.parts == nil {
				return
			}
			d.parts["alert"].Kill()
			awaitReady(t, d.edge, false)
			for range 5 { // the edge gives the instance up: from then on there is none
				if s, answer := request(t, http.MethodGet, d.edge+"/v1/alerts", ""); s != http.StatusServiceUnavailable {
					t.Errorf("without an alert service: %d %s", s, answer)
				}
			}
			for _, c := range []errorCase{
				{name: "service unavailable", procedure: alertService + "ListAlerts", message: &alertv1.ListAlertsRequest{}, rest: "GET /v1/alerts", status: 503, want: "unavailable NO_INSTANCE; retry 1s"},
				{name: "service unavailable on an older path", procedure: alertService + "SendAlert", message: &alertv1.SendAlertRequest{Target: []string{"@user1"}, Message: "m"}, rest: "POST /v1/alerts", status: 500, want: "unavailable NO_INSTANCE; retry 1s"},
			} {
				t.Run(c.name, func(t *testing.T) { c.run(t, d.edge) })
			}
		})
	}
}

// run sends the request by each protocol.
func (c errorCase) run(t *testing.T, edge string) {
	wire, err := proto.Marshal(c.message)
	must(t, err)
	text, err := protojson.Marshal(c.message)
	must(t, err)
	if c.broken {
		wire, text = []byte("\x0a\xff"), []byte(`{"message":`)
	}
	for _, p := range []struct {
		name, contentType string
		body              []byte
	}{
		{"Connect JSON", "application/json", text},
		{"Connect", "application/proto", wire},
		{"gRPC", "application/grpc", envelopeOf(wire)},
		{"gRPC-Web", "application/grpc-web+proto", envelopeOf(wire)},
	} {
		t.Run(p.name, func(t *testing.T) {
			res, body := c.send(t, http.MethodPost, edge+c.procedure, p.contentType, p.body) //nolint:bodyclose // send closes it
			got := errorOf(t, res, body)
			c.check(t, got, body)
			service, _, _ := strings.Cut(c.procedure[1:], "/")
			info := detail[*errdetails.ErrorInfo](t, got)
			if domain := info.GetDomain(); domain != service && info.GetReason() != "FOREIGN_ORIGIN" {
				t.Errorf("domain %q, want %q", domain, service)
			}
		})
	}
	if c.rest == "" {
		return
	}
	t.Run("REST", func(t *testing.T) {
		method, path, _ := strings.Cut(c.rest, " ")
		res, body := c.send(t, method, edge+path, "application/json", text) //nolint:bodyclose // send closes it
		if res.StatusCode != c.status {
			t.Errorf("%s: %s", res.Status, body)
		}
		if after := res.Header.Get("Retry-After"); after == "" && res.StatusCode == http.StatusServiceUnavailable || after != "" && res.StatusCode < 500 {
			t.Errorf("Retry-After is %q", after)
		}
		if c.procedure == groupService+"Nope" {
			c.want = "not_found UNKNOWN_PATH"
		}
		c.check(t, errorOf(t, res, body), body)
	})
}

func (c errorCase) send(t *testing.T, method, url, contentType string, body []byte) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", contentType)
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	res, err := http2Client().Do(req)
	must(t, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	must(t, err)
	return res, answer
}

// check compares the details of an error. A want that ends with a space is a prefix: the rest
// is the text of a decoder.
func (c errorCase) check(t *testing.T, err *connect.Error, body []byte) {
	t.Helper()
	got := described(t, err)
	if got != c.want && (!strings.HasSuffix(c.want, " ") || !strings.HasPrefix(got, c.want)) {
		t.Errorf("got  %s\nwant %s\n%.1000s", got, c.want, body)
	}
}

// errorOf returns the error in a response of any protocol.
func errorOf(t *testing.T, res *http.Response, body []byte) *connect.Error {
	t.Helper()
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/grpc") {
		header := res.Trailer
		if header.Get("Grpc-Status") == "" {
			header = res.Header
		}
		s := new(status.Status)
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(header.Get("Grpc-Status-Details-Bin"), "="))
		must(t, err)
		must(t, proto.Unmarshal(data, s))
		if header.Get("Grpc-Status") != fmt.Sprint(s.GetCode()) {
			t.Errorf("status %q, in details %d", header.Get("Grpc-Status"), s.GetCode())
		}
		return errorOfStatus(t, s)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json" {
		t.Fatalf("%s, %s: %s", res.Status, got, body)
	}
	var wire struct {
		Code    any `json:"code"`
		Message string
		Details []struct{ Type, Value string }
	}
	must(t, json.Unmarshal(body, &wire))
	s := new(status.Status)
	if _, isREST := wire.Code.(float64); isREST {
		must(t, protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, s))
		return errorOfStatus(t, s)
	}
	var code connect.Code
	must(t, code.UnmarshalText([]byte(wire.Code.(string))))
	s.Code, s.Message = int32(code), wire.Message
	for _, d := range wire.Details {
		value, err := base64.RawStdEncoding.DecodeString(d.Value)
		must(t, err)
		s.Details = append(s.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: value})
	}
	return errorOfStatus(t, s)
}

func errorOfStatus(t *testing.T, s *status.Status) *connect.Error {
	t.Helper()
	err := connect.NewError(connect.Code(s.GetCode()), errors.New(s.GetMessage()))
	for _, packed := range s.GetDetails() {
		d, failed := connect.NewErrorDetail(packed)
		must(t, failed)
		err.AddDetail(d)
	}
	return err
}

// described returns the code, the reason and the other details of an error as one line. It
// checks that both forms of violations agree.
func described(t *testing.T, err *connect.Error) string {
	t.Helper()
	parts := []string{err.Code().String() + " " + detail[*errdetails.ErrorInfo](t, err).GetReason()}
	if retry := detail[*errdetails.RetryInfo](t, err); retry != nil {
		parts = append(parts, "retry "+retry.GetRetryDelay().AsDuration().String())
	}
	if resource := detail[*errdetails.ResourceInfo](t, err); resource != nil {
		parts = append(parts, resource.GetResourceType()+" "+resource.GetResourceName())
	}
	rules := detail[*validate.Violations](t, err).GetViolations()
	fields := detail[*errdetails.BadRequest](t, err).GetFieldViolations()
	if len(rules) != len(fields) {
		t.Errorf("%d violations, %d in BadRequest", len(rules), len(fields))
	}
	for i, f := range fields {
		parts = append(parts, f.GetField()+": "+f.GetDescription())
		if i < len(rules) && (protovalidate.FieldPathString(rules[i].GetField()) != f.GetField() || rules[i].GetMessage() != f.GetDescription()) {
			t.Errorf("%v, in BadRequest %v", rules[i], f)
		}
	}
	return strings.Join(parts, "; ")
}

// detail returns the detail of a type; its zero value if there is none.
func detail[M proto.Message](t *testing.T, err *connect.Error) (found M) {
	t.Helper()
	for _, d := range err.Details() {
		value, failed := d.Value()
		must(t, failed)
		if m, ok := value.(M); ok {
			return m
		}
	}
	return found
}
