// Command printproto writes the .proto files of other projects that ours import, from
// the descriptors in the Go modules of go.mod. So no schema registry is needed, no
// foreign file is committed, and buf compiles against the versions that the program
// links.
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

// files are the imported .proto files of other projects.
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
