package process

import (
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// BaseURL is the base URL of clients of other services with Process.Client.
const BaseURL = balance.BaseURL

// Client returns the HTTP client for calls to other services, of this process and of others: each
// call goes to the next instance of the Protobuf service in its path, and to another one if the
// first is lost and has not executed it, or the call may be repeated. An instance whose calls fail or time out
// has an open breaker and gets no calls until it is ready again; without another one, calls fail at
// once. A call has the caller, the ids and the deadline of its context.
//
//	delivery := deliveryv1connect.NewDeliveryServiceClient(p.Client(), process.BaseURL, p.Calls("delivery", 610*time.Millisecond))
func (p *Process) Client() *http.Client { return p.client }

// Calls returns the options of a generated client of a service with a name for logs and errors.
// Each call must end within timeout, which the called service learns as its deadline; a call that
// does not is unavailable, and a failure of its instance. 0 means 10 s for calls without a deadline.
func (p *Process) Calls(service string, timeout time.Duration) connect.ClientOption {
	if timeout == 0 {
		return rpc.ClientOptions(service, p.log, p.traceCalls...)
	}
	return rpc.TimedClientOptions(service, timeout, p.log, p.traceCalls...)
}

// Balancer returns the balancer of Client, which has the instances of services.
func (p *Process) Balancer() *balance.Balancer { return p.balancer }
