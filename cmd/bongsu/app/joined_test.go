package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/services/edge"
)

// TestJoinedService joins a service of another program to a running edge by the registry, and
// takes its only instance away.
func TestJoinedService(t *testing.T) {
	broker := startNATS(t)
	lines := make(joinedLines, 1)
	a, err := New(t.Context(), Config{
		Data: t.TempDir(), NATSURL: broker, Edge: edge.Config{Addr: "127.0.0.1:0", Admission: edge.AdmissionConfig{AddressLimit: "off"}}, Drain: new(time.Duration),
		Log: slog.New(slog.NewTextHandler(lines, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() { stop(); tasks.Wait() })
	tasks.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	get := func(path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+a.Addr(Edge)+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(text)
	}
	if status, text := get("/v1/books"); status != http.StatusNotFound {
		t.Errorf("before it joins: %d %s", status, text)
	}

	library := serveBooks(t)
	conn, err := nats.Connect(broker)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	registry, err := discovery.OpenBucket(conn, discovery.Options{Bucket: registryBucket, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	registered, leave := context.WithCancel(ctx)
	tasks.Go(func() { _ = registry.Run(ctx) })
	left := make(chan error, 1)
	go func() {
		left <- registry.Register(registered, discovery.Instance{
			ID: discovery.NewID("here", "library"), Name: "library", URL: library, Services: []string{"library.v1.BookService"}, Start: time.Now(),
		}, nil)
	}()
	<-lines
	if status, text := get("/v1/books?pageSize=3"); status != http.StatusOK || text != `{"books":[]}` {
		t.Errorf("joined: %d %s", status, text)
	}
	if status, text := get("/v1/books?pageSize=300"); status != http.StatusBadRequest {
		t.Errorf("a rule: %d %s", status, text)
	}

	leave()
	if err := <-left; err != nil {
		t.Fatal(err)
	}
	status, text := get("/v1/books")
	for end := time.Now().Add(20 * time.Second); status == http.StatusOK && time.Now().Before(end); { // until the edge has heard of it
		status, text = get("/v1/books")
	}
	if status != http.StatusServiceUnavailable {
		t.Errorf("without an instance: %d %s", status, text)
	}
}

// joinedLines is a log of services that join.
type joinedLines chan struct{}

func (l joinedLines) Write(line []byte) (int, error) {
	if strings.Contains(string(line), `msg="service joined" service=library.v1.BookService`) {
		l <- struct{}{}
	}
	return len(line), nil
}

// serveBooks serves library.v1.BookService, which is not linked into this program, with
// reflection, and returns its URL. It has no books.
func serveBooks(t *testing.T) string {
	t.Helper()
	files := new(protoregistry.Files)
	for _, name := range []string{"shelf.txtpb", "library.txtpb"} {
		text, err := os.ReadFile("../../../services/edge/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		file := new(descriptorpb.FileDescriptorProto)
		if err := prototext.Unmarshal(text, file); err != nil {
			t.Fatal(err)
		}
		built, err := protodesc.NewFile(file, linkedToo{files})
		if err != nil {
			t.Fatal(err)
		}
		if err := files.RegisterFile(built); err != nil {
			t.Fatal(err)
		}
	}
	found, err := files.FindDescriptorByName("library.v1.BookService.ListBooks")
	if err != nil {
		t.Fatal(err)
	}
	list := found.(protoreflect.MethodDescriptor) //nolint:forcetypeassert // the name is that of a method
	const path = "/library.v1.BookService/ListBooks"
	mux := http.NewServeMux()
	mux.Handle(path, connect.NewUnaryHandler(path, func(context.Context, *connect.Request[dynamicpb.Message]) (*connect.Response[dynamicpb.Message], error) {
		return connect.NewResponse(dynamicpb.NewMessage(list.Output())), nil
	}, connect.WithSchema(list), connect.WithRequestInitializer(func(_ connect.Spec, message any) error {
		*message.(*dynamicpb.Message) = *dynamicpb.NewMessage(list.Input()) //nolint:forcetypeassert // as connect documents it
		return nil
	})))
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.Handle(grpcreflect.NewHandlerV1(grpcreflect.NewReflector(bookService{}, grpcreflect.WithDescriptorResolver(linkedToo{files}))))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// bookService is the name of the service for reflection.
type bookService struct{}

func (bookService) Names() []string { return []string{"library.v1.BookService"} }

// linkedToo resolves files and, after them, those of the test.
type linkedToo struct{ *protoregistry.Files }

func (r linkedToo) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	if found, err := r.Files.FindFileByPath(path); err == nil {
		return found, nil
	}
	return protoregistry.GlobalFiles.FindFileByPath(path)
}

func (r linkedToo) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	if found, err := r.Files.FindDescriptorByName(name); err == nil {
		return found, nil
	}
	return protoregistry.GlobalFiles.FindDescriptorByName(name)
}
