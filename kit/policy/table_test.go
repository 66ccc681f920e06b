package policy_test

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	policyv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/policy/v1"
	"github.com/bongsu-project/bongsu/kit/policy"
)

func TestNewTable(t *testing.T) {
	files := &protoregistry.Files{}
	method := shelf(t, &policyv1.MethodPolicy{Permission: "book.write", Audit: policyv1.Audit_AUDIT_SYNC, Resource: "shelves"})
	if err := files.RegisterFile(method.ParentFile()); err != nil {
		t.Fatal(err)
	}
	table, err := policy.NewTable(files, "library.ShelfService")
	if err != nil {
		t.Fatal(err)
	}
	if got := table["/library.ShelfService/Put"]; len(table) != 1 || got.Permission != "book.write" || got.Descriptor.Name() != "Put" {
		t.Errorf("table is %v", table)
	}
	if got := table.Permissions(); !slices.Equal(got, []string{"book.write"}) {
		t.Errorf("permissions are %q", got)
	}
	for _, name := range []string{"library.Nothing", "library.Book"} {
		if _, err := policy.NewTable(files, name); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNewTableWithoutPolicy(t *testing.T) {
	files := &protoregistry.Files{}
	if err := files.RegisterFile(method(t, nil, nil, 0).ParentFile()); err != nil {
		t.Fatal(err)
	}
	if _, err := policy.NewTable(files, "test.TestService"); !errors.Is(err, policy.ErrMissing) {
		t.Errorf("error is %v, want %v", err, policy.ErrMissing)
	}
	if table, err := policy.NewTable(files); err != nil || len(table) != 0 {
		t.Errorf("table without names is %v, %v", table, err)
	}
}

func TestNewTableOfAll(t *testing.T) {
	for _, c := range []struct {
		name   string
		method protoreflect.MethodDescriptor
		size   int
		err    bool
	}{
		{"public", shelf(t, &policyv1.MethodPolicy{Permission: "book.write", Audit: policyv1.Audit_AUDIT_SYNC, Resource: "shelves"}), 1, false},
		{"internal", method(t, nil, &policyv1.ServicePolicy{Internal: true}, 0), 0, false},
		{"without a policy", method(t, nil, nil, 0), 0, false},
		{"invalid", shelf(t, &policyv1.MethodPolicy{}), 0, true},
	} {
		files := &protoregistry.Files{}
		if err := files.RegisterFile(c.method.ParentFile()); err != nil {
			t.Fatal(err)
		}
		if table, err := policy.NewTable(files); len(table) != c.size || (err != nil) != c.err {
			t.Errorf("%s: %v, %v", c.name, table, err)
		}
	}
}
