package edge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

const (
	// maxDescriptorFiles and maxDescriptorBytes limit the descriptors of a joined service, with
	// all files that it imports.
	maxDescriptorFiles = 256
	maxDescriptorBytes = 4 << 20
)

// linkedFiles start the paths of files of which the edge uses its own descriptors, if it has
// them: their options and rules are types of this program.
var linkedFiles = []string{"google/protobuf/", "google/api/", "google/rpc/", "google/type/", "buf/validate/", "bongsu/policy/"}

// descriptors are the files of a joined service by path, as its instance sent them.
type descriptors struct {
	service protoreflect.FullName
	files   map[string]*descriptorpb.FileDescriptorProto
	version string // equal for equal files
}

// readDescriptors reads the descriptors of a service by server reflection (v1, or v1alpha) of
// the instance at url.
func readDescriptors(ctx context.Context, client connect.HTTPClient, url string, service protoreflect.FullName) (*descriptors, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := grpcreflect.NewClient(client, url, connect.WithGRPC(), connect.WithReadMaxBytes(maxDescriptorBytes)).NewStream(ctx)
	defer func() { _, _ = stream.Close() }() // the calls have the error
	r := &descriptorReader{stream: stream, files: map[string]*descriptorpb.FileDescriptorProto{}}
	first, err := stream.FileContainingSymbol(service)
	if err != nil {
		return nil, fmt.Errorf("read descriptor of %s: %w", service, err)
	}
	if err := r.add(first); err != nil {
		return nil, err
	}
	if err := r.readImports(); err != nil {
		return nil, err
	}
	return newDescriptors(service, r.files), nil
}

// A descriptorReader reads files, and all that they import.
type descriptorReader struct {
	stream *grpcreflect.ClientStream
	files  map[string]*descriptorpb.FileDescriptorProto
	bytes  int
}

// add adds files within the limits.
func (r *descriptorReader) add(files []*descriptorpb.FileDescriptorProto) error {
	for _, file := range files {
		if r.files[file.GetName()] != nil {
			continue
		}
		r.files[file.GetName()] = file
		if r.bytes += proto.Size(file); r.bytes > maxDescriptorBytes || len(r.files) > maxDescriptorFiles {
			return fmt.Errorf("descriptors exceed %d files or %d bytes", maxDescriptorFiles, maxDescriptorBytes)
		}
	}
	return nil
}

// readImports reads the imported files that the instance has not sent by itself. Each call
// brings at least one of them, so that the limit of files bounds the calls.
func (r *descriptorReader) readImports() error {
	for missing := r.missing(); missing != ""; missing = r.missing() {
		files, err := r.stream.FileByFilename(missing)
		if err != nil {
			return fmt.Errorf("read descriptor of %q: %w", missing, err)
		}
		if err := r.add(files); err != nil {
			return err
		}
		if r.files[missing] == nil {
			return fmt.Errorf("read descriptor of %q: the response lacks it", missing)
		}
	}
	return nil
}

// missing returns an imported file that is not there yet; "" for none.
func (r *descriptorReader) missing() string {
	for _, file := range r.files {
		for _, path := range file.GetDependency() {
			if r.files[path] == nil && linkedFile(path) == nil {
				return path
			}
		}
	}
	return ""
}

func newDescriptors(service protoreflect.FullName, files map[string]*descriptorpb.FileDescriptorProto) *descriptors {
	hash := sha256.New()
	for _, path := range slices.Sorted(maps.Keys(files)) {
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(files[path])
		if err != nil {
			data = nil // build returns an error for the file
		}
		fmt.Fprintf(hash, "%q %d ", path, len(data))
		hash.Write(data)
	}
	return &descriptors{service: service, files: files, version: hex.EncodeToString(hash.Sum(nil)[:8])}
}

// linkedFile returns the descriptor of a file of linkedFiles, or nil.
func linkedFile(path string) protoreflect.FileDescriptor {
	if !slices.ContainsFunc(linkedFiles, func(start string) bool { return strings.HasPrefix(path, start) }) {
		return nil
	}
	file, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		return nil
	}
	return file
}

// build returns the descriptor of the service, with all files that it needs. The data is that
// of another process: whatever it is, the result is a descriptor or an error.
func (d *descriptors) build() (service protoreflect.ServiceDescriptor, files *protoregistry.Files, err error) {
	defer func() {
		if p := recover(); p != nil {
			service, files, err = nil, nil, fmt.Errorf("broken descriptors: %v", p)
		}
	}()
	b := &descriptorBuilder{descriptors: d, files: new(protoregistry.Files), visiting: map[string]bool{}}
	for _, path := range slices.Sorted(maps.Keys(d.files)) {
		if err := b.add(path); err != nil {
			return nil, nil, err
		}
	}
	found, err := b.files.FindDescriptorByName(d.service)
	if err != nil {
		return nil, nil, fmt.Errorf("descriptor of %s: %w", d.service, err)
	}
	service, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, nil, fmt.Errorf("%s is no service", d.service)
	}
	return service, b.files, nil
}

// A descriptorBuilder builds descriptors in the order of their imports.
type descriptorBuilder struct {
	*descriptors
	files    *protoregistry.Files
	visiting map[string]bool
}

var errImportCycle = errors.New("descriptors import each other")

// add adds a file after those that it imports.
func (b *descriptorBuilder) add(path string) error {
	if _, err := b.files.FindFileByPath(path); err == nil {
		return nil
	}
	if linked := linkedFile(path); linked != nil {
		return b.addLinked(linked)
	}
	file := b.descriptors.files[path]
	switch {
	case file == nil:
		return fmt.Errorf("descriptor of %q is missing", path)
	case b.visiting[path]:
		return errImportCycle
	}
	b.visiting[path] = true
	defer delete(b.visiting, path)
	for _, imported := range file.GetDependency() {
		if err := b.add(imported); err != nil {
			return err
		}
	}
	built, err := protodesc.NewFile(file, b.files)
	if err != nil {
		return fmt.Errorf("descriptor of %q: %w", path, err)
	}
	return b.files.RegisterFile(built)
}

// addLinked adds a file of this program, and those that it imports.
func (b *descriptorBuilder) addLinked(file protoreflect.FileDescriptor) error {
	if _, err := b.files.FindFileByPath(file.Path()); err == nil {
		return nil
	}
	for i := range file.Imports().Len() {
		if err := b.addLinked(file.Imports().Get(i).FileDescriptor); err != nil {
			return err
		}
	}
	return b.files.RegisterFile(file)
}
