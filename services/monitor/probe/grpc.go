package probe

import (
	"context"
	"errors"
	"net/http"

	"connectrpc.com/connect"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// healthPath is the path of the method that returns the health of a service.
const healthPath = "/grpc.health.v1.Health/Check"

// maxHealth is the maximum size of a response in bytes.
const maxHealth = 64 << 10

func (c *GRPC) run(ctx context.Context, p *Prober) Finding {
	transport := p.transport(c.SkipVerify)
	transport.Protocols = new(http.Protocols)
	scheme := "http://"
	if c.TLS {
		scheme = "https://"
		transport.Protocols.SetHTTP2(true)
	} else {
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return health(ctx, client, scheme+c.Address, c.Service, connect.WithGRPC())
}

// health calls the health service of a server about a service; "" is the whole server.
func health(ctx context.Context, client connect.HTTPClient, url, service string, options ...connect.ClientOption) Finding {
	f, _ := callHealth(ctx, client, url, service, options...)
	return f
}

// callHealth is health, which also returns the error of the call.
func callHealth(ctx context.Context, client connect.HTTPClient, url, service string, options ...connect.ClientOption) (Finding, error) {
	options = append(options, connect.WithReadMaxBytes(maxHealth))
	method := connect.NewClient[healthv1.HealthCheckRequest, healthv1.HealthCheckResponse](client, url+healthPath, options...)
	res, err := method.CallUnary(ctx, connect.NewRequest(&healthv1.HealthCheckRequest{Service: service}))
	switch {
	case err != nil:
		return failed("%s", rpcReason(err)), err
	case res.Msg.GetStatus() != healthv1.HealthCheckResponse_SERVING:
		return failed("%s", res.Msg.GetStatus()), nil
	}
	return passed("SERVING"), nil
}

// rpcReason returns why a call failed.
func rpcReason(err error) string {
	var failure *connect.Error
	if errors.As(err, &failure) && !connect.IsWireError(err) {
		if inner := failure.Unwrap(); inner != nil {
			return reason(inner)
		}
	}
	return reason(err)
}
