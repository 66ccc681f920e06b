package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const testProcedure = "/library.v1.BookService/GetBook"

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want string // reason, domain and the details, see detailsText
	}{
		{"invalid", fault.Invalidf("no"), "INVALID_ARGUMENT library.v1.BookService; : no"},
		{"invalid field", fault.InvalidField("a.b[1]", "no"), "INVALID_FIELD library.v1.BookService; a.b[1]: no"},
		{"two invalid fields", errors.Join(fault.InvalidField("a", "no"), fault.InvalidField("b", "nor this")), "INVALID_FIELD library.v1.BookService; a: no; b: nor this"},
		{"a reason", fault.WithReason(fault.InvalidField("a", "no"), "NOT_LIKE_THIS"), "NOT_LIKE_THIS library.v1.BookService; a: no"},
		{"not found", fault.NotFoundf("no"), "NOT_FOUND library.v1.BookService"},
		{"resource not found", fault.WithResource(fault.NotFoundf("no"), "book copy", 7), "BOOK_COPY_NOT_FOUND library.v1.BookService; book copy 7"},
		{"resource exists", fault.WithResource(fault.Existsf("no"), "book", "b"), "BOOK_ALREADY_EXISTS library.v1.BookService; book b"},
		{"exhausted", fault.Exhaustedf("no"), "RESOURCE_EXHAUSTED library.v1.BookService"},
		{"exhausted for a time", fault.WithDelay(fault.Exhaustedf("no"), 90*time.Second), "RESOURCE_EXHAUSTED library.v1.BookService; retry 1m30s"},
		{"unavailable", fault.Unavailablef("no"), "UNAVAILABLE library.v1.BookService; retry 1s"},
		{"unavailable for a time", fault.WithDelay(fault.Unavailablef("no"), time.Minute), "UNAVAILABLE library.v1.BookService; retry 1m0s"},
		{"upstream", connect.NewError(connect.CodeUnavailable, &upstreamError{"book", errBroken()}), "SERVICE_UNAVAILABLE library.v1.BookService; retry 1s"},
		{"deadline", context.DeadlineExceeded, "DEADLINE_EXCEEDED library.v1.BookService"},
		{"canceled", context.Canceled, "CANCELED library.v1.BookService"},
		{"internal", errBroken(), "INTERNAL library.v1.BookService"},
		{"internal with details", fault.WithReason(fault.WithDelay(errBroken(), time.Hour), "SECRET"), "INTERNAL library.v1.BookService"},
		{"of Connect", connect.NewError(connect.CodePermissionDenied, fault.WithReason(errBroken(), "ADDRESS_BANNED")), "ADDRESS_BANNED library.v1.BookService"},
		{"of another process", relayed(&errdetails.ErrorInfo{Reason: "THEIRS", Domain: "other.v1.Other"}), "THEIRS other.v1.Other; wrappers"},
		{"of a server", relayed(&errdetails.ErrorInfo{Reason: "THEIRS", Domain: serverDomain}), "THEIRS library.v1.BookService; wrappers"},
		{"of an older process", relayed(wrapperspb.String("x")), "NOT_FOUND library.v1.BookService; wrappers; wrappers"},
		{"schema", invalidAlert(t), "INVALID_FIELD library.v1.BookService; target: must contain at least 1 item(s); message: must be at least 1 characters"},
		{"schema inside a fault", fault.Invalidf("line 3: %w", errors.Unwrap(invalidAlert(t))), "INVALID_FIELD library.v1.BookService; target: must contain at least 1 item(s); message: must be at least 1 characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			outside := callerError(c.err)
			got := describe(outside, testProcedure)
			if text := detailsText(t, got); text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
			if got.Code() != outside.Code() || got.Message() != outside.Message() {
				t.Errorf("%s: %s", got.Code(), got.Message())
			}
			if again := detailsText(t, describe(got, testProcedure)); again != c.want {
				t.Errorf("described again: %s", again)
			}
		})
	}
}

func TestDescribeWithoutProcedure(t *testing.T) {
	first := describe(connect.NewError(connect.CodeNotFound, errBroken()), "")
	if text := detailsText(t, first); text != "NOT_FOUND server" {
		t.Errorf("without a procedure: %s", text)
	}
	if text := detailsText(t, describe(first, testProcedure)); text != "NOT_FOUND library.v1.BookService" {
		t.Errorf("then with one: %s", text)
	}
	if text := detailsText(t, first); text != "NOT_FOUND server" {
		t.Errorf("the first error is changed: %s", text)
	}
}

