package main

import (
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	// Whose methods have REST paths. A package that is missing here is found by
	// the generation itself: its operations have no method.
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/kit/policy"
)

// A method is an RPC with a REST path.
type method struct {
	protoreflect.MethodDescriptor
	Rule   *annotations.HttpRule
	policy policy.Policy
}

// methods returns the linked RPCs with REST paths, by operation id. Their policies are valid:
// test/architecture checks them.
func methods() map[string]method {
	found := map[string]method{}
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for k := range service.Methods().Len() {
				m := service.Methods().Get(k)
				rule, ok := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
				if ok && rule != nil {
					p, _ := policy.Of(m)
					found[operationID(m)] = method{m, rule, p}
				}
			}
		}
		return true
	})
	return found
}

// operationID returns the operation id that protoc-gen-openapiv3 uses for m.
func operationID(m protoreflect.MethodDescriptor) string {
	return string(m.Parent().Name()) + "_" + string(m.Name())
}
