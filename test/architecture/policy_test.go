package architecture

import (
	"io/fs"
	"os"
	"strings"
	"testing"

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
	"github.com/bongsu-project/bongsu/kit/policy"
)

// TestPolicies checks that every method has a valid policy, or belongs to an internal
// service, and that the tags by which responses become stale are those of cached ones.
// UserInfo is internal too: its files are those of the older service, without options of
// ours.
func TestPolicies(t *testing.T) {
	methods := 0
	cached, stale := map[string]bool{}, map[string]bool{}
	err := fs.WalkDir(os.DirFS(root+"/proto/bongsu"), ".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".proto") {
			return err
		}
		found, err := protoregistry.GlobalFiles.FindFileByPath("bongsu/" + file)
		if err != nil {
			t.Errorf("bongsu/%s: %v: import its package in this test", file, err)
			return nil
		}
		services := found.Services()
		for i := range services.Len() {
			for k := range services.Get(i).Methods().Len() {
				p, err := policy.Of(services.Get(i).Methods().Get(k))
				if err != nil {
					t.Error(err)
					continue
				}
				methods++
				for _, tag := range p.Invalidates {
					stale[tag] = true
				}
				if p.Cache != nil {
					for _, tag := range p.Cache.Tags {
						cached[tag] = true
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if methods < 40 {
		t.Errorf("only %d methods were found: this test looks in the wrong place", methods)
	}
	for tag := range stale {
		if !cached[tag] {
			t.Errorf("tag %q makes no cached response stale", tag)
		}
	}
}
