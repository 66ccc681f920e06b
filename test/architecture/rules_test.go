package architecture

// A layer lists the packages of this module that the files of a part of it may import,
// besides those of its own room. The first layer that a file matches is its layer; a file
// without one is a violation: a new folder at the top needs a new line here.
type layer struct {
	files string   // the importing files
	may   []string // the imported packages; $1 is the folder that the first * of files matches
	tests bool     // the layer applies to _test.go files too
	why   string
}

// A rule lists the importers of a package. An import that no rule allows is a
// violation, and so is a package of this module without a rule: a new folder needs a
// new line here.
type rule struct {
	what  string   // the imported package: a folder of this module, or the path of a library
	by    []string // files that may import it, besides those of the room itself
	tests bool     // the rule applies to _test.go files too
	why   string
}

// In the patterns of both, * matches one folder, or a part of a name, and "/..." at the end
// everything below. The part before it is the room; its files may import one another.
//
// layers say who may import whom: cmd → services → internal → kit, and never back.
var layers = []layer{
	{files: "cmd/bongsu/app/...", may: []string{"services/...", "internal/...", "kit/...", "gen/..."},
		why: "app assembles services"},
	{files: "cmd/...", may: []string{"internal/...", "kit/...", "gen/go/..."},
		why: "the command line is a client, and starts what app assembles"},

	// A store implements the interfaces of its service, and so names the types in them.
	{files: "services/*/store/...", may: inStore, why: store},
	{files: "services/*/ledger/...", may: inStore, why: store},
	{files: "services/*/storetest/...", may: inSuite, why: suite},
	{files: "services/*/ledgertest/...", may: inSuite, why: suite},
	{files: "services/*/...", may: []string{"internal/...", "kit/...", "gen/go/...", "gen/openapi"},
		why: "a service imports no other service, and no program"},

	// The generators read the schemas of the stores; they run before the program is built.
	{files: "internal/generate/...", may: []string{"services/*/store/...", "services/*/ledger/...", "internal/role", "internal/testenv", "kit/...", "gen/..."},
		why: "generators know the API, the roles and the schemas only"},
	{files: "internal/...", may: []string{"internal/...", "kit/...", "gen/go/..."},
		why: "internal is below the services"},

	// The tests of rpc serve the services of Bongsu as samples.
	{files: "kit/rpc/*_test.go", may: []string{"kit/...", "gen/go/..."}, tests: true, why: ground},
	{files: "kit/...", may: []string{"gen/go/bongsu/policy/...", "gen/go/bongsu/registry/..."}, tests: true, why: ground},

	{files: "examples/*/...", may: []string{"kit/...", "gen/go/...", "examples/internal/..."}, tests: true,
		why: "examples stand on kit and the generated API, as programs of others do"},
	{files: "test/judge/...", may: []string{"internal/job", "internal/messenger/...", "gen/go/..."},
		why: "a judgement compares what the API says with what providers received"},
	{files: "test/...", may: []string{"kit/..."}, why: "system tests start programs"},
	{files: "bench/...", may: []string{"test/proc", "internal/testenv", "kit/...", "gen/go/..."},
		why: "benchmarks start programs; test/proc is how"},
}

var inStore = []string{"services/$1", "services/$1/probe", "internal/job/...", "internal/messenger", "internal/quiethours", "internal/target", "kit/...", "gen/ent/..."}

var inSuite = []string{"services/$1", "services/$1/probe", "internal/job/...", "internal/messenger", "internal/quiethours", "internal/target", "internal/testenv", "kit/..."}

const store = "a store depends on its service and the database"

const suite = "a suite checks the interfaces of its service"

const ground = "kit is the ground floor: it has no noun of Bongsu"

