package policy

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// A Method is a method and its policy.
type Method struct {
	Policy
	Descriptor protoreflect.MethodDescriptor
}

// A Table holds methods by their procedures, such as "/library.v1.BookService/GetBook". It is
// not changed after NewTable.
type Table map[string]Method

// NewTable returns the methods of services, which are full names in Protobuf. It returns an
// error for a service that files does not hold, and for a method without a valid policy.
func NewTable(files *protoregistry.Files, services ...string) (Table, error) {
	table := Table{}
	for _, name := range services {
		found, err := files.FindDescriptorByName(protoreflect.FullName(name))
		if err != nil {
			return nil, fmt.Errorf("policies of %s: %w", name, err)
		}
		service, ok := found.(protoreflect.ServiceDescriptor)
		if !ok {
			return nil, fmt.Errorf("policies of %s: not a service", name)
		}
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			p, err := Of(m)
			if err != nil {
				return nil, err
			}
			table[Procedure(m)] = Method{p, m}
		}
	}
	return table, nil
}

// Procedure returns the path of a method in Connect and gRPC.
func Procedure(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// Permissions returns the permissions that methods of files need, sorted and without
// repetitions.
func Permissions(files *protoregistry.Files) []string {
	var all []string
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for k := range methods.Len() {
				if p, err := Of(methods.Get(k)); err == nil && p.Permission != "" {
					all = append(all, p.Permission)
				}
			}
		}
		return true
	})
	slices.Sort(all)
	return slices.Compact(all)
}
