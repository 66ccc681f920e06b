// Package architecture checks the import rules, which are data in rules_test.go. It
// parses the files itself: the output of `go list` would be cached, and the test stay
// green after a violation.
package architecture

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

const root = "../.."

func TestImports(t *testing.T) {
	all, err := imports(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 100 {
		t.Fatalf("only %d imports were found below %s: this test looks in the wrong place", len(all), root)
	}
	for _, violation := range violations(all) {
		t.Error(violation)
	}
}

// TestPlantedImports checks that violations are found and allowed imports are not.
func TestPlantedImports(t *testing.T) {
	const refused, allowed = true, false
	for _, row := range []struct {
		file, path string
		want       bool
	}{
		// Programs.
		{"cmd/bongsu/main.go", module + "cmd/bongsu/cli", allowed},
		{"cmd/bongsu/cli/serve.go", module + "cmd/bongsu/app", allowed},
		{"cmd/bongsu/cli/alert.go", module + "gen/go/bongsu/alert/v1", allowed},
		{"cmd/bongsu/cli/alert.go", module + "services/alert", refused},
		{"cmd/bongsu/app/app.go", module + "services/directory", allowed},
		{"cmd/bongsu/app/app.go", module + "services/directory/store", allowed},
		{"cmd/bongsu/app/app.go", module + "services/directory/storetest", refused},
		{"services/directory/directory.go", module + "cmd/bongsu/app", refused},
		{"services/directory/e2e_test.go", module + "cmd/bongsu/app", refused},
		{"internal/job/job.go", module + "cmd/bongsu/cli", refused},
		{"kit/rpc/server.go", module + "cmd/bongsu/app", refused},

		// Services.
		{"services/alert/alert.go", module + "services/directory", refused},
		{"services/edge/edge.go", module + "services/directory", refused},
		{"services/alert/alert_test.go", module + "services/directory/store", allowed},
		{"services/alert/alert.go", module + "services/alert/ledger", refused},
		{"services/edge/edge.go", module + "services/edge/intake", allowed},
		{"services/alert/alert.go", module + "services/edge/intake", refused},
		{"services/directory/page/page.go", module + "services/directory", allowed},
		{"services/alert/alert.go", module + "internal/target", allowed},
		{"services/alert/alert.go", module + "kit/fault", allowed},
		{"services/alert/alert.go", module + "kit/database", refused},
		{"services/alert/alert.go", module + "kit/kittest", refused},
		{"services/directory/handler.go", module + "kit/rpc", refused},
		{"services/edge/edge.go", module + "kit/rpc", allowed},
		{"services/directory/group_handler.go", module + "gen/go/bongsu/group/v1", allowed},
		{"services/directory/wire.go", module + "gen/go/bongsu/group/v1", allowed},
		{"services/directory/directory_codec.go", module + "gen/go/bongsu/group/v1", allowed},
		{"services/directory/directory.go", module + "gen/go/bongsu/group/v1", refused},
		{"services/directory/directory_test.go", module + "gen/go/bongsu/group/v1", allowed},

		// Stores and their suites.
		{"services/directory/store/store.go", module + "services/directory", allowed},
		{"services/directory/store/store.go", module + "services/directory/page", refused},
		{"services/directory/store/store.go", module + "services/alert", refused},
		{"services/alert/ledger/ledger.go", module + "services/alert", allowed},
		{"services/alert/ledger/ledger.go", module + "services/directory/store", refused},
		{"services/alert/ledger/ledger.go", module + "internal/queue", refused},
		{"services/alert/ledger/ledger.go", module + "internal/job", allowed},
		{"services/alert/ledger/ledger.go", module + "kit/database", allowed},
		{"services/alert/ledger/ledger.go", module + "gen/ent/ledger", allowed},
		{"services/alert/ledger/ledger.go", module + "gen/go/bongsu/alert/v1", refused},
		{"services/alert/ledger/ledger.go", module + "gen/ent/ledger/migrate", refused},
		{"services/alert/ledgertest/claims.go", module + "services/alert", allowed},
		{"services/alert/ledgertest/claims.go", module + "kit/kittest", allowed},
		{"services/alert/ledgertest/claims.go", module + "services/directory", refused},
		{"services/alert/ledgertest/claims.go", module + "gen/ent/ledger", refused},
		{"services/alert/alert.go", module + "gen/ent/ledger", refused},
		{"services/alert/alert_test.go", module + "gen/ent/ledger", refused},
		{"cmd/bongsu/app/app.go", module + "gen/ent/ledger", refused},

		// What services share.
		{"internal/target/target.go", module + "services/directory", refused},
		{"internal/messenger/slack/slack.go", module + "services/alert/ledger", refused},
		{"internal/messenger/slack/slack.go", module + "kit/redact", allowed},
		{"internal/job/job.go", module + "kit/rpc", refused},
		{"internal/job/job.go", module + "gen/go/bongsu/job/v1", refused},
		{"internal/queue/job_codec.go", module + "gen/go/bongsu/job/v1", allowed},
		{"internal/queue/queue.go", module + "gen/go/bongsu/job/v1", refused},
		{"internal/queue/queue.go", module + "services/sender", refused},
		{"internal/queue/queue.go", module + "internal/job", allowed},
		{"internal/queue/queue.go", module + "internal/utilities", refused},
		{"internal/generate/drift/drift.go", module + "gen/ent/ledger/migrate", allowed},
		{"internal/generate/migration/main.go", module + "services/alert/ledger", allowed},
		{"internal/generate/openapi/main.go", module + "services/alert", refused},
		{"cmd/bongsu/app/app.go", module + "internal/generate/drift", refused},

		// The ground floor.
		{"kit/ratelimit/key.go", module + "kit/fault", allowed},
		{"kit/ratelimit/key.go", module + "internal/messenger", refused},
		{"kit/ratelimit/key_test.go", module + "internal/messenger", refused},
		{"kit/ratelimit/key.go", module + "services/alert", refused},
		{"kit/database/database_test.go", module + "services/alert/ledger", refused},
		{"kit/rpc/rest.go", module + "gen/go/bongsu/alert/v1", refused},
		{"kit/rpc/rest_test.go", module + "gen/go/bongsu/alert/v1", allowed},
		{"kit/rpc/rest_test.go", module + "services/edge", refused},
		{"kit/policy/policy.go", module + "gen/go/bongsu/policy/v1", allowed},
		{"kit/discovery/discovery.go", module + "gen/go/bongsu/registry/v1/registryv1connect", allowed},
		{"kit/policy/policy.go", module + "gen/ent/ledger", refused},
		{"kit/auth/caller.go", module + "internal/role", refused},
		{"kit/auth/caller.go", module + "gen/go/bongsu/access/v1", refused},
		{"kit/auth/issuer.go", "github.com/coreos/go-oidc/v3/oidc", allowed},

		// Access.
		{"services/edge/authorize.go", module + "kit/policy", allowed},
		{"services/edge/authorize.go", module + "internal/role", allowed},
		{"services/edge/authorize.go", "github.com/coreos/go-oidc/v3/oidc", refused},
		{"services/directory/user_handler.go", module + "kit/policy", refused},
		{"services/directory/user_handler.go", module + "internal/role", refused},
		{"services/alert/alert_handler.go", module + "kit/auth", allowed},
		{"services/access/audit_handler.go", module + "internal/role", allowed},
		{"services/edge/ban.go", module + "internal/ban", allowed},
		{"services/alert/alert.go", module + "internal/ban", refused},
		{"internal/role/role.go", module + "kit/policy", allowed},
		{"internal/queue/queue.go", module + "kit/auth", refused},

		// Examples, tests and benchmarks.
		{"examples/library/cmd/main.go", module + "examples/library/services/loan", allowed},
		{"examples/library/services/loan/loan.go", module + "kit/fault", allowed},
		{"examples/library/services/loan/loan.go", module + "kit/rpc", allowed},
		{"examples/library/services/loan/store/store.go", module + "kit/database", allowed},
		{"examples/library/services/loan/loan.go", module + "gen/go/bongsu/alert/v1", allowed},
		{"examples/library/services/loan/loan.go", module + "internal/messenger", refused},
		{"examples/library/services/loan/loan_test.go", module + "internal/messenger", refused},
		{"examples/library/services/loan/loan.go", module + "services/alert", refused},
		{"examples/library/services/loan/loan.go", module + "examples/school/services/course", refused},
		{"services/alert/alert_test.go", module + "examples/library/services/loan", refused},
		{"services/alert/alert_test.go", module + "test/proc", refused},
		{"services/alert/alert_test.go", module + "bench/load", refused},
		{"test/e2e/alert_test.go", module + "test/proc", allowed},
		{"test/e2e/alert_test.go", module + "cmd/bongsu/app", refused},
		{"bench/accept.go", module + "test/proc", allowed},
		{"bench/accept.go", module + "services/alert", refused},
		{"plugins/sms/sms.go", module + "kit/fault", refused},

		// Libraries.
		{"services/directory/directory.go", "connectrpc.com/connect", refused},
		{"services/directory/group_handler.go", "connectrpc.com/connect", allowed},
		{"services/edge/edge.go", "connectrpc.com/vanguard", allowed},
		{"services/alert/alert.go", "database/sql", refused},
		{"services/alert/ledger/ledger.go", "database/sql", allowed},
		{"kit/database/database.go", "database/sql", allowed},
		{"internal/job/job.go", "entgo.io/ent", refused},
		{"services/sender/sender.go", "github.com/nats-io/nats.go/jetstream", refused},
		{"internal/queue/queue.go", "github.com/nats-io/nats.go/jetstream", allowed},
		{"services/directory/group_handler.go", "github.com/tink-crypto/tink-go/v2/aead", refused},
		{"services/directory/directory.go", "strings", allowed},
	} {
		source := "package x\n\nimport _ \"" + row.path + "\"\n"
		all, err := imports(fstest.MapFS{row.file: {Data: []byte(source)}})
		if err != nil {
			t.Fatal(err)
		}
		if got := violations(all); (len(got) == 1) != row.want || len(all) != 1 {
			t.Errorf("%s imports %s: refused: want %v, found %q", row.file, row.path, row.want, got)
		}
	}
}

// TestNothingInGenIsWrittenByHand checks that gen/ has no hand-written file: the next
// `make generate` would delete it.
func TestNothingInGenIsWrittenByHand(t *testing.T) {
	found, err := byHand(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		t.Errorf("%s is not marked as generated", file)
	}
	found, err = byHand(fstest.MapFS{
		"gen/go/a.go":    {Data: []byte("// Code generated by hand. DO NOT EDIT.\npackage a\n")},
		"gen/go/mine.go": {Data: []byte("package a\n")},
		"gen/ts/mine.js": {Data: []byte("export {};\n")},
	})
	if got := strings.Join(found, " "); err != nil || got != "gen/go/mine.go gen/ts/mine.js" {
		t.Errorf("the check finds %q (%v)", got, err)
	}
}

// byHand returns the files below gen/ without a mark of their generator, except for
// those that are copied there for npm.
func byHand(tree fs.FS) ([]string, error) {
	copied := map[string]bool{"gen/ts/package.json": true, "gen/ts/README.md": true, "gen/ts/LICENSE": true}
	var found []string
	err := fs.WalkDir(tree, "gen", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || copied[file] {
			return err
		}
		source, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		head := strings.ToLower(string(source[:min(len(source), 4096)]))
		if !strings.Contains(head, "do not edit") && !strings.Contains(head, "@generated") {
			found = append(found, file)
		}
		return nil
	})
	return found, err
}
