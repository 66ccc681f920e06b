// Command access writes the table of methods in docs/access.md: who may call each, for how
// long, which responses are cached, and what is recorded, from the policies in proto/.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1" // the methods
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "access:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: access PROTO-FOLDER PAGE.md")
	}
	services, err := servicesOf(os.DirFS(args[0]))
	if err != nil {
		return err
	}
	table, err := tableOf(services)
	if err != nil {
		return err
	}
	page, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	text, err := withTable(string(page), table)
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	return os.WriteFile(args[1], []byte(text), 0o644)
}

// servicesOf returns the services of the .proto files below bongsu/, in the order of their
// paths. It returns an error for a file whose package is not linked.
func servicesOf(tree fs.FS) ([]protoreflect.ServiceDescriptor, error) {
	var all []protoreflect.ServiceDescriptor
	err := fs.WalkDir(tree, "bongsu", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(file) != ".proto" {
			return err
		}
		found, err := protoregistry.GlobalFiles.FindFileByPath(file)
		if err != nil {
			return fmt.Errorf("%s: %w: import its package in internal/generate/access", file, err)
		}
		for i := range found.Services().Len() {
			all = append(all, found.Services().Get(i))
		}
		return nil
	})
	return all, err
}