// rules narrow the layers, and say who may import which library.
var rules = []rule{
	// The module, from the top down.
	{what: "cmd/...", tests: true, why: "programs are not imported"},
	{what: "cmd/bongsu/app/...", by: []string{"cmd/..."}, tests: true,
		why: "app imports every service, so only a program may import it"},
	{what: "services/*/...", by: assemblers,
		why: "no service imports another; app assembles the services"},
	{what: "services/*/store/...", by: assemblers, why: receives},
	{what: "services/*/ledger/...", by: assemblers, why: receives},
	{what: "services/*/storetest/...", why: "it tests stores"},
	{what: "services/*/ledgertest/...", why: "it tests ledgers"},
	{what: "internal/acklink", by: []string{"cmd/bongsu/app/...", "services/edge/..."},
		why: "app makes the links of messages, and the edge serves their page"},
	{what: "internal/ban", by: []string{"cmd/bongsu/app/...", "services/edge/..."},
		why: "the edge bans addresses"},
	{what: "internal/ban/bantest", why: "it tests implementations of bans"},
	{what: "internal/eventstream", by: []string{"cmd/bongsu/app/...", "services/event/..."},
		why: "the event service publishes to the stream and reads it"},
	{what: "internal/generate/...", why: "generators run before the program is built"},
	{what: "internal/queue/...", by: []string{"cmd/bongsu/app/..."},
		why: "a service defines its queue interface and receives an implementation"},
	{what: "internal/cloudevents", by: []string{"internal/intake/...", "services/event/..."},
		why: "intake and the event service read CloudEvents"},
	{what: "internal/wiretext", by: []string{"internal/intake/...", "internal/cloudevents/...", "services/event/..."},
		why: "one way to read the texts of other systems"},
	{what: "internal/intake", by: []string{"cmd/bongsu/app/...", "services/edge/..."},
		why: "the edge parses the requests of other systems"},
	{what: "internal/job/...", by: []string{"..."}},
	{what: "internal/messenger/...", by: []string{"..."}},
	{what: "internal/netguard", by: []string{"internal/messenger/call/...", "services/monitor/probe/..."},
		why: "messengers and checks connect to user-given hosts"},
	{what: "internal/quiethours", by: []string{"cmd/bongsu/app/...", "services/directory/...", "services/alert/..."},
		why: "the directory keeps quiet hours, and the alert service applies them"},
	{what: "internal/sealkey", by: []string{"cmd/bongsu/..."},
		why: "one format of key files; only programs open them"},
	{what: "internal/silence", by: []string{"services/alert/...", "services/incident/..."},
		why: "the alert service applies silences, and the incident service keeps them"},
	{what: "internal/target", by: []string{"..."}},
	{what: "internal/role", by: []string{"cmd/...", "services/edge/...", "services/access/...", "internal/generate/..."},
		why: "the edge decides who may call; a service is called by whoever may"},
	{what: "kit/auth", by: []string{"cmd/...", "services/...", "kit/rpc/...", "examples/..."},
		why: "a request has a caller; what is below the services has none"},
	{what: "kit/cache", by: []string{"cmd/bongsu/app/...", "internal/queue/...", "services/edge/...", "services/alert/escalation_names.go", "examples/..."},
		why: "the edge caches responses, the queue's broker carries what makes them stale, and the alert service knows names for a while"},
	{what: "kit/discovery/...", by: []string{"cmd/bongsu/app/...", "kit/balance/...", "kit/process/...", "kit/kittest/discoverytest/...", "services/edge/...", "examples/..."},
		why: "programs register their instances, and callers find them"},
	{what: "kit/balance", by: []string{"cmd/bongsu/app/...", "kit/process/...", "kit/rpc/...", "services/edge/...", "bench/...", "examples/..."},
		why: "calls between processes go to the instances of a service"},
	{what: "kit/gauge", by: []string{"cmd/bongsu/app/...", "kit/stream/...", "examples/..."},
		why: "programs export gauges of databases and brokers"},
	{what: "kit/lease", by: []string{"cmd/bongsu/app/...", "examples/..."},
		why: "a service defines what it needs of a lease, and receives an implementation"},
	{what: "kit/livefile", by: []string{"kit/...", "internal/acklink/...", "examples/..."},
		why: "keys and certificates are read again by those who use them"},
	{what: "kit/natsconn", by: []string{"internal/queue/...", "kit/natsserver/...", "kit/process/...", "examples/..."},
		why: "programs connect to NATS in one way"},
	{what: "kit/natsserver", by: []string{"internal/queue/...", "examples/..."},
		why: "only a program with embedded defaults runs a server"},
	{what: "kit/process", by: []string{"examples/..."},
		why: "programs of others run their services by it; app assembles those of Bongsu"},
	{what: "kit/outbox", by: []string{"services/*/notifier.go", "examples/..."},
		why: "services that store notices send them in one way"},
	{what: "kit/policy", by: []string{"cmd/bongsu/app/...", "services/edge/...", "internal/role/...", "internal/generate/...", "kit/rpc/...", "examples/...", "test/architecture/..."}, tests: true,
		why: "the edge enforces policies, and nobody else decides by them"},
	{what: "kit/config", by: []string{"cmd/...", "services/...", "examples/..."},
		why: "settings are parsed where they are declared"},
	{what: "internal/testenv", by: []string{"services/*/storetest/...", "services/*/ledgertest/...", "internal/generate/...", "bench/..."},
		why: "it is for tests"},
	{what: "kit/database/...", by: []string{"cmd/bongsu/app/...", "services/*/store/...", "services/*/ledger/...", "internal/generate/...", "examples/..."},
		why: sql},
	{what: "kit/fault", by: []string{"..."}},
	{what: "kit/kittest/...", by: []string{"internal/ban/bantest/...", "services/*/storetest/...", "services/*/ledgertest/...", "internal/generate/...", "bench/...", "examples/..."},
		why: "it is for tests"},
	{what: "kit/ratelimit", by: []string{"cmd/bongsu/app/...", "internal/messenger/...", "internal/queue/...", "services/sender/...", "services/alert/messenger_handler.go", "services/edge/...", "examples/..."},
		why: "senders use the limiter, the API lists its state, the queue stores it, and messengers and the edge name their rates"},
	{what: "kit/page", by: []string{"examples/..."}, tests: true,
		why: "lists of examples are in pages of one kind"},
	{what: "kit/redact", by: []string{"..."}},
	{what: "kit/retention", by: []string{"services/access/...", "services/inbox/...", "services/incident/...", "services/monitor/...", "examples/..."},
		why: "services delete what is older than its retention"},
	{what: "kit/rpc/...", by: []string{"cmd/...", "services/edge/...", "kit/process/...", "bench/...", "examples/..."},
		why: "handlers return faults, which interceptors map to codes in one place"},
	{what: "kit/seal", by: []string{"..."}},
	{what: "kit/stream", by: []string{"kit/process/...", "examples/..."},
		why: "other services publish their events from an outbox, and consume those of others"},
	{what: "kit/telemetry", by: []string{"cmd/...", "services/edge/...", "services/alert/...", "services/sender/...", "internal/job/...", "internal/queue/...", "kit/process/...", "kit/rpc/...", "examples/..."},
		why: "the program chooses the format of its log, the edge has an access log, and an alert keeps its trace"},
	{what: "kit/texttemplate", by: []string{"..."}},

	// Generated code.
	{what: "gen/ent/...", by: []string{"services/*/store/...", "services/*/ledger/...", "internal/generate/..."}, tests: true,
		why: "ent's types stay inside of the stores"},
	{what: "gen/ent/*/migrate", by: []string{"internal/generate/drift/..."}, why: planner},
	{what: "gen/go/...", by: append([]string{"internal/generate/...", "internal/queue/*_codec.go", "internal/job/*/*_codec.go", "internal/messenger/outcome/...", "internal/quiethours/*_codec.go", "kit/...", "test/judge/...", "examples/..."}, handlers...),
		why: "wire types stay in handlers and codecs"},
	{what: "gen/openapi", by: []string{"cmd/bongsu/app/...", "services/edge/..."},
		why: "the edge serves the document"},

	{what: "test/...", by: []string{"bench/..."}, tests: true, why: "system tests are not imported"},
	{what: "bench/...", tests: true, why: "benchmarks are not imported"},
	{what: "examples/...", tests: true, why: "examples are not imported"},

	// Libraries that only few rooms may import.
	{what: "database/sql/...", by: stores, why: sql},
	{what: "ariga.io/...", by: stores, why: sql},
	{what: "entgo.io/...", by: stores, why: sql},
	{what: "entgo.io/ent/dialect/sql/schema", by: []string{"internal/generate/drift/...", "gen/ent/*/migrate/..."}, why: planner},
	{what: "github.com/jackc/...", by: append([]string{"services/monitor/probe/postgres.go"}, stores...), why: "only the stores use SQL, and a check"},
	{what: "github.com/pressly/...", by: stores, why: sql},
	{what: "modernc.org/...", by: stores, why: sql},
	{what: "github.com/nats-io/...", by: []string{"internal/queue/...", "internal/eventstream/...", "internal/ban/bucket.go", "kit/discovery/...", "kit/lease/...", "kit/natsconn/...", "kit/natsserver/...", "kit/process/...", "kit/stream/...", "cmd/bongsu/app/...", "services/monitor/probe/...", "bench/...", "examples/..."},
		why: "only the queue, the event stream, the bucket of bans, the registry, the leases, the connections of processes, and publishers and consumers of streams use NATS, checks read it, and examples keep a view in it"},
	{what: "github.com/nats-io/nats-server/...", by: []string{"kit/natsserver/...", "bench/..."},
		why: "one package embeds the server"},
	{what: "github.com/failsafe-go/...", by: []string{"services/sender/...", "services/directory/remote_handler.go", "kit/balance/...", "kit/database/..."},
		why: "circuit breakers and retries guard calls to other systems"},
	{what: "github.com/maypok86/...", by: []string{"kit/cache/..."},
		why: "one package evicts"},
	{what: "github.com/prometheus/alertmanager/matcher/...", by: []string{"internal/silence/..."},
		why: "one package parses matchers"},
	{what: "github.com/prometheus/alertmanager/pkg/labels", by: []string{"internal/silence/..."},
		why: "one package parses matchers"},
	{what: "github.com/tink-crypto/...", by: []string{"kit/seal/..."},
		why: "one package holds the cryptography"},
	{what: "github.com/wneessen/...", by: []string{"internal/messenger/call/...", "internal/messenger/email/..."},
		why: "only one messenger sends mail"},
	{what: "github.com/theory/...", by: []string{"internal/messenger/httpx/...", "services/monitor/probe/..."},
		why: "templates of requests and checks select values of responses"},
	{what: "github.com/miekg/...", by: []string{"services/monitor/probe/..."},
		why: "only checks send DNS queries"},
	{what: "github.com/aws/...", by: []string{"internal/messenger/sns/..."},
		why: "only one messenger signs requests to AWS"},
	{what: "github.com/emersion/...", by: []string{"services/mockup/..."},
		why: "only the mockup runs a mail server"},
	{what: "github.com/rabbitmq/...", by: []string{"bench/..."}, tests: true,
		why: "other queues are only benchmarked"},
	{what: "github.com/coreos/go-oidc/...", by: []string{"kit/auth/..."},
		why: "one package verifies tokens, and an example issues some"},
	{what: "github.com/go-jose/...", by: []string{"kit/auth/...", "kit/kittest/oidctest/...", "examples/..."},
		why: "one package verifies tokens, and an example issues some"},
	{what: "golang.org/x/oauth2/...", by: []string{"kit/auth/..."},
		why: "one package verifies tokens, and an example issues some"},
	{what: "github.com/maypok86/otter/...", by: []string{"kit/cache/..."},
		why: "one package holds the cache"},
	{what: "cel.dev/cel-go/...", by: []string{"services/event/condition.go"},
		why: "one file evaluates conditions"},
	{what: "github.com/rs/cors/...", by: []string{"services/edge/..."},
		why: "only the edge is called by pages of other origins"},
	{what: "connectrpc.com/...", by: append([]string{"kit/process/...", "kit/rpc/...", "examples/..."}, handlers...),
		why: "inner packages do not depend on RPC"},
	{what: "go.opentelemetry.io/otel/trace/...", by: []string{"kit/telemetry/...", "kit/rpc/...", "internal/queue/...", "internal/messenger/call/...", "services/sender/..."},
		why: "spans are started in few places"},
	{what: "go.opentelemetry.io/otel/sdk/trace/...", by: []string{"kit/telemetry/..."},
		why: "one package configures and exports traces"},
	{what: "go.opentelemetry.io/contrib/...", by: []string{"kit/telemetry/..."},
		why: "one package configures and exports traces"},
	{what: "google.golang.org/grpc/...", by: []string{"cmd/bongsu/app/...", "kit/rpc/...", "services/monitor/probe/grpc.go"},
		why: "Connect implements gRPC; a check uses the messages of the health service"},
	{what: "github.com/shirou/...", by: []string{"services/monitor/probe/..."},
		why: "only checks read the machine"},
	{what: "github.com/prometheus-community/...", by: []string{"services/monitor/probe/..."},
		why: "only checks send echo requests"},
}

// assemblers are the rooms that import services and stores: the generators their schemas.
var assemblers = []string{"cmd/bongsu/app/...", "internal/generate/..."}

const receives = "a service defines its store interface and receives an implementation"

// handlers are the files that serve or call the API.
var handlers = []string{
	"cmd/...", "bench/...", "services/edge/...", "services/*/handler.go", "services/*/*_handler.go", "services/*/*_client.go",
	"services/*/*_codec.go", "services/*/wire.go", "services/monitor/probe/...",
}

// stores are the rooms that use SQL. Benchmarks fill and query the databases from
// outside.
var stores = []string{
	"services/*/store/...", "services/*/ledger/...", "kit/database/...", "kit/stream/...", "kit/kittest/postgrestest/...", "internal/generate/...", "bench/...",
	"examples/*/*/store.go", "examples/*/*/*_store.go", "examples/school/people/...",
}

const sql = "only the stores use SQL"

const planner = "the service does not link the migration planner"
