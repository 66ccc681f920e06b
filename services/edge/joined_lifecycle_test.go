package edge_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/api/annotations"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	policyv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/policy/v1"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/services/edge"
)

// TestJoinWhileServing joins, replaces and removes a service while requests run: those of the
// edge's own services do not notice, and the state of the stages stays.
func TestJoinWhileServing(t *testing.T) {
	limited := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit = "100000/s" })
	e := startJoined(t, func(e *edge.Edge) { e.Admission = limited.admission }, withTestCaller)
	l := startLibrary(t, nil)
	e.upstream.Store(&l.URL)
	var stop atomic.Bool
	var callers sync.WaitGroup
	var own, joined atomic.Int64
	served := make(chan struct{})
	for range 4 {
		callers.Go(func() {
			for !stop.Load() {
				if status, body, _ := e.rest(t, "viewer", "GET", "/v1/users", ""); status != http.StatusInternalServerError { // its upstream has no method
					t.Errorf("own service: %d %s", status, body)
					return
				}
				own.Add(1)
				status, body, _ := e.rest(t, "viewer", "GET", "/v1/books?pageSize=3", "")
				switch status {
				case http.StatusOK:
					joined.Add(1)
					select {
					case served <- struct{}{}:
					default:
					}
				case http.StatusNotFound, http.StatusServiceUnavailable:
				default:
					t.Errorf("joined service: %d %s", status, body)
					return
				}
			}
		})
	}
	for i := range 20 {
		version := startLibrary(t, withTitle(fmt.Sprintf("title_%d", i)))
		e.upstream.Store(&version.URL)
		e.joined.Update([]discovery.Instance{version.instance(fmt.Sprint(i), auditTime.Add(time.Duration(i)*time.Second))})
		e.log.wait(t, i+1, `msg="service joined" service=library.v1.BookService`)
		for range 4 { // calls after it
			select {
			case <-served:
			case <-t.Context().Done():
			}
		}
	}
	e.upstream.Store(nil)
	e.joined.Update(nil)
	stop.Store(true)
	callers.Wait()
	if counts := limited.admission.Counts(); counts.Calls != 0 || counts.Addresses != 1 {
		t.Errorf("counts %+v: the state of a stage is lost", counts)
	}
	if own.Load() == 0 || joined.Load() < 20 {
		t.Errorf("%d own and %d joined calls", own.Load(), joined.Load())
	}
}

// withTitle returns a change of the descriptors: another name of the title of a book.
func withTitle(name string) func(*descriptorpb.FileDescriptorProto) {
	return func(file *descriptorpb.FileDescriptorProto) {
		file.GetMessageType()[0].Field = append(file.GetMessageType()[0].Field, &descriptorpb.FieldDescriptorProto{
			Name: proto.String(name), Number: proto.Int32(20), Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		})
	}
}

// TestJoinedWithoutInstance checks that a service whose last instance has left is unavailable,
// and not unknown.
func TestJoinedWithoutInstance(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := e.join(t)
	e.upstream.Store(nil)
	e.joined.Update(nil)
	status, body, header := e.rest(t, "viewer", "GET", "/v1/books", "")
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") != "1" || !strings.Contains(body, "library service unavailable; try again") || strings.Contains(body, errNoUpstream.Error()) {
		t.Errorf("REST: %d %s %v", status, body, header)
	}
	for _, p := range connectProtocols {
		_, err := e.client(l, "ListBooks", p.options...).CallUnary(t.Context(), l.request("ListBooksRequest", `{}`, "viewer"))
		if connect.CodeOf(err) != connect.CodeUnavailable || !connect.IsWireError(err) {
			t.Errorf("%s: %v", p.name, err)
		}
		stream, err := e.client(l, "WatchBooks", p.options...).CallServerStream(t.Context(), l.request("ListBooksRequest", `{}`, "viewer"))
		if err == nil {
			stream.Receive()
			err = stream.Err()
			_ = stream.Close()
		}
		if connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("%s: stream: %v", p.name, err)
		}
	}
	if status, _, _ := e.rest(t, "", "GET", "/v1/books", ""); status != http.StatusUnauthorized {
		t.Errorf("without a caller: %d", status)
	}
	e.upstream.Store(&l.URL)
	if status, body, _ := e.rest(t, "viewer", "GET", "/v1/books", ""); status != http.StatusOK {
		t.Errorf("an instance is back: %d %s", status, body)
	}
}

