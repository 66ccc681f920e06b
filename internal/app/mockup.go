package app

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
	"github.com/bongsu-project/bongsu/internal/rpc"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// mockupMailPort is the default port on which the mockup accepts mail.
const mockupMailPort = "18025"

// mockupHere runs the mockup in this process.
func (b *builder) mockupHere(ctx context.Context) error {
	fakes := mockup.New(b.config.Calls)
	b.stages[last] = append(b.stages[last], fakes.Run)
	if err := b.takeMail(ctx, fakes); err != nil {
		return err
	}
	return b.listen(ctx, last, Mockup, rpc.Face{
		Services: []rpc.Service{
			rpc.Internal(b.rpc, mockupv1connect.NewMockupServiceHandler, mockupv1connect.MockupServiceHandler(&mockup.Handler{Mockup: fakes})),
		},
		Ready: all(nil),
		Extra: map[string]http.Handler{"/": fakes.Fakes()},
	})
}

// takeMail opens the port on which the mockup accepts mail.
func (b *builder) takeMail(ctx context.Context, fakes *mockup.Mockup) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(b.config.MockupSMTPAddr, mailBeside(b.config.addr(Mockup))))
	if err != nil {
		return fmt.Errorf("--mockup-smtp-addr: %w", err)
	}
	b.mailAddr = listener.Addr().String()
	b.log.Info("mockup accepts mail", "addr", b.mailAddr)
	b.onClose("the port for mail", func() error {
		_ = listener.Close() // already closed if ServeMail ran
		return nil
	})
	b.stages[last] = append(b.stages[last], func(ctx context.Context) error { return fakes.ServeMail(ctx, listener) })
	return nil
}

// mailBeside returns the default mail address of a mockup at addr: the same host, and
// any free port if addr has port 0.
func mailBeside(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && port == "0" {
		return net.JoinHostPort(host, "0")
	}
	return net.JoinHostPort(host, mockupMailPort)
}
