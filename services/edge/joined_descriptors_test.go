package edge

import (
	"fmt"
	"log/slog"
	"os"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// readLibrary returns the descriptors of testdata as those of an instance.
func readLibrary(t testing.TB) *descriptorpb.FileDescriptorSet {
	t.Helper()
	all := new(descriptorpb.FileDescriptorSet)
	for _, name := range []string{"library.txtpb", "shelf.txtpb"} {
		text, err := os.ReadFile("testdata/" + name)
		kittest.NoError(t, err)
		file := new(descriptorpb.FileDescriptorProto)
		kittest.NoError(t, prototext.Unmarshal(text, file))
		all.File = append(all.File, file)
	}
	return all
}

// receivedFrom returns the descriptors of a service in files.
func receivedFrom(service string, files []*descriptorpb.FileDescriptorProto) *descriptors {
	byPath := map[string]*descriptorpb.FileDescriptorProto{}
	for _, file := range files {
		byPath[file.GetName()] = file
	}
	return newDescriptors(protoreflect.FullName(service), byPath)
}

// newTestJoined returns the joined services of an edge without services of its own, which calls
// nobody.
func newTestJoined(t testing.TB) *Joined {
	t.Helper()
	options, err := rpc.NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), noop.Int64Counter{}, nil)
	kittest.NoError(t, err)
	return &Joined{options: options, config: JoinedConfig{Log: slog.New(slog.DiscardHandler)}, services: map[string]*joinedService{}, logged: map[string]string{}, reserved: map[string]bool{}}
}

// TestVersionOfDescriptors checks that equal descriptors have one version, in any order of
// their files, and others have another one.
func TestVersionOfDescriptors(t *testing.T) {
	files := readLibrary(t).GetFile()
	first := receivedFrom("library.v1.BookService", files)
	if again := receivedFrom("library.v1.BookService", []*descriptorpb.FileDescriptorProto{files[1], files[0]}); again.version != first.version {
		t.Errorf("versions %s and %s", first.version, again.version)
	}
	changed := proto.CloneOf(files[1])
	changed.GetEnumType()[0].GetValue()[1].Name = proto.String("SHELF_OTHER")
	if other := receivedFrom("library.v1.BookService", []*descriptorpb.FileDescriptorProto{files[0], changed}); other.version == first.version {
		t.Error("a change has the same version")
	}
}

// TestRefusedPathsAreRemoved checks that a path that is refused is no longer in the descriptors,
// and others are.
func TestRefusedPathsAreRemoved(t *testing.T) {
	received := receivedFrom("library.v1.BookService", readLibrary(t).GetFile())
	service, _, err := received.withoutPaths([]refusedPath{{method: "PutBook", path: "PUT /v1/books/{id}"}, {method: "GetBook", path: "GET /v1/books/{id}"}}).build()
	kittest.NoError(t, err)
	paths, refused := splitPaths(service, nil)
	var got []string
	for _, p := range paths {
		got = append(got, p.String())
	}
	if want := "[GET /v1/books POST /v1/books/{id}:lend POST /v1/groups POST /v1/books]"; len(refused) > 0 || got == nil || want != fmt.Sprint(got) {
		t.Errorf("paths %v, refused %v, want %s", got, refused, want)
	}
	before, _, err := received.build()
	kittest.NoError(t, err)
	if paths, _ := splitPaths(before, nil); len(paths) != 6 {
		t.Errorf("the descriptors themselves have %d paths", len(paths))
	}
}

// FuzzDescriptors builds services of any descriptors: the result is a service that answers, or
// an error, and never a panic.
func FuzzDescriptors(f *testing.F) {
	all := readLibrary(f)
	whole, err := proto.Marshal(all)
	kittest.NoError(f, err)
	f.Add(whole, "library.v1.BookService")
	f.Add(whole, "library.v1.Book")
	for _, change := range []func(*descriptorpb.FileDescriptorProto){
		func(file *descriptorpb.FileDescriptorProto) {
			file.Dependency = append(file.Dependency, file.GetName())
		},
		func(file *descriptorpb.FileDescriptorProto) {
			file.GetMessageType()[0].GetField()[0].Number = proto.Int32(0)
		},
		func(file *descriptorpb.FileDescriptorProto) { file.Syntax = proto.String("editions") },
	} {
		changed := proto.CloneOf(all)
		change(changed.GetFile()[0])
		data, err := proto.Marshal(changed)
		kittest.NoError(f, err)
		f.Add(data, "library.v1.BookService")
	}
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		files := new(descriptorpb.FileDescriptorSet)
		if len(data) > 64<<10 || proto.Unmarshal(data, files) != nil || !protoreflect.FullName(name).IsValid() {
			return
		}
		j := newTestJoined(t)
		s := &joinedService{name: name, instance: discovery.Instance{Name: "library"}, descriptors: receivedFrom(name, files.GetFile())}
		if err := j.build(s); err != nil {
			return
		}
		if s.service.Name() != name || len(s.service.Attachments) == 0 {
			t.Errorf("service %q with %d methods for %q", s.service.Name(), len(s.service.Attachments), name)
		}
		kittest.NoError(t, new(rpc.ServiceSet).Replace(s.service))
	})
}
