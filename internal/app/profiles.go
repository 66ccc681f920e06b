package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/pprof" // it also joins http.DefaultServeMux, which nobody here serves

	"github.com/bongsu-project/bongsu/internal/rpc"
)

// Profiles is what the log calls the port of profiles, as it calls those of services by
// their words.
const Profiles = "pprof"

// profile answers with Go's profiles of the process on a port that answers nothing else,
// where one was asked for.
func (b *builder) profile(ctx context.Context) error {
	addr := b.config.PprofAddr
	if addr == "" {
		return nil
	}
	mux := http.NewServeMux()                    // without cmdline: a password may stand in a flag
	mux.HandleFunc("/debug/pprof/", pprof.Index) // and by their names: heap, goroutine, allocs, block, mutex
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	handler := rpc.Protect(until(running, mux), b.hostsOf(Profiles, addr), b.log)
	server, err := b.admit.Listen(ctx, addr, handler)
	if err != nil {
		stop()
		return fmt.Errorf("--pprof-addr: %w", err)
	}
	if !loopback(addr) {
		b.log.Warn("whoever reaches this address can read what the process is doing, and slow it down", "flag", "--pprof-addr", "addr", server.Addr())
	}
	b.ports = append(b.ports, port{Profiles, server})
	b.onClose("the port of profiles", func() error { stop(); return server.Close() })
	b.stages[last] = append(b.stages[last], func(ctx context.Context) error {
		context.AfterFunc(ctx, stop)
		return server.Serve(ctx, grace)
	})
	return nil
}

// until ends requests when ctx ends: a profile that is being taken holds nobody up.
func until(ctx context.Context, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, end := context.WithCancel(r.Context())
		defer context.AfterFunc(ctx, end)()
		defer end()
		handler.ServeHTTP(w, r.WithContext(asked)) //nolint:contextcheck // it is the request's, with one more end
	})
}
