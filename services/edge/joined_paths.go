package edge

import (
	"fmt"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// A refusedPath is a REST path that a joined service does not get.
type refusedPath struct {
	method protoreflect.Name
	path   string // the HTTP method and the template
	reason string
}

// A takenPath is a REST path that a service has.
type takenPath struct {
	rpc.RESTPath
	service string
}

// splitPaths returns the REST paths of a service that it gets and those that are refused: those
// which another service, which came first, has, and those which the edge does not support.
func splitPaths(service protoreflect.ServiceDescriptor, taken []takenPath) (got []takenPath, refused []refusedPath) {
	methods := service.Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		for _, binding := range bindingsOf(m.Options()) {
			path, reason := newPath(m, binding, taken)
			if reason != "" {
				refused = append(refused, refusedPath{m.Name(), templateOf(binding), reason})
			} else {
				got = append(got, takenPath{path, string(service.FullName())})
			}
		}
	}
	return got, refused
}

// newPath returns the path of a binding, or the reason why it is refused.
func newPath(m protoreflect.MethodDescriptor, binding *annotations.HttpRule, taken []takenPath) (rpc.RESTPath, string) {
	path, err := rpc.NewRESTPath(m, binding)
	if err != nil {
		return path, err.Error()
	}
	for _, other := range taken {
		if other.Overlaps(path) {
			return path, fmt.Sprintf("%s has %s", other.service, other.String())
		}
	}
	return path, ""
}

// bindingsOf returns the google.api.http bindings in the options of a method.
func bindingsOf(options proto.Message) []*annotations.HttpRule {
	rule, _ := proto.GetExtension(options, annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return nil
	}
	return append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...)
}

// templateOf returns the HTTP method and the template of a binding.
func templateOf(binding *annotations.HttpRule) string {
	for _, c := range []struct{ method, template string }{
		{"GET", binding.GetGet()}, {"PUT", binding.GetPut()}, {"POST", binding.GetPost()}, {"DELETE", binding.GetDelete()}, {"PATCH", binding.GetPatch()},
	} {
		if c.template != "" {
			return c.method + " " + c.template
		}
	}
	return ""
}

// withoutPaths returns the descriptors without refused REST paths.
func (d *descriptors) withoutPaths(refused []refusedPath) *descriptors {
	if len(refused) == 0 {
		return d
	}
	gone := map[protoreflect.Name]map[string]bool{}
	for _, r := range refused {
		if gone[r.method] == nil {
			gone[r.method] = map[string]bool{}
		}
		gone[r.method][r.path] = true
	}
	out := &descriptors{service: d.service, version: d.version, files: make(map[string]*descriptorpb.FileDescriptorProto, len(d.files))}
	for path, file := range d.files {
		out.files[path] = file
		for i, service := range file.GetService() {
			if protoreflect.FullName(file.GetPackage()).Append(protoreflect.Name(service.GetName())) == d.service {
				changed := proto.CloneOf(file)
				for _, m := range changed.GetService()[i].GetMethod() {
					removeBindings(m, gone[protoreflect.Name(m.GetName())])
				}
				out.files[path] = changed
			}
		}
	}
	return out
}

// removeBindings removes bindings of a method by their templates.
func removeBindings(m *descriptorpb.MethodDescriptorProto, gone map[string]bool) {
	if len(gone) == 0 {
		return
	}
	var kept []*annotations.HttpRule
	for _, binding := range bindingsOf(m.GetOptions()) {
		if !gone[templateOf(binding)] {
			one := proto.CloneOf(binding)
			one.AdditionalBindings = nil
			kept = append(kept, one)
		}
	}
	proto.ClearExtension(m.GetOptions(), annotations.E_Http)
	if len(kept) > 0 {
		kept[0].AdditionalBindings = kept[1:]
		proto.SetExtension(m.GetOptions(), annotations.E_Http, kept[0])
	}
}

// allPaths returns all REST paths of a service, as refused for a reason.
func allPaths(service protoreflect.ServiceDescriptor, reason string) (refused []refusedPath) {
	methods := service.Methods()
	for i := range methods.Len() {
		for _, binding := range bindingsOf(methods.Get(i).Options()) {
			refused = append(refused, refusedPath{methods.Get(i).Name(), templateOf(binding), reason})
		}
	}
	return refused
}
