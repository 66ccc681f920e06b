package app

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// runMockup runs the mockup in this process.
func (b *builder) runMockup(ctx context.Context) error {
	fakes := mockup.New(b.config.Calls)
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], fakes.Run)
	if err := b.listenMail(ctx, fakes); err != nil {
		return err
	}
	handler := fakes.Fakes()
	return b.listen(ctx, stageLimiter, Mockup, rpc.Listener{
		Services: []rpc.Service{
			rpc.Internal(b.rpc, mockupv1connect.NewMockupServiceHandler, mockupv1connect.MockupServiceHandler(&mockup.Handler{Mockup: fakes})),
		},
		Ready:    allReady(nil),
		Handlers: map[string]http.Handler{"/": handler, "/v1/spaces/": handler}, // Google Chat is below /v1/, like REST
	})
}

// listenMail opens the port on which the mockup accepts mail.
func (b *builder) listenMail(ctx context.Context, fakes *mockup.Mockup) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(b.config.Mockup.SMTPAddr, mailBeside(b.config.addr(Mockup))))
	if err != nil {
		return fmt.Errorf("--mockup-smtp-addr: %w", err)
	}
	b.mailAddr = listener.Addr().String()
	b.log.Info("mockup accepts mail", "addr", b.mailAddr)
	b.closeLater("the port for mail", func() error {
		_ = listener.Close() // already closed if ServeMail ran
		return nil
	})
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], func(ctx context.Context) error { return fakes.ServeMail(ctx, listener) })
	return nil
}

// mailBeside returns the default mail address of a mockup at addr: the same host, and
// any free port if addr has port 0.
func mailBeside(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && port == "0" {
		return net.JoinHostPort(host, "0")
	}
	return net.JoinHostPort(host, mockup.MailPort)
}
