package architecture

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/library/delivery/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/library/event/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/library/product/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/library/reservation/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/school/announcement/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/school/auth/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/school/club/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/school/event/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/school/outing/v1"
	_ "github.com/bongsu-project/bongsu/gen/go/school/schedule/v1"
	"github.com/bongsu-project/bongsu/kit/policy"
)

// TestPolicies checks that every method of Bongsu has a valid policy, or belongs to an internal
// service, that the tags by which responses become stale are those of cached ones, and that no
// policy names roles: the built-in table alone says what callers may do in Bongsu. UserInfo is
// internal too: its files are those of the older service, without options of ours.
func TestPolicies(t *testing.T) {
	methods := policiesOf(t, "proto", "bongsu")
	if len(methods) < 40 {
		t.Errorf("only %d methods were found: this test looks in the wrong place", len(methods))
	}
	checkTags(t, methods)
	for name, p := range methods {
		if len(p.Roles) > 0 {
			t.Errorf("%s: roles are for services that join an edge", name)
		}
	}
}

// TestPoliciesOfExamples checks the policies of each example as those of Bongsu. They may name
// roles.
func TestPoliciesOfExamples(t *testing.T) {
	modules, err := filepath.Glob(root + "/examples/*/proto")
	if err != nil || len(modules) < 2 {
		t.Fatalf("examples are %q, %v", modules, err)
	}
	for _, module := range modules {
		example := filepath.Base(filepath.Dir(module))
		checkTags(t, policiesOf(t, "examples/"+example+"/proto", example))
	}
}

// policiesOf returns the policies of the methods in the files of a folder of a module, by the
// full names of the methods. The packages must be linked.
func policiesOf(t *testing.T, module, folder string) map[protoreflect.FullName]policy.Policy {
	t.Helper()
	policies := map[protoreflect.FullName]policy.Policy{}
	files := 0
	err := fs.WalkDir(os.DirFS(path.Join(root, module)), folder, func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".proto") {
			return err
		}
		files++
		found, err := protoregistry.GlobalFiles.FindFileByPath(file)
		if err != nil {
			t.Errorf("%s: %v: import its package in this test", file, err)
			return nil
		}
		services := found.Services()
		for i := range services.Len() {
			for k := range services.Get(i).Methods().Len() {
				m := services.Get(i).Methods().Get(k)
				p, err := policy.Of(m)
				if err != nil {
					t.Error(err)
					continue
				}
				policies[m.FullName()] = p
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Errorf("%s has no files below %s", module, folder)
	}
	return policies
}

// checkTags checks that each tag by which responses become stale is that of a cached one.
func checkTags(t *testing.T, methods map[protoreflect.FullName]policy.Policy) {
	t.Helper()
	cached := map[string]bool{}
	for _, p := range methods {
		if p.Cache != nil {
			for _, tag := range p.Cache.Tags {
				cached[tag] = true
			}
		}
	}
	for name, p := range methods {
		for _, tag := range p.Invalidates {
			if !cached[tag] {
				t.Errorf("%s: tag %q makes no cached response stale", name, tag)
			}
		}
	}
}
