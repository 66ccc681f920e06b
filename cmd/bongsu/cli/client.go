package cli

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/cmd/bongsu/app"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1/registryv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
)

const defaultServer = "http://127.0.0.1:18080"

// A client holds the flags of every command that calls a running service.
type client struct {
	Server  string        `default:"http://127.0.0.1:18080" help:"The URL of the edge of a running bongsu serve."`
	KeyFile string        `type:"path" placeholder:"FILE" help:"A file with the API key; by default BONGSU_API_KEY in the environment, or admin.key in ./data (BONGSU_DATA) if the server is on loopback."`
	Data    string        `type:"path" default:"./data" hidden:"" help:"The data folder of a server on this machine."`
	APIKey  string        `name:"api-key" hidden:"" help:"The API key; prefer the environment variable, because command lines are visible to other users."`
	Timeout time.Duration `default:"30s" help:"The timeout of each call; 0 means none."`
	JSON    bool          `name:"json" help:"Print the response as JSON."`
}

func (c client) alerts() alertv1connect.AlertServiceClient {
	return alertv1connect.NewAlertServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) callbackEndpoints() alertv1connect.CallbackEndpointServiceClient {
	return alertv1connect.NewCallbackEndpointServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) groups() groupv1connect.GroupServiceClient {
	return groupv1connect.NewGroupServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) users() userv1connect.UserServiceClient {
	return userv1connect.NewUserServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) messengers() messengerv1connect.MessengerServiceClient {
	return messengerv1connect.NewMessengerServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) transfers() userv1connect.TransferServiceClient {
	return userv1connect.NewTransferServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) access() accessv1connect.AccessServiceClient {
	return accessv1connect.NewAccessServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) inbox() inboxv1connect.InboxServiceClient {
	return inboxv1connect.NewInboxServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) incidents() incidentv1connect.IncidentServiceClient {
	return incidentv1connect.NewIncidentServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) events() eventv1connect.EventServiceClient {
	return eventv1connect.NewEventServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) escalations() incidentv1connect.EscalationPolicyServiceClient {
	return incidentv1connect.NewEscalationPolicyServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) silences() incidentv1connect.SilenceServiceClient {
	return incidentv1connect.NewSilenceServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) monitors() monitorv1connect.MonitorServiceClient {
	return monitorv1connect.NewMonitorServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) heartbeats() monitorv1connect.HeartbeatServiceClient {
	return monitorv1connect.NewHeartbeatServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) maintenances() monitorv1connect.MaintenanceServiceClient {
	return monitorv1connect.NewMaintenanceServiceClient(&http.Client{}, c.base(), c.options())
}

func (c client) registry() registryv1connect.RegistryServiceClient {
	return registryv1connect.NewRegistryServiceClient(&http.Client{}, c.base(), c.options())
}

// Validate checks the flags; kong calls it before Run.
func (c client) Validate() error {
	if err := app.CheckServer(c.base()); err != nil {
		return usagef("--server %s", err) // the error does not quote the URL, which may hold a password
	}
	if c.Timeout < 0 {
		return usagef("--timeout must not be negative")
	}
	_, err := c.credential()
	return err
}

// base returns the server's URL; the scheme defaults to http.
func (c client) base() string {
	if strings.Contains(c.Server, "://") {
		return c.Server
	}
	return "http://" + c.Server
}

// shown returns the server's URL for output, with its password redacted.
func (c client) shown() string {
	u, err := url.Parse(c.base())
	if err != nil {
		return "the server"
	}
	return u.Redacted()
}

// options returns the interceptors of a client: one sends the credential, the other applies the
// timeout and turns errors into a callError.
func (c client) options() connect.ClientOption {
	return connect.WithInterceptors(credentialInterceptor{c}, connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			if err := checkUTF8(req.Any()); err != nil {
				return nil, err
			}
			bounded := ctx
			if c.Timeout > 0 {
				var cancel context.CancelFunc
				bounded, cancel = context.WithTimeout(ctx, c.Timeout)
				defer cancel()
			}
			res, err := next(bounded, req)
			if err != nil {
				return nil, c.failed(ctx, err, req.Spec().IdempotencyLevel == connect.IdempotencyNoSideEffects)
			}
			return res, nil
		}
	}))
}

// failed returns the callError of a failed call; reads means that the call changes
// nothing.
func (c client) failed(ctx context.Context, err error, reads bool) error {
	return &callError{err: err, server: c.shown(), timeout: c.Timeout, reads: reads, stopped: ctx.Err() != nil}
}

// next returns a follow-up command for the same server.
func (c client) next(command string) string {
	if c.Server != defaultServer {
		command += " --server=" + c.shown()
	}
	return command
}
