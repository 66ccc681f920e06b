package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof" // also registers with http.DefaultServeMux, which is not served

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// ProfilesPort is the name of the profiles' port in the log, as those of services.
const ProfilesPort = "pprof"

// serveProfiles serves Go profiles on a port of their own, if one is configured.
func (b *builder) serveProfiles(ctx context.Context) error {
	addr := b.config.PprofAddr
	if addr == "" {
		return nil
	}
	mux := http.NewServeMux()                    // without cmdline: flags may hold passwords
	mux.HandleFunc("/debug/pprof/", pprof.Index) // also the named profiles: heap, goroutine, allocs, block, mutex
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	handler := rpc.Protect(cancelWith(running, mux), b.hostsOf(ProfilesPort, addr), nil, b.log)
	server, err := b.admit.Listen(ctx, addr, handler)
	if err != nil {
		stop()
		return fmt.Errorf("--pprof-addr: %w", err)
	}
	if !isLoopback(addr) {
		b.log.Warn("serving profiles on an address beyond loopback: callers can read the state of the process and slow it down", "flag", "--pprof-addr", "addr", server.Addr())
	}
	b.ports = append(b.ports, listener{ProfilesPort, server})
	b.closeLater("the port of profiles", func() error { stop(); return server.Close() })
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], func(ctx context.Context) error {
		context.AfterFunc(ctx, stop)
		return server.Serve(ctx, shutdownGrace)
	})
	return nil
}

// cancelWith cancels requests when ctx is done, so that a running profile does not delay
// shutdown.
func cancelWith(ctx context.Context, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, end := context.WithCancel(r.Context())
		defer context.AfterFunc(ctx, end)()
		defer end()
		handler.ServeHTTP(w, r.WithContext(asked)) //nolint:contextcheck // derived from the request's context
	})
}
