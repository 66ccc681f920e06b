package app

import (
	"context"
	"errors"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A reached implements both services and counts the calls that pass validation.
type reached struct {
	jobv1connect.DispatchServiceClient
	userv1connect.DirectoryServiceClient
	calls int
}

func (r *reached) SendAlerts(context.Context, *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	r.calls++
	return &jobv1.SendAlertsResponse{}, nil
}

func (r *reached) Receive(context.Context, *jobv1.ReceiveRequest) (*jobv1.ReceiveResponse, error) {
	r.calls++
	return &jobv1.ReceiveResponse{}, nil
}

func (r *reached) MoveAddresses(context.Context, *userv1.MoveAddressesRequest) (*userv1.MoveAddressesResponse, error) {
	r.calls++
	return &userv1.MoveAddressesResponse{}, nil
}

// TestValidatedCalls checks that calls within a process are validated like those between
// processes, and that one invalid alert does not refuse the others.
func TestValidatedCalls(t *testing.T) {
	inner := &reached{}
	dispatch, directory := validatedDispatch{inner}, validatedDirectory{inner}
	bad := &alertv1.SendAlertRequest{Link: "not a link"}
	for name, c := range map[string]struct {
		call func() error
		why  string // empty if the call passes
	}{
		"a bad alert": {func() error {
			_, err := dispatch.SendAlerts(t.Context(), &jobv1.SendAlertsRequest{Source: "a", Alerts: []*alertv1.SendAlertRequest{bad}})
			return err
		}, ""},
		"no alerts": {func() error {
			_, err := dispatch.SendAlerts(t.Context(), &jobv1.SendAlertsRequest{Source: "a"})
			return err
		}, "alerts"},
		"a control source": {func() error {
			_, err := dispatch.SendAlerts(t.Context(), &jobv1.SendAlertsRequest{Source: "a\x1fb", Alerts: []*alertv1.SendAlertRequest{bad}})
			return err
		}, "source"},
		"a receipt": {func() error {
			_, err := dispatch.Receive(t.Context(), &jobv1.ReceiveRequest{DeliveryId: 1, Messenger: "twilio"})
			return err
		}, ""},
		"no delivery": {func() error {
			_, err := dispatch.Receive(t.Context(), &jobv1.ReceiveRequest{Messenger: "twilio"})
			return err
		}, "delivery_id"},
		"a move": {func() error {
			_, err := directory.MoveAddresses(t.Context(), &userv1.MoveAddressesRequest{Messenger: "telegram", CredentialKey: strings.Repeat("a", 32), From: "1", To: "2"})
			return err
		}, ""},
		"no credential": {func() error {
			_, err := directory.MoveAddresses(t.Context(), &userv1.MoveAddressesRequest{Messenger: "telegram", From: "1", To: "2"})
			return err
		}, "credential_key"},
	} {
		inner.calls = 0
		err := c.call()
		if c.why == "" && (err != nil || inner.calls != 1) {
			t.Errorf("%s: %v, %d calls", name, err, inner.calls)
		}
		if c.why != "" && (!errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), c.why) || inner.calls != 0) {
			t.Errorf("%s: %v, want %q, %d calls", name, err, c.why, inner.calls)
		}
	}
}

// TestSeverityMapFlag checks that an invalid severity map is an error that names the
// flag.
func TestSeverityMapFlag(t *testing.T) {
	for _, entry := range []string{"page", "page=loud", "=low"} {
		if _, err := (Config{Data: t.TempDir(), Alert: alert.Config{SeverityMap: []string{entry}}}).complete(); err == nil || !strings.Contains(err.Error(), "--severity-map") {
			t.Errorf("%q: %v", entry, err)
		}
	}
	if c, err := (Config{Data: t.TempDir(), Alert: alert.Config{SeverityMap: []string{"page=low"}}}).complete(); err != nil || c.severities.Rank("Page").String() != "low" {
		t.Errorf("%v, %v", c.severities, err)
	}
}