// TestDescribeIsBounded describes errors with much text of a caller.
func TestDescribeIsBounded(t *testing.T) {
	long := strings.Repeat("봉\x01", 100_000)
	var many []error
	for i := range 5000 {
		many = append(many, fault.InvalidField(fmt.Sprintf("list[%d].name", i), "%s", long[:i]))
	}
	for name, err := range map[string]error{
		"a long path":      fault.InvalidField(long, "no"),
		"a long problem":   fault.InvalidField("a", "%s", long),
		"not UTF-8":        fault.InvalidField("a\xff", "\xff%s", long[1:]),
		"a long name":      fault.WithResource(fault.NotFoundf("no"), "book", long),
		"many fields":      errors.Join(many...),
		"many of a schema": manyViolations(t),
	} {
		t.Run(name, func(t *testing.T) {
			got := describe(callerError(err), testProcedure)
			size, violations := len(got.Message()), 0
			for _, d := range got.Details() {
				size += len(d.Bytes())
				if value, err := d.Value(); err != nil {
					t.Errorf("%s: %v", d.Type(), err)
				} else if v, ok := value.(*validate.Violations); ok {
					violations = len(v.GetViolations())
				}
			}
			if size > maxMessageBytes+maxDetailBytes+100 || len(newRESTError(got, nil).Details) > 10<<10 {
				t.Errorf("%d bytes, %d as JSON", size, len(newRESTError(got, nil).Details))
			}
			if got.Code() == connect.CodeInvalidArgument && violations == 0 {
				t.Error("no violation is left")
			}
			if strings.HasPrefix(name, "many") && violations < 10 {
				t.Errorf("only %d violations are left", violations)
			}
		})
	}
}

func errBroken() error { return errors.New("dial tcp 10.0.0.7:18082: refused") }

// relayed returns an error of another process with two details.
func relayed(detail proto.Message) error {
	err := connect.NewWireError(connect.CodeNotFound, errors.New("not here"))
	addDetail(err, detail)
	addDetail(err, wrapperspb.String("unchanged"))
	return err
}

// invalidAlert returns the error of the validation of an alert, as of its interceptor.
func invalidAlert(t *testing.T) error {
	t.Helper()
	return connect.NewError(connect.CodeInvalidArgument, validator{protovalidate.GlobalValidator}.Validate(&alertv1.SendAlertRequest{}))
}

func manyViolations(t *testing.T) error {
	t.Helper()
	m := &alertv1.SendAlertRequest{Message: "m", Target: []string{"@a"}}
	for range 20 {
		m.Details = append(m.Details, &alertv1.Detail{})
	}
	return connect.NewError(connect.CodeInvalidArgument, validator{protovalidate.GlobalValidator}.Validate(m))
}

// detailsText returns the details of an error as one line. It checks that both forms of
// violations are the same.
func detailsText(t *testing.T, err *connect.Error) string {
	t.Helper()
	var parts, google, buf []string
	for _, d := range err.Details() {
		value, failed := d.Value()
		if failed != nil {
			t.Fatalf("%s: %v", d.Type(), failed)
		}
		switch value := value.(type) {
		case *errdetails.ErrorInfo:
			parts = append(parts, value.GetReason()+" "+value.GetDomain())
		case *errdetails.RetryInfo:
			parts = append(parts, "retry "+value.GetRetryDelay().AsDuration().String())
		case *errdetails.ResourceInfo:
			parts = append(parts, value.GetResourceType()+" "+value.GetResourceName())
		case *errdetails.BadRequest:
			for _, v := range value.GetFieldViolations() {
				google = append(google, v.GetField()+": "+v.GetDescription())
			}
			parts = append(parts, google...)
		case *validate.Violations:
			for _, v := range value.GetViolations() {
				buf = append(buf, protovalidate.FieldPathString(v.GetField())+": "+v.GetMessage())
			}
		default:
			parts = append(parts, "wrappers")
		}
	}
	if strings.Join(google, "; ") != strings.Join(buf, "; ") {
		t.Errorf("BadRequest has %q, Violations %q", google, buf)
	}
	return strings.Join(parts, "; ")
}
