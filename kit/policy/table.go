package policy

import (
	"errors"
	"fmt"
	"maps"
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

// NewTable returns the methods of services, which are full names in Protobuf; without names,
// those of every public service in files that has policies. It returns an error for a service
// that files does not hold, for a named one without policies, and for an invalid policy.
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
		if err := table.add(service); err != nil {
			return nil, err
		}
	}
	if len(services) > 0 {
		return table, nil
	}
	var errs []error
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			if err := table.add(file.Services().Get(i)); err != nil && !errors.Is(err, ErrMissing) {
				errs = append(errs, err)
			}
		}
		return true
	})
	maps.DeleteFunc(table, func(_ string, m Method) bool { return m.Internal })
	return table, errors.Join(errs...)
}

// NewServiceTable returns the methods of a service. It returns an error for a method without a
// policy, and for an invalid one.
func NewServiceTable(service protoreflect.ServiceDescriptor) (Table, error) {
	table := Table{}
	return table, table.add(service)
}

// add adds the methods of a service.
func (t Table) add(service protoreflect.ServiceDescriptor) error {
	for i := range service.Methods().Len() {
		m := service.Methods().Get(i)
		p, err := Of(m)
		if err != nil {
			return err
		}
		t[Procedure(m)] = Method{p, m}
	}
	return nil
}

// Procedure returns the path of a method in Connect and gRPC.
func Procedure(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// Permissions returns the permissions that the methods need, sorted and without repetitions.
func (t Table) Permissions() []string {
	var all []string
	for _, m := range t {
		if m.Permission != "" {
			all = append(all, m.Permission)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
