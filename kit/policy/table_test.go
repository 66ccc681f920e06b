package policy_test

import (
	"errors"
	"slices"
	"testing"

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
	if got := policy.Permissions(files); !slices.Equal(got, []string{"book.write"}) {
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
	if got := policy.Permissions(files); len(got) != 0 {
		t.Errorf("permissions are %q", got)
	}
}
