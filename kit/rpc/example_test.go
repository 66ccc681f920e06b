package rpc_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// get returns the status and the body of the response to a GET.
func get(handler http.Handler, url string) string {
	res := httptest.NewRecorder()
	handler.ServeHTTP(res, httptest.NewRequestWithContext(context.Background(), http.MethodGet, url, nil))
	return fmt.Sprintf("%d %s", res.Code, res.Body)
}

// A listener reports by /readyz why it cannot do its work.
func ExampleListener() {
	ready := fault.Unavailablef("database unavailable; try again")
	handler, err := rpc.Listener{Ready: func(context.Context) error { return ready }}.Handler()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(get(handler, "/healthz"), get(handler, "/readyz"))
	ready = nil
	fmt.Print(get(handler, "/readyz"))
	// Output:
	// 200 ok
	// 503 database unavailable; try again
	// 200 ready
}

// A browser can be made to call a host that resolves to this process; Protect refuses the
// request.
func ExampleProtect() {
	hosts, err := rpc.ParseHosts([]string{"api.example.com", "*.internal"}, "api.example.com")
	if err != nil {
		fmt.Println(err)
		return
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	handler := rpc.Protect(page, hosts, nil, slog.New(slog.DiscardHandler))
	for _, host := range []string{"api.example.com", "books.internal:8080", "evil.example"} {
		res := httptest.NewRecorder()
		handler.ServeHTTP(res, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+host+"/v1/books", nil))
		fmt.Println(host, res.Code)
	}
	// Output:
	// api.example.com 204
	// books.internal:8080 204
	// evil.example 403
}

// Listen opens port 0: the actual port is in Addr.
func ExampleListen() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	server, err := rpc.Listen(ctx, "127.0.0.1:0", hello, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	stopped := make(chan error)
	go func() { stopped <- server.Serve(ctx, 10*time.Second) }()
	client := rpc.NewHTTPClient() // also speaks HTTP/2
	res, err := client.Get("http://" + server.Addr())
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(res.Body)
	fmt.Println(string(body), err, res.Body.Close())
	client.CloseIdleConnections()
	stop()
	fmt.Println(<-stopped)
	// Output:
	// hello <nil> <nil>
	// <nil>
}
