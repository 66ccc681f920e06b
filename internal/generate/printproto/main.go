// Command printproto writes the .proto files that ours import and that are not
// ours, from the descriptors linked into the Go modules that go.mod pins. So the
// schema registry is not needed, nothing foreign is committed, and what buf
// compiles against is what the program is linked with.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/jhump/protoreflect/v2/protoprint"
	_ "google.golang.org/genproto/googleapis/api/annotations"
	_ "google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// files are what our .proto files import from elsewhere.
var files = []string{
	"buf/validate/validate.proto",
	"google/api/annotations.proto",
	"google/api/http.proto",
	"google/api/httpbody.proto",
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "printproto:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: printproto FOLDER")
	}
	for _, name := range files {
		fd, err := protoregistry.GlobalFiles.FindFileByPath(name)
		if err != nil {
			return fmt.Errorf("find %s: %w", name, err)
		}
		if err := write(filepath.Join(args[0], name), fd); err != nil {
			return fmt.Errorf("print %s: %w", name, err)
		}
	}
	return nil
}

func write(path string, fd protoreflect.FileDescriptor) error {
	text, err := (&protoprint.Printer{}).PrintProtoToString(fd)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