// TestJoinedVersions checks that the newest instance decides: by its policies, its REST paths,
// and whether the service is internal.
func TestJoinedVersions(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	first := e.join(t)
	update := func(n int, change func(*descriptorpb.FileDescriptorProto)) {
		l := startLibrary(t, change)
		e.upstream.Store(&l.URL)
		e.joined.Update([]discovery.Instance{first.instance("1", auditTime), l.instance(fmt.Sprint(n), auditTime.Add(time.Duration(n)*time.Second))})
	}
	update(2, func(file *descriptorpb.FileDescriptorProto) {
		options := file.GetService()[0].GetMethod()[1].GetOptions()
		proto.SetExtension(options, annotations.E_Http, &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: "/v1/shelf/books"}})
		proto.SetExtension(options, policyv1.E_Method, &policyv1.MethodPolicy{Permission: "book.list"})
	})
	e.log.wait(t, 2, `msg="service joined" service=library.v1.BookService`)
	for path, want := range map[string]int{"/v1/books": 405, "/v1/shelf/books": 403, "/v1/books/7": 200} {
		if status, body, _ := e.rest(t, "viewer", "GET", path, ""); status != want {
			t.Errorf("version 2, %s: %d %s", path, status, body)
		}
	}
	update(3, func(file *descriptorpb.FileDescriptorProto) {
		file.GetService()[0].Options = &descriptorpb.ServiceOptions{}
		proto.SetExtension(file.GetService()[0].GetOptions(), policyv1.E_Service, &policyv1.ServicePolicy{Internal: true})
	})
	e.log.wait(t, 1, `msg="service is not routed" service=library.v1.BookService`)
	if status, body, _ := e.rest(t, "admin", "GET", "/v1/books/7", ""); status != http.StatusNotFound {
		t.Errorf("version 3: %d %s", status, body)
	}
	e.upstream.Store(&first.URL)
	e.joined.Update([]discovery.Instance{first.instance("1", auditTime)}) // rolled back
	e.log.wait(t, 3, `msg="service joined" service=library.v1.BookService`)
	if status, body, _ := e.rest(t, "viewer", "GET", "/v1/books", ""); status != http.StatusOK {
		t.Errorf("version 1: %d %s", status, body)
	}
}

// TestJoinedPathConflict checks that the service which came first keeps its REST path, and that
// the other one is served by the other protocols.
func TestJoinedPathConflict(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	first := e.join(t)
	other := startLibrary(t, func(file *descriptorpb.FileDescriptorProto) {
		file.GetService()[0].Name = proto.String("CopyService")
		list := file.GetService()[0].GetMethod()[1]
		proto.SetExtension(list.GetOptions(), annotations.E_Http, &annotations.HttpRule{
			Pattern:            &annotations.HttpRule_Get{Get: "/v1/books/{page_size}"}, // a request can have it and that of GetBook
			AdditionalBindings: []*annotations.HttpRule{{Pattern: &annotations.HttpRule_Get{Get: "/v1/copies"}}, {Pattern: &annotations.HttpRule_Get{Get: "/copies"}}},
		})
	})
	copies := other.instance("2", auditTime)
	copies.Services = []string{"library.v1.CopyService"}
	e.joined.Update([]discovery.Instance{first.instance("1", auditTime), copies})
	e.log.wait(t, 1, `msg="service joined" service=library.v1.CopyService`)
	for _, line := range []string{
		`method=ListBooks path="GET /v1/books/{page_size}" reason="library.v1.BookService has GET /v1/books/{id}"`,
		`method=ListBooks path="GET /copies" reason="path \"/copies\" does not begin with /v1/"`,
		`method=GetBook path="GET /v1/books/{id}" reason="library.v1.BookService has GET /v1/books/{id}"`,
	} {
		if e.log.count(`service=library.v1.CopyService `+line) != 1 {
			t.Errorf("no line %s", line)
		}
	}
	if status, _, _ := e.rest(t, "viewer", "GET", "/v1/books/7", ""); status != 200 || first.gets.Load() != 1 {
		t.Errorf("the first service: %d, %d calls", status, first.gets.Load())
	}
	for path, want := range map[string]int{"/v1/copies": 503, "/copies": 404} { // the instance has no handler of CopyService
		if status, body, _ := e.rest(t, "viewer", "GET", path, ""); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if code := post(t, e.URL+"/library.v1.CopyService/GetBook", "viewer"); code != http.StatusBadRequest { // the rule of id
		t.Errorf("by Connect: %d", code)
	}
}

// TestHostileReflection checks that broken descriptors of an instance are refused within limits,
// that the reason is logged once, and that they are read again.
func TestHostileReflection(t *testing.T) {
	good := [][]byte{marshalled(t, readFile(t, "library.txtpb")), marshalled(t, readFile(t, "shelf.txtpb"))}
	library := func(change func(*descriptorpb.FileDescriptorProto)) [][]byte {
		file := readFile(t, "library.txtpb")
		change(file)
		return [][]byte{marshalled(t, file), good[1]}
	}
	for name, c := range map[string]struct {
		files  [][]byte
		reason string
	}{
		"no response":    {nil, "read descriptor of library.v1.BookService"},
		"no descriptor":  {[][]byte{[]byte("\xff\xff")}, "invalid descriptor proto"},
		"another file":   {good[1:], "library.v1.BookService"},
		"missing import": {good[:1], "the response lacks it"},
		"too many files": {manyFiles(t), "descriptors exceed 256 files"},
		"too many bytes": {library(func(f *descriptorpb.FileDescriptorProto) {
			f.SourceCodeInfo = &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{{LeadingComments: proto.String(strings.Repeat("x", 5<<20))}}}
		}), "larger than configured max"},
		"cycle": {library(func(f *descriptorpb.FileDescriptorProto) { f.Dependency = append(f.Dependency, f.GetName()) }), "import each other"},
		"unknown type": {library(func(f *descriptorpb.FileDescriptorProto) {
			f.GetService()[0].GetMethod()[0].InputType = proto.String(".library.v1.Nothing")
		}), "library.v1.Nothing"},
		"a type of the edge": {library(func(f *descriptorpb.FileDescriptorProto) {
			f.Package = proto.String("google.protobuf")
		}), "library/v1/library.proto"},
	} {
		t.Run(name, func(t *testing.T) {
			e := startJoined(t, nil, withTestCaller)
			l := startLibrary(t, nil)
			e.upstream.Store(&l.URL)
			hostile := startReflection(t, c.files)
			bad := discovery.Instance{ID: "bad", Name: "library", URL: hostile.URL, Services: libraryServices[:1], Start: auditTime}
			e.joined.Update([]discovery.Instance{bad})
			e.log.wait(t, 1, `msg="descriptors of a service cannot be read, trying again" service=library.v1.BookService instance=bad`)
			for range 3 {
				<-hostile.asked // again
			}
			if states := e.joined.States(); len(states) != 1 || states[0].Routed || !strings.Contains(states[0].Reason, c.reason) {
				t.Errorf("states %v, want a reason with %q", states, c.reason)
			}
			if n := e.log.count("service=library.v1.BookService"); n != 1 {
				t.Errorf("logged %d times", n)
			}
			if status, _, _ := e.rest(t, "viewer", "GET", "/v1/books", ""); status != 404 {
				t.Errorf("status %d", status)
			}
			e.joined.Update([]discovery.Instance{bad, l.instance("older", auditTime.Add(-time.Second))}) // the newest is bad: another one is asked
			e.log.wait(t, 1, `msg="service joined" service=library.v1.BookService instance=older`)
		})
	}
}

