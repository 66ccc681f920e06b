package architecture

// A rule lists the importers of a package. An import that no rule allows is a
// violation, and so is a package of this module without a rule: a new folder needs a
// new line here.
type rule struct {
	what  string   // the imported package: a folder of this module, or the path of a library
	by    []string // files that may import it, besides those of the room itself
	tests bool     // the rule applies to _test.go files too
	why   string
}

// In what and by, * matches one folder, or a part of a name, and "/..." at the end
// everything below. The part before it is the room; its files may import one another.
var rules = []rule{
	// The module, from the top down.
	{what: "cmd/...", why: "programs are not imported"},
	{what: "cmd/bongsu/app/...", by: []string{"cmd/..."},
		why: "app imports every service, so only a program may import it"},
	{what: "services/*/...", by: []string{"cmd/bongsu/app/...", "internal/store/..."},
		why: "no service imports another; stores import the types of services, app assembles the services"},
	{what: "internal/store/...", by: []string{"cmd/bongsu/app/...", "internal/generate/...", "bench/..."},
		why: "a service defines its store interface and receives an implementation"},
	{what: "internal/generate/drift", by: []string{"internal/generate/..."}, why: planner},
	{what: "kit/ratelimit/...", by: []string{"cmd/bongsu/app/...", "internal/queue/...", "services/sender/...", "services/alert/messenger_handler.go"},
		why: "senders use the limiter, the API lists its state, and the queue stores it"},
	{what: "internal/queue/...", by: []string{"cmd/bongsu/app/..."},
		why: "a service defines its queue interface and receives an implementation"},
	{what: "kit/rpc/...", by: []string{"cmd/...", "cmd/bongsu/app/...", "services/edge/...", "bench/..."},
		why: "handlers return faults, which interceptors map to codes in one place"},

	// Packages that every other may import.
	{what: "kit/fault", by: []string{"..."}},
	{what: "internal/job", by: []string{"..."}},
	{what: "internal/messenger/...", by: []string{"..."}},
	{what: "kit/texttemplate", by: []string{"..."}},
	{what: "kit/kittest/logtest", why: "it records logs of tests"},
	{what: "kit/kittest/testsize", by: []string{"internal/store/storetest/..."}, why: "it scales tests"},
	{what: "kit/kittest", by: []string{"internal/store/storetest/..."}, why: "it fails tests"},
	{what: "internal/intake", by: []string{"cmd/bongsu/app/...", "services/edge/..."},
		why: "the edge parses the requests of other systems"},
	{what: "kit/redact", by: []string{"..."}},
	{what: "kit/seal", by: []string{"..."}},
	{what: "internal/target", by: []string{"..."}},

	// Generated code, and the generators.
	{what: "gen/ent/...", by: []string{"internal/store/...", "internal/generate/..."}, tests: true,
		why: "ent's types stay inside of the stores"},
	{what: "gen/ent/*/migrate", by: []string{"internal/generate/drift/..."}, why: planner},
	{what: "gen/go/...", by: []string{
		"cmd/...", "cmd/bongsu/app/...", "internal/generate/...", "internal/queue/...", "kit/rpc/...",
		"internal/messenger/outcome/...", "bench/...", "services/edge/...", "services/*/handler.go", "services/*/*_handler.go", "services/*/*_client.go", "services/*/*_codec.go",
	}, why: "wire types stay in the handlers"},
	{what: "gen/openapi", by: []string{"cmd/bongsu/app/...", "services/edge/..."},
		why: "the edge serves the document"},
	{what: "test/...", by: []string{"bench/..."}, tests: true, why: "system tests are not imported"},
	{what: "bench/...", tests: true, why: "benchmarks are not imported"},
	{what: "internal/generate/...", why: "generators run before the program is built"},

	// Libraries that only few rooms may import.
	{what: "database/sql/...", by: stores, why: sql},
	{what: "ariga.io/...", by: stores, why: sql},
	{what: "entgo.io/...", by: stores, why: sql},
	{what: "entgo.io/ent/dialect/sql/schema", by: []string{"internal/generate/drift/...", "gen/ent/*/migrate/..."}, why: planner},
	{what: "github.com/jackc/...", by: stores, why: sql},
	{what: "github.com/pressly/...", by: stores, why: sql},
	{what: "modernc.org/...", by: stores, why: sql},
	{what: "github.com/nats-io/...", by: []string{"internal/queue/...", "cmd/bongsu/app/...", "bench/..."},
		why: "only the queue uses NATS, and app starts the server"},
	{what: "github.com/failsafe-go/...", by: []string{"services/sender/...", "services/directory/remote_handler.go", "kit/database/..."},
		why: "circuit breakers and retries guard calls to other systems"},
	{what: "github.com/tink-crypto/...", by: []string{"kit/seal/..."},
		why: "one package holds the cryptography"},
	{what: "github.com/wneessen/...", by: []string{"internal/messenger/..."},
		why: "only one messenger sends mail"},
	{what: "github.com/aws/...", by: []string{"internal/messenger/..."},
		why: "only one messenger signs requests to AWS"},
	{what: "github.com/emersion/...", by: []string{"services/mockup/..."},
		why: "only the mockup runs a mail server"},
	{what: "github.com/rabbitmq/...", by: []string{"bench/..."}, tests: true,
		why: "other queues are only benchmarked"},
	{what: "connectrpc.com/...", by: []string{
		"cmd/...", "cmd/bongsu/app/...", "kit/rpc/...", "bench/...",
		"services/edge/...", "services/*/handler.go", "services/*/*_handler.go", "services/*/*_client.go", "services/*/*_codec.go",
	}, why: "inner packages do not depend on RPC"},
	{what: "google.golang.org/grpc/...", by: []string{"cmd/bongsu/app/...", "kit/rpc/..."},
		why: "Connect implements gRPC"},
}

// stores are the rooms that use SQL. Benchmarks fill and query the databases from
// outside.
var stores = []string{"internal/store/...", "internal/generate/...", "bench/..."}

const sql = "only the stores use SQL"

const planner = "the service does not link the migration planner"
