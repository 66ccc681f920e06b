package edge

import (
	"fmt"
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/bongsu-project/bongsu/kit/kittest"
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
	if want := "[GET /v1/books POST /v1/books/{id}:lend POST /v1/groups POST /v1/books POST /v1/readers/{name}:signIn]"; len(refused) > 0 || got == nil || want != fmt.Sprint(got) {
		t.Errorf("paths %v, refused %v, want %s", got, refused, want)
	}
	before, _, err := received.build()
	kittest.NoError(t, err)
	if paths, _ := splitPaths(before, nil); len(paths) != 7 {
		t.Errorf("the descriptors themselves have %d paths", len(paths))
	}
}

// FuzzDescriptors reads any descriptors: the result is a service with policies and REST paths, or
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
		if proto.Unmarshal(data, files) != nil {
			return
		}
		received := receivedFrom(name, files.GetFile())
		service, _, err := received.build()
		if err != nil {
			return
		}
		if string(service.FullName()) != name {
			t.Fatalf("service %q for %q", service.FullName(), name)
		}
		if _, err := joinedPolicies(service, nil); err != nil {
			return
		}
		paths, refused := splitPaths(service, nil)
		without, _, err := received.withoutPaths(refused).build()
		kittest.NoError(t, err)
		left, wrong := splitPaths(without, nil)
		if len(left) != len(paths) || len(wrong) > 0 {
			t.Errorf("paths %v, then %v and %v", paths, left, wrong)
		}
	})
}