// TestSilentReflection checks that an instance that does not answer delays no other service, and
// that Run ends.
func TestSilentReflection(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := startLibrary(t, nil)
	e.upstream.Store(&l.URL)
	release := make(chan struct{})
	silent := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	silent.Config.Protocols = new(http.Protocols)
	silent.Config.Protocols.SetUnencryptedHTTP2(true)
	silent.Start()
	t.Cleanup(silent.Close)
	t.Cleanup(func() { close(release) })
	e.joined.Update([]discovery.Instance{{ID: "silent", URL: silent.URL, Services: []string{"silent.v1.SilentService"}}, l.instance("1", auditTime)})
	e.log.wait(t, 1, `msg="service joined" service=library.v1.BookService`)
}

func manyFiles(t testing.TB) (files [][]byte) {
	t.Helper()
	for i := range 300 {
		files = append(files, marshalled(t, &descriptorpb.FileDescriptorProto{Name: proto.String(fmt.Sprint(i))}))
	}
	return files
}

func marshalled(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A reflection is a server whose reflection answers each request with the same files.
type reflection struct {
	*httptest.Server
	asked chan struct{}
}

func startReflection(t testing.TB, files [][]byte) *reflection {
	t.Helper()
	r := &reflection{asked: make(chan struct{}, 1000)}
	mux := http.NewServeMux()
	const path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	mux.Handle(path, connect.NewBidiStreamHandler(path, func(_ context.Context, stream *connect.BidiStream[reflectionv1.ServerReflectionRequest, reflectionv1.ServerReflectionResponse]) error {
		r.asked <- struct{}{}
		for {
			if _, err := stream.Receive(); err != nil || files == nil {
				return nil //nolint:nilerr // the client is gone
			}
			res := &reflectionv1.FileDescriptorResponse{FileDescriptorProto: files}
			if err := stream.Send(&reflectionv1.ServerReflectionResponse{MessageResponse: &reflectionv1.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: res}}); err != nil {
				return err
			}
		}
	}))
	r.Server = httptest.NewUnstartedServer(mux)
	r.Config.Protocols = new(http.Protocols)
	r.Config.Protocols.SetUnencryptedHTTP2(true)
	r.Start()
	t.Cleanup(r.Close)
	return r
}
